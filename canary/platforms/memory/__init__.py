"""A cluster in memory, with one simulated time."""

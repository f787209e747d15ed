"""Core: the values that everything else speaks in."""

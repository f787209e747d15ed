"""Budget: what is left of an objective's errors."""

"""Commands: one to a file."""

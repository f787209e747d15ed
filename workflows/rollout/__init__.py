"""`davy canary`."""

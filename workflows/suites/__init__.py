"""`davy test`."""

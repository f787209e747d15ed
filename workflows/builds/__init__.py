"""`davy build`."""

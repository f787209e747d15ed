"""`davy image`."""

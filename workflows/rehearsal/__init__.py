"""`davy rehearse`."""

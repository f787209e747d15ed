"""`davy release`."""

"""Images: their names and documents, as values."""

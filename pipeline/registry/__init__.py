"""Registry: images by name and digest, as values."""

"""Content: what goes into an image, and the key that is made of it."""

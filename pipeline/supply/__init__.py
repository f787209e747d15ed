"""Supply: what is said of an image after it was built, and what may be held against it. Pure."""

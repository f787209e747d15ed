"""Builds: what an image is made from, its key, and whether it has to be built. Pure."""

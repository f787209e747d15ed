"""Adapter: the Docker Engine and its files."""

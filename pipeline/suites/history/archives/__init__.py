"""Adapter: archives of runs, one a file."""

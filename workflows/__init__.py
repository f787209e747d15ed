"""Workflows: the door, and where the rooms meet."""

"""Checks: questions put to the world, and their verdicts."""

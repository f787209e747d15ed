"""Suites: cut into pieces, run in their places, read from their reports, remembered."""

"""Beacon's rule: so many looks."""

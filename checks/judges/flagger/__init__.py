"""Flagger's rule: so many failed checks in a row."""

"""Judges: verdicts from counts and measurements, one folder a rule."""

"""Sauce Labs' own configuration and its questions, as values."""

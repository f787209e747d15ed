"""Clouds: what tells one vendor of browsers from another, as values."""

"""Adapter: HTTP with a deadline over every whole exchange and a bound on every answer."""

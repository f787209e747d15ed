"""Adapter: what the API server tells by itself, in place of reading it at each look."""

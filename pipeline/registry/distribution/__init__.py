"""Adapter: registries, by the distribution API."""

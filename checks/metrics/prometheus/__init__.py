"""Adapter: Prometheus."""

"""Ports of the canary: what the engine asks of the world, in its own words."""

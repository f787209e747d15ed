"""Adapter: routers, each a way to share traffic between stable and the canary."""

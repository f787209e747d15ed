"""Canary: how much traffic, how long, and what next."""

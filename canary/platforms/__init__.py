"""Platforms: where a rollout's pods run."""

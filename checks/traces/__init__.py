"""Traces: a rollout's counts in a file, replayed and explained."""

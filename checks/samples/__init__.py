"""Samples: counters as a server stored them, made into counts."""

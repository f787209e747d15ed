"""Adapter: a thin client of Kubernetes: who one is, how it is reached, bounded answers."""

"""Metrics: servers of samples, in memory, merged and by quorum."""

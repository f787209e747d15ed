"""Adapter: the journal of a rollout, in a ConfigMap."""

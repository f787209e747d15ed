"""Thresholds, to the letter of Argo Rollouts."""

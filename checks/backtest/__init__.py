"""Backtest: the policy tried on the service's own past."""

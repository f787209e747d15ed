"""Forecast: how long a step must last, and the judges in simulated rollouts."""

"""Adapter: Sauce Labs as a runner of whole projects."""

"""Adapters: the ports, spoken to the real world."""

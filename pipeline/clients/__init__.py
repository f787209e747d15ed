"""Adapter: clients: what several families speak through."""

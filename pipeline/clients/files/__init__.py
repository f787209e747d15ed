"""Adapter: folders and files that are held, locked or masked."""

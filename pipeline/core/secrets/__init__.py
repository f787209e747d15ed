"""Secrets: known by their names, and found in every form that logs and files give them."""

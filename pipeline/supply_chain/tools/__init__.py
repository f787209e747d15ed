"""Adapter: scanners and cosign, by their own commands."""

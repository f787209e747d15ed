"""Preflight: what is wrong with the queries before any traffic moves."""

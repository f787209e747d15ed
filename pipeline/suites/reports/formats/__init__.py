"""Formats: JUnit in the dialects of its writers, TRX, k6, and what is none of them."""

"""Moments: points in time as other programs read them."""

from datetime import UTC, datetime


def rfc3339(at: datetime) -> str:
    """`2026-05-01T12:00:00Z`: to the second, in UTC. `at` is aware. https://www.rfc-editor.org/rfc/rfc3339"""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

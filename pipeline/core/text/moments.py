"""Moments: points in time as other programs read them, and days as people write them."""

import re
from datetime import UTC, date, datetime

DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def rfc3339(at: datetime) -> str:
    """`2026-05-01T12:00:00Z`: to the second, in UTC. `at` is aware. https://www.rfc-editor.org/rfc/rfc3339"""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def day(text: str) -> date:
    """`2026-12-31`. Raises ValueError with what to write."""
    try:
        # Python also takes 20261231 and 2026-W53-4, which nobody reads as a day.
        return date.fromisoformat(text if DAY.fullmatch(text) else "")
    except ValueError:
        raise ValueError(f"{text[:40]!r} is no day; write it like 2026-12-31") from None

"""Time text: `500ms`, `15s`, `1m30s`, `2h`, `7d` to timedelta and back."""

import re
from datetime import timedelta

UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
LONGEST = 100
"""Characters; a longer text is no duration that a person wrote, and is not looked at."""


def parsed(text: str) -> timedelta:
    """The duration a text means. Raises ValueError with what would be right."""
    if len(text) > LONGEST:
        raise ValueError(f"a text of {len(text):,} characters is no duration; write it like 500ms, 15s, 1m30s or 2h")
    compact = text.replace(" ", "")
    parts = PART.findall(compact)
    if not parts or "".join(number + unit for number, unit in parts) != compact:
        raise ValueError(f"{text!r} is no duration; write it like 500ms, 15s, 1m30s or 2h")
    try:
        return timedelta(seconds=sum(float(number) * UNITS[unit] for number, unit in parts))
    except OverflowError as error:
        raise ValueError(f"{text!r} is longer than davy can count") from error


def shown(span: timedelta) -> str:
    """For people: `250ms`, `3.2s`, `48s`, `3m12s`, `2h05m`, `1d02h`."""
    seconds = span.total_seconds()
    if 0 < seconds < 1:
        return f"{seconds * 1000:.0f}ms"
    if seconds < 10:
        return f"{seconds:.1f}s".replace(".0s", "s")
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}s"
    if whole < 86400:
        return f"{whole // 3600}h{whole % 3600 // 60:02d}m"
    return f"{whole // 86400}d{whole % 86400 // 3600:02d}h"

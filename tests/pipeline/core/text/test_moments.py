"""Moments and days, as others write and read them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from davy.pipeline.core.text import moments


def test_a_moment_is_told_in_utc_to_the_second() -> None:
    at = datetime(2026, 5, 1, 14, 0, 0, 999_999, timezone(timedelta(hours=2)))
    assert moments.rfc3339(at) == "2026-05-01T12:00:00Z" == moments.rfc3339(at.astimezone(UTC))


def test_a_day_is_read_as_people_write_it() -> None:
    assert moments.day("2026-12-31") == date(2026, 12, 31)


@pytest.mark.parametrize(
    "text", ["", "20261231", "2026-W53-4", "2026-02-30", "2026-12-31\n", "31.12.2026", "\uff12\uff10\uff12\uff16-12-31"]
)
def test_what_nobody_reads_as_a_day_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="is no day; write it like 2026-12-31"):
        moments.day(text)

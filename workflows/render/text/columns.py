"""Columns: counts, rates and verdicts as short words, in columns."""

from davy.checks.judges.sequential.sentences import percent
from davy.checks.traces.result import ReplayEnd
from davy.pipeline.core.text.sanitize import one_line
from davy.pipeline.core.verdict import Counts

NAME = 16
"""Columns for a metric's name."""

VERDICTS = {
    ReplayEnd.ROLL_BACK: "roll back",
    ReplayEnd.PROMOTE: "promote",
    ReplayEnd.INCONCLUSIVE: "inconclusive",
}


def short(name: str) -> str:
    """A metric's name in its columns."""
    clean = one_line(name)
    return clean if len(clean) <= NAME else clean[: NAME - 1] + "…"


def side(counts: Counts) -> str:
    """`24/6,000 0.40%`."""
    return f"{_count(counts.bad)}/{_count(counts.total)} {percent(counts.rate)}" if counts.total else "no data"


def _count(number: int) -> str:
    """Whole up to a million, then `30.0M`."""
    for unit, letter in ((10**12, "T"), (10**9, "G"), (10**6, "M")):
        if number >= unit:
            return f"{number / unit:.1f}{letter}"
    return f"{number:,}"

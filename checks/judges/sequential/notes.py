"""Notes: what a person should know beside a verdict, in words. Pure."""

from collections.abc import Iterable, Mapping
from datetime import timedelta

from davy.checks.judges.sequential.sentences import percent
from davy.checks.statistics.dispersion import Dispersion
from davy.pipeline.core.text.time_text import shown
from davy.pipeline.core.verdict import Counts


def tempered(name: str, found: Dispersion, cut: str) -> str:
    """`availability: dispersion 1.3, measured on 212 bad events of 9 stable pods side by side`."""
    return f"{name}: {found.said}" + (f"; {cut}" if cut else "")


def left_out(warmup: timedelta, canary: Iterable[Counts], stable: Iterable[Counts], against: str) -> str:
    """`warm-up: the first 1m after Ready is left out: 1,204 requests (12 failed) of 2 canary pods`."""
    sides = [("canary", tuple(canary)), (against.removeprefix("the "), tuple(stable))]
    told = [_side(name, counts) for name, counts in sides if counts]
    return f"warm-up: the first {shown(warmup)} after Ready is left out: {' and '.join(told)}"


def _side(name: str, counts: tuple[Counts, ...]) -> str:
    total, bad = sum(one.total for one in counts), sum(one.bad for one in counts)
    pods = f"{len(counts)} {name} pod" + "s"[: len(counts) != 1]
    return f"{total:,} requests ({bad:,} bad) of {pods}"


def week_ago(name: str, now: float | None, then: float | None) -> str:
    """`availability: 0.10% bad in the last hour, 0.12% in the same hour a week ago (all pods; no evidence)`."""
    shown_now, shown_then = (_known(rate) for rate in (now, then))
    return f"{name}: {shown_now} bad in the last hour, {shown_then} in the same hour a week ago (all pods; no evidence)"


def _known(rate: float | None) -> str:
    return "an unknown share" if rate is None else percent(rate)


def fresh(new: Iterable[str], said: Mapping[str, None]) -> tuple[str, ...]:
    """Those that were not said yet, each once."""
    return tuple(dict.fromkeys(note for note in new if note not in said))

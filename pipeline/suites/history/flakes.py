"""Flakes: how often each test fails, and how often it both fails and passes on one revision, over the last runs."""

import math
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise

from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.suites.history.record import CaseRecord, RunRecord

Z = 1.959963984540054
"""The normal quantile of a two-sided 95 % interval."""
BARS = "▁▂▃▄▅▆▇█"
TREND = 10
"""Marks of the trend."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlakeRate:
    """A share with its 95 % interval by Wilson: E. B. Wilson, JASA 22 (1927) 209-212."""

    hits: int
    of: int

    @property
    def value(self) -> float:
        """The share; 0 where nothing was counted."""
        return self.hits / self.of if self.of else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Lower and upper bound; from 0 to 1 where nothing was counted."""
        if not self.of:
            return 0.0, 1.0
        n, p, square = self.of, self.value, Z * Z
        middle = (p + square / (2 * n)) / (1 + square / n)
        half = Z / (1 + square / n) * math.sqrt(p * (1 - p) / n + square / (4 * n * n))
        # At the ends the formula gives the end itself, but for the last digit.
        return (0.0 if not self.hits else max(0.0, middle - half)), (1.0 if self.hits == n else min(1.0, middle + half))


@dataclass(frozen=True, slots=True, kw_only=True)
class Flake:
    """A test that did not simply pass in every run."""

    suite: str
    name: str
    """`classname::name`."""
    flaky: FlakeRate
    """Runs in which it failed and passed, or failed on a revision on which another run passed."""
    failing: FlakeRate
    """Runs whose last attempt failed."""
    last: datetime
    """When it was last flaky or failed."""
    trend: tuple[float, ...]
    """Share of runs that were not clean, oldest first, in up to ten equal parts."""
    across: int = 0
    """Of the flaky runs, those that are so only beside another run of the same revision."""
    quarantined: bool = False
    """In its newest run."""
    seconds: float = 0.0
    """Of its newest run."""
    own: bool = False
    """It is no test, but davy's own case of a whole run or of a suite of the report."""


def flakes(records: Sequence[RunRecord], suite: str | None = None) -> tuple[Flake, ...]:
    """The tests that were flaky or failed, worst first. `records`: newest first, as an archive gives them."""
    runs: dict[tuple[str, str, bool], list[tuple[RunRecord, CaseRecord]]] = {}
    for record in records:
        for case in _once(record.cases):
            if case.result != "skipped" and (suite is None or suite in (case.suite, case.suite.partition("[")[0])):
                runs.setdefault((case.suite, case.title, case.own), []).append((record, case))
    found = (_flake(suite_name, name, told) for (suite_name, name, _), told in runs.items())
    return tuple(sorted((one for one in found if one is not None), key=_badness))


def _once(cases: Iterable[CaseRecord]) -> Iterable[CaseRecord]:
    """A name that one run tells several times, once: the worst of them counts, so that a run is one run."""
    found: dict[tuple[str, str, bool], CaseRecord] = {}
    for case in cases:
        key = (case.suite, case.title, case.own)
        first = found.setdefault(key, case)
        if _rank(case) > _rank(first):
            found[key] = case
    return found.values()


def _rank(case: CaseRecord) -> int:
    return 3 if _bad(case) else 2 if case.flaky else 0 if case.result == "skipped" else 1


def _badness(flake: Flake) -> tuple[float, float, str, str]:
    """By what is sure: the lower bound of the flake rate, then of the failure rate."""
    return (-flake.flaky.interval[0], -flake.failing.interval[0], flake.suite, flake.name)


def _flake(suite: str, name: str, told: Sequence[tuple[RunRecord, CaseRecord]]) -> Flake | None:
    both = _both_ways(told)
    flaky = [case.flaky or (record.revision in both and not record.dirty and _bad(case)) for record, case in told]
    failed = [_bad(case) for _, case in told]
    unclean = [one or other for one, other in zip(flaky, failed, strict=True)]
    if not any(unclean):
        return None
    newest = told[0][1]
    return Flake(
        suite=suite,
        name=name,
        flaky=FlakeRate(hits=sum(flaky), of=len(told)),
        failing=FlakeRate(hits=sum(failed), of=len(told)),
        last=next(record.at for (record, _), one in zip(told, unclean, strict=True) if one),
        trend=_trend(unclean[::-1]),
        across=sum(one and not case.flaky for one, (_, case) in zip(flaky, told, strict=True)),
        quarantined=newest.quarantined,
        seconds=newest.seconds,
        own=newest.own,
    )


def _bad(case: CaseRecord) -> bool:
    return case.result in ("failed", "error")


def _both_ways(told: Iterable[tuple[RunRecord, CaseRecord]]) -> set[str]:
    """Revisions on which the test failed in one run and passed in another: the code was the same.

    A dirty tree's code is nobody's revision.
    """
    ends: dict[str, set[bool]] = {}
    for record, case in told:
        if record.revision and not record.dirty:
            ends.setdefault(record.revision, set()).add(_bad(case))
    return {revision for revision, both in ends.items() if len(both) == 2}


def _trend(unclean: Sequence[bool]) -> tuple[float, ...]:
    parts = min(TREND, len(unclean))
    edges = [round(part * len(unclean) / parts) for part in range(parts + 1)]
    return tuple(sum(unclean[low:high]) / (high - low) for low, high in pairwise(edges))


def sparkline(trend: Sequence[float]) -> str:
    """A bar for each part: the lowest for none, the highest for all."""
    return "".join(BARS[0] if not share else BARS[max(1, min(7, math.ceil(share * 7)))] for share in trend)


def entries(found: Iterable[Flake], today: date, lasting: timedelta = timedelta(days=14)) -> str:
    """Lines of YAML for the quarantine file; the owner is for a person to say. What is held already is left out.

    So is what is no test: no entry would mean it.
    """
    lines = []
    for flake in found:
        if flake.flaky.hits and not flake.quarantined and not flake.own:
            lines += [
                f"- test: {_quoted(flake.name)}",
                f"  suite: {_quoted(flake.suite.partition('[')[0])}",
                "  owner: ",
                f"  reason: flaky in {flake.flaky.hits} of {flake.flaky.of} runs, last on {flake.last:%Y-%m-%d}",
                f"  expires: {today + lasting}",
            ]
    return "\n".join(lines)


def _quoted(text: str) -> str:
    """A double-quoted scalar of YAML: as JSON, with nothing outside printable ASCII."""
    out = []
    for letter in text:
        code = ord(letter)
        if letter in '"\\':
            out.append(f"\\{letter}")
        elif 32 <= code < 127:
            out.append(letter)
        else:
            out.append(f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 65536 else f"\\U{code:08x}")
    return f'"{"".join(out)}"'

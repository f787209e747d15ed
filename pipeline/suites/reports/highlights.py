"""Highlights: of a suite's cases those that a person wants to see at its end."""

from collections.abc import Callable
from datetime import datetime, timedelta

from davy.pipeline.core.events import CaseTold, SuiteFinished
from davy.pipeline.suites.reports.cases import Case, CaseResult, Suite

MOST = 20
"""Cases told of one suite; the report has them all."""
LINES = 3
MOST_READ, MOST_LINES = 2**16, 100
"""Characters and lines of a failure's words that are looked at."""
LONGEST = 300
"""Characters of the words of one case."""

Shown = Callable[[str], str]
"""Makes one line of others harmless."""


def finished(suite: Suite, at: datetime, took: timedelta, shown: Shown) -> SuiteFinished:
    """A suite's end. Its numbers count what counts: a bad case in quarantine is neither failed nor an error."""
    told, more = highlights(suite, shown)
    return SuiteFinished(
        at=at,
        suite=suite.name,
        result=suite.result,
        took=took,
        passed=suite.count(CaseResult.PASSED),
        failed=sum(case.fails and case.result is CaseResult.FAILED for case in suite.cases),
        errors=sum(case.fails and case.result is CaseResult.ERROR for case in suite.cases),
        skipped=suite.count(CaseResult.SKIPPED),
        because=shown(suite.because),
        flaky=sum(case.flaky for case in suite.cases),
        quarantined=sum(case.quarantined and case.result.bad for case in suite.cases),
        told=told,
        more=more,
        slowest=slowest(suite, shown),
        notes=tuple(map(shown, suite.notes)),
    )


def highlights(suite: Suite, shown: Shown) -> tuple[tuple[CaseTold, ...], int]:
    """What failed, then what is quarantined, then what is flaky; and how many more there are."""
    bad = [case for case in suite.cases if case.result.bad or case.flaky]
    ordered = sorted(bad, key=_rank)
    return tuple(_told(case, shown) for case in ordered[:MOST]), max(0, len(ordered) - MOST)


def slowest(suite: Suite, shown: Shown) -> CaseTold | None:
    """The case that took longest; None where that says nothing."""
    case = max(suite.cases, key=lambda case: case.seconds, default=None)
    if case is None or len(suite.cases) < 2 or not case.seconds:
        return None
    return CaseTold(name=shown(case.key), took=timedelta(seconds=round(case.seconds, 3)))


def _rank(case: Case) -> int:
    return 0 if case.fails else 1 if case.result.bad else 2


def _told(case: Case, shown: Shown) -> CaseTold:
    return CaseTold(
        name=shown(case.key),
        result="flaky" if case.flaky else case.result.value,
        words=_words(case, shown),
        took=timedelta(seconds=round(case.seconds, 3)),
        attempts=max(1, len(case.attempts)),
        quarantined=case.quarantined,
    )


def _words(case: Case, shown: Shown) -> str:
    """The first lines of what it said; of a flaky one, of the attempt that failed."""
    failed = next((attempt for attempt in case.attempts if attempt.result.bad), case) if case.flaky else case
    text = failed.message if failed.message.strip() else failed.text
    # Nothing is cut before it is shown: of a secret that was cut the mask would not know the rest.
    lines = [clean for line in text[:MOST_READ].splitlines()[:MOST_LINES] if (clean := shown(line).strip())]
    whole = "\n".join(lines[:LINES])
    return whole if len(whole) <= LONGEST else f"{whole[:LONGEST]}…"

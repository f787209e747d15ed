"""JUnit suites: what a report says of a suite beside its cases: failures of its own, and counts that name none."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from davy.pipeline.core.text import nouns
from davy.pipeline.suites.reports.cases import NAMELESS, Case, CaseResult
from davy.pipeline.suites.reports.formats.junit_cases import FEW, CaseOutcome, result_said


@dataclass(slots=True, kw_only=True)
class OpenSuite:
    """A `<testsuite>` or `<testsuites>` while it is read."""

    path: tuple[str, ...]
    """Names of the suites it stands in, and its own."""
    file: str
    counts: int
    """Failures and errors that it says it has."""
    failed: bool
    """Its own `status` or `result` says so."""
    outcomes: list[CaseOutcome] = field(default_factory=list)
    """`<error>` and `<failure>` that stand in no case."""
    names_bad: bool = False
    """A case in it, at any depth, is bad or was so at an earlier attempt."""


def opened(word: str, told: Mapping[str, str], above: OpenSuite | None) -> OpenSuite:
    """By its attributes. The root `<testsuites>` gives no name to what is in it."""
    path = above.path if above else ()
    said = result_said(told)
    return OpenSuite(
        path=(*path, told.get("name", "")[:FEW]) if word == "testsuite" else path,
        file=told.get("file", "") or (above.file if above else ""),
        counts=_number(told.get("failures", "")) + _number(told.get("errors", "")),
        failed=said is not None and said.bad,
    )


def closed(suite: OpenSuite) -> Case | None:
    """The case that stands for what no case of it tells; None where its cases tell all.

    Counts are compared only where no case is bad at all: Surefire and gotestsum count attempts that were made good.
    """
    name = (suite.path[-1] if suite.path else "") or NAMELESS
    if suite.outcomes:
        first = next((said for said in suite.outcomes if said.result is CaseResult.ERROR), suite.outcomes[0])
        text = str(first.text)
        message = first.message.strip() or next(iter(text.strip().splitlines()), "")
        words = f"{name}: {message[:FEW]}" if message else f"{name} failed outside of its tests"
        return Case(name=name, result=first.result, message=words, text=text, kind=first.kind, suites=suite.path,
                    file=suite.file, own=True)  # fmt: skip
    if suite.names_bad or not (suite.counts or suite.failed):
        return None
    count = f"counts {nouns.counted(suite.counts, 'failure')}" if suite.counts else "says failed"
    words = f"its report {count} and names none"
    return Case(name=name, result=CaseResult.ERROR, message=words, suites=suite.path, file=suite.file, own=True)


def _number(text: str) -> int:
    """0 where it is none."""
    digits = text.strip().partition(".")[0]
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else 0

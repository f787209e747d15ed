"""Writer: what became of a suite by its report, and the reports of all suites written as one."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from davy.pipeline.suites.ports import SuiteRun
from davy.pipeline.suites.reports.cases import Attempt, Case, CaseResult, Suite, reason
from davy.pipeline.suites.reports.exit_codes import exited, is_crash
from davy.pipeline.suites.reports.formats.junit_cases import ATTEMPT, QUARANTINED, STANDS_FOR
from davy.pipeline.suites.reports.formats.text import ILLEGAL, BrokenReport
from davy.pipeline.suites.reports.reader import ReportReading, read, reading

if TYPE_CHECKING:
    from junitparser import Element, Properties, TestCase, TestSuite

__all__ = [
    "ILLEGAL",
    "Attempt",
    "BrokenReport",
    "Case",
    "CaseResult",
    "ReportReading",
    "Suite",
    "ended",
    "merged",
    "read",
]


def ended(name: str, run: SuiteRun, took: timedelta, found: ReportReading | None = None) -> Suite:
    """A suite by what became of it. Without a report it is one case, made from its exit code.

    `found`: what was read of its reports already; else `run.junit` is read. Where a report breaks off, the cases
    before the break stand, and one more says that it broke.
    """
    told = found or (reading([run.junit]) if run.junit is not None and run.junit.strip() else None)
    cases = told.cases if told else ()
    if run.exit_code == 0 and not run.because:
        cases = settled(cases)
    bad = any(case.result.bad for case in cases)
    broken = told.broken if told else ""
    code = "" if run.because or (bad and not is_crash(run.exit_code)) else exited(run.exit_code)
    words = "; ".join(filter(None, (run.because, code, broken if not run.because else "")))
    if words or told is None:
        kind = CaseResult.PASSED if not words else CaseResult.FAILED if run.exit_code else CaseResult.ERROR
        cases += (whole(name, took, kind, words),)
    because = run.because if run.because else reason(cases)
    return Suite(name=name, cases=cases, took=took, exit_code=run.exit_code, because=because, notes=_notes(run, told))


def whole(name: str, took: timedelta, result: CaseResult, message: str = "") -> Case:
    """davy's own case, which stands for a run and for none of its tests."""
    return Case(name=name, seconds=took.total_seconds(), result=result, message=message, own=True)


def settled(cases: Sequence[Case]) -> tuple[Case, ...]:
    """Of a command that ended with 0: a test that failed and was then told again and passed is one, and flaky.

    gotestsum reports its reruns so. What is told twice and does not pass the last time stays as it is, and what has no
    name is never the same test.
    """
    told: dict[tuple[object, ...], list[Case]] = {}
    for case in cases:
        told.setdefault((case.own, case.suites, case.classname, case.name, case.file), []).append(case)
    return tuple(one for each in told.values() for one in _rerun_in_place(each))


def _rerun_in_place(each: Sequence[Case]) -> Sequence[Case]:
    last = each[-1]
    if last.own or not last.name or last.result is not CaseResult.PASSED or not any(case.result.bad for case in each):
        return each
    return [replace(last, attempts=tuple(attempt for case in each for attempt in attempts(case)))]


def attempts(case: Case) -> tuple[Attempt, ...]:
    """Every try at it, oldest first; itself where there was one."""
    if case.attempts:
        return case.attempts
    own = Attempt(result=case.result, seconds=case.seconds, message=case.message, text=case.text, kind=case.kind)
    return (own,)


def _notes(run: SuiteRun, told: ReportReading | None) -> tuple[str, ...]:
    if told is None:
        none = () if run.exit_code is None else ("wrote no report; it counts by its exit code",)
        return (*run.notes, *none)
    empty = () if told.cases or told.broken else ("its report has 0 tests",)
    return (*run.notes, *told.notes, *empty)


def merged(suites: Iterable[Suite]) -> str:
    """One JUnit text with a `<testsuite>` for each suite; attempts as Maven Surefire writes them.

    A quarantined failure is written as skipped, with the property `davy.quarantined`: CI systems count `<failure>`.
    """
    # 30 ms that only a run with suites has to pay.
    from junitparser import JUnitXml  # noqa: PLC0415

    root = JUnitXml()
    for suite in suites:
        root.add_testsuite(_written(suite))
    root.update_statistics()  # type: ignore[no-untyped-call]
    made = root.tostring()  # type: ignore[no-untyped-call]
    return made.decode() if isinstance(made, bytes) else str(made)


def _written(suite: Suite) -> "TestSuite":
    made = _inner(suite.name, suite.cases, suite.name, 0)
    made.time = suite.took.total_seconds()
    return made


DEEPEST = 16
"""Suites in suites of the merged report; what stands deeper is told in the last of them."""


def _inner(name: str, cases: Iterable[Case], outer: str, depth: int) -> "TestSuite":
    """A suite with the suites in it, each where its first case stands."""
    from junitparser import TestSuite  # noqa: PLC0415

    made = TestSuite(_clean(name))
    inside: dict[str, list[Case]] = {}
    own: list[Case] = []
    for case in cases:
        path = tuple(filter(None, case.suites))[:DEEPEST]
        (inside.setdefault(path[depth], []) if depth < len(path) else own).append(case)
    made.add_testcases([_case(case, outer) for case in own])
    for inner, held in inside.items():
        made.add_testsuite(_inner(inner, held, outer, depth + 1))  # type: ignore[no-untyped-call]
    made.update_statistics()  # type: ignore[no-untyped-call]
    return made


def _case(case: Case, outer: str) -> "TestCase":
    from junitparser import Error, Failure, Skipped, TestCase  # noqa: PLC0415

    made = TestCase(_clean(case.name or case.classname), _clean(case.classname) or _clean(outer), case.seconds)
    for name, value in (("file", _clean(case.file)), ("line", case.line)):
        if value:
            made._elem.set(name, value)  # noqa: SLF001 - it has no word for what GitLab and others read
    parts: list[Element] = []
    kinds = {CaseResult.FAILED: Failure, CaseResult.ERROR: Error, CaseResult.SKIPPED: Skipped}
    if case.result in kinds:
        kind = Skipped if case.quarantined else kinds[case.result]
        outcome = kind(_clean(case.message), _clean(case.kind) or None)
        outcome.text = _clean(case.text)
        parts.append(outcome)
    parts += [_rerun(attempt, flaky=not case.result.bad) for attempt in _earlier(case)]
    properties = list(_properties(case))
    if properties:
        parts.append(_listed(properties))
    for part in parts:
        made.append(part)  # type: ignore[no-untyped-call]
    if case.output:
        made.system_out = _clean(case.output)
    if case.errors:
        made.system_err = _clean(case.errors)
    return made


def _earlier(case: Case) -> tuple[Attempt, ...]:
    """The bad attempts that are not the one that counts."""
    bad = tuple(attempt for attempt in case.attempts if attempt.result.bad)
    return bad[:-1] if case.result.bad else bad


def _rerun(attempt: Attempt, *, flaky: bool) -> "Element":
    from junitparser import xunit2  # noqa: PLC0415

    failed = attempt.result is CaseResult.FAILED
    kinds = (xunit2.FlakyFailure, xunit2.FlakyError) if flaky else (xunit2.RerunFailure, xunit2.RerunError)
    made = kinds[0 if failed else 1](_clean(attempt.message), _clean(attempt.kind) or None)
    made.stack_trace = _clean(attempt.text)
    return made


def _properties(case: Case) -> Iterator[tuple[str, str]]:
    for name, value in case.properties:
        yield _clean(name), _clean(value)
    if case.own:
        yield STANDS_FOR, "true"
    if case.quarantined:
        yield QUARANTINED, case.result.value
    for number, attempt in enumerate(case.attempts, 1):
        yield f"{ATTEMPT}{number}", f"{attempt.result.value} {attempt.seconds:g}"


def _listed(properties: Iterable[tuple[str, str]]) -> "Properties":
    from junitparser import Properties, Property  # noqa: PLC0415

    made = Properties()  # type: ignore[no-untyped-call]
    for name, value in properties:
        made.add_property(Property(name, value))
    return made


def _clean(text: str) -> str:
    return ILLEGAL.sub("\ufffd", text)

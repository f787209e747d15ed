"""JUnit: what became of a suite by its report, and the reports of all suites written as one."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from davy.pipeline.cases import Attempt, Case, CaseResult, Suite, blamed
from davy.pipeline.junitcases import ATTEMPT, QUARANTINED
from davy.pipeline.junitreading import Reading, read, reading
from davy.pipeline.junittext import ILLEGAL, Broken
from davy.pipeline.ports import SuiteRun

if TYPE_CHECKING:
    from junitparser import Element, Properties, TestCase, TestSuite

__all__ = ["ILLEGAL", "Attempt", "Broken", "Case", "CaseResult", "Reading", "Suite", "ended", "merged", "read"]


def ended(name: str, run: SuiteRun, took: timedelta, found: Reading | None = None) -> Suite:
    """A suite by what became of it. Without a report it is one case, made from its exit code.

    `found`: what was read of its reports already; else `run.junit` is read. Where a report breaks off, the cases
    before the break stand, and one more says that it broke.
    """
    because = run.because or _exited(run.exit_code)
    if found is None:
        found = reading([run.junit]) if run.junit is not None and run.junit.strip() else Reading(cases=())
    cases = found.cases
    if found.broken and not run.because:
        because = found.broken
    bad = [case for case in cases if case.result.bad]
    if not cases or found.broken or (because and not bad):
        kind = (CaseResult.FAILED if run.exit_code else CaseResult.ERROR) if because else CaseResult.PASSED
        cases += (Case(name=name, seconds=took.total_seconds(), result=kind, message=because),)
    elif bad and (not because or because.startswith("exit code")):
        because = blamed(cases)
    return Suite(name=name, cases=cases, took=took, exit_code=run.exit_code, because=because, notes=found.notes)


def _exited(code: int | None) -> str:
    """In words where the code is the shell's own, and no test's."""
    shells = {126: "a command could not be executed", 127: "a command was not found"}
    return "" if code == 0 else f"exit code {code}" + (f", {shells[code]}" if code in shells else "")


def merged(suites: Iterable[Suite]) -> str:
    """One JUnit text with a `<testsuite>` for each suite; attempts as Maven Surefire writes them.

    A quarantined failure is written as skipped, with the property `davy.quarantined`: CI systems count `<failure>`.
    """
    # 30 ms that only a run with suites has to pay.
    from junitparser import JUnitXml  # noqa: PLC0415

    whole = JUnitXml()
    for suite in suites:
        whole.add_testsuite(_written(suite))
    whole.update_statistics()  # type: ignore[no-untyped-call]
    made = whole.tostring()  # type: ignore[no-untyped-call]
    return made.decode() if isinstance(made, bytes) else str(made)


def _written(suite: Suite) -> "TestSuite":
    from junitparser import TestSuite  # noqa: PLC0415

    made = TestSuite(_clean(suite.name))
    made.add_testcases([_case(case, suite) for case in suite.cases])
    made.time = suite.took.total_seconds()
    return made


def _case(case: Case, suite: Suite) -> "TestCase":
    from junitparser import Error, Failure, Skipped, TestCase  # noqa: PLC0415

    made = TestCase(_clean(case.name), _clean(case.classname) or _clean(suite.name), case.seconds)
    if case.file:
        made._elem.set("file", _clean(case.file))  # noqa: SLF001 - it has no word for GitLab's attribute
    parts: list[Element] = []
    kinds = {CaseResult.FAILED: Failure, CaseResult.ERROR: Error, CaseResult.SKIPPED: Skipped}
    if case.result in kinds:
        kind = Skipped if case.quarantined else kinds[case.result]
        outcome = kind(_clean(case.message))
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
    return made


def _earlier(case: Case) -> tuple[Attempt, ...]:
    """The bad attempts that are not the one that counts."""
    bad = tuple(attempt for attempt in case.attempts if attempt.result.bad)
    return bad[:-1] if case.result.bad else bad


def _rerun(attempt: Attempt, *, flaky: bool) -> "Element":
    from junitparser import xunit2  # noqa: PLC0415

    failed = attempt.result is CaseResult.FAILED
    kinds = (xunit2.FlakyFailure, xunit2.FlakyError) if flaky else (xunit2.RerunFailure, xunit2.RerunError)
    made = kinds[0 if failed else 1](_clean(attempt.message))
    made.stack_trace = _clean(attempt.text)
    return made


def _properties(case: Case) -> Iterator[tuple[str, str]]:
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

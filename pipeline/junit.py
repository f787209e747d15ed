"""JUnit: suites' reports read without trust, and merged into one."""

import re
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET
from xml.parsers import expat

from davy.pipeline.cases import Attempt, Case, CaseResult, Suite
from davy.pipeline.ports import SuiteRun

if TYPE_CHECKING:
    from junitparser import TestCase, TestSuite

__all__ = ["Attempt", "Broken", "Case", "CaseResult", "Suite", "ended", "merged", "read"]

MOST_CHARACTERS = 32 * 2**20
MOST_DEPTH = 64
LONGEST_OUTPUT = 64 * 2**10
ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold at all."""
DECLARATION = re.compile(r"^\ufeff?\s*<\?xml[^>]*\?>")


class Broken(ValueError):
    """The report cannot be read; the text is a sentence for people."""


def read(text: str) -> tuple[Case, ...]:
    """The report's cases, of all suites in it. Raises Broken."""
    if len(text) > MOST_CHARACTERS:
        raise Broken("its report is larger than 32 MiB")
    bare = DECLARATION.sub("", text, count=1)
    _safe(bare)
    root = ET.fromstring(bare)  # noqa: S314 - document types and entities were refused above
    if _word(root) not in ("testsuites", "testsuite"):
        raise Broken(f"its report is no JUnit: it begins with <{_word(root)[:40]}>")
    return tuple(_case(element) for element in root.iter() if _word(element) == "testcase")


def ended(name: str, run: SuiteRun, took: timedelta) -> Suite:
    """A suite by what became of it. Without a report it is one case, made from its exit code."""
    because = run.because or ("" if run.exit_code == 0 else f"exit code {run.exit_code}")
    cases: tuple[Case, ...] = ()
    if run.junit is not None and run.junit.strip():
        try:
            cases = read(run.junit)
        except Broken as error:
            because = because or str(error)
    bad = [case for case in cases if case.result in (CaseResult.FAILED, CaseResult.ERROR)]
    if not cases or (because and not bad):
        kind = (CaseResult.FAILED if run.exit_code else CaseResult.ERROR) if because else CaseResult.PASSED
        cases += (Case(name=name, seconds=took.total_seconds(), result=kind, message=because),)
    elif bad and (not because or because.startswith("exit code")):
        more = f" and {len(bad) - 1} more" if len(bad) > 1 else ""
        because = f"{bad[0].name}{more} failed"
    return Suite(name=name, cases=cases, took=took, exit_code=run.exit_code, because=because)


def merged(suites: Iterable[Suite]) -> str:
    """One JUnit text with a `<testsuite>` for each suite."""
    # 30 ms that only a run with suites has to pay.
    from junitparser import JUnitXml  # noqa: PLC0415

    whole = JUnitXml()
    for suite in suites:
        whole.add_testsuite(_written(suite))
    whole.update_statistics()  # type: ignore[no-untyped-call]
    made = whole.tostring()  # type: ignore[no-untyped-call]
    return made.decode() if isinstance(made, bytes) else str(made)


def _safe(text: str) -> None:
    """Raises Broken for what is no XML, and for what could be more than it looks: document types and entities."""
    depth = 0

    def refuse(*_: object) -> None:
        raise Broken("its report declares a document type or entities; that is refused")

    def deeper(*_: object) -> None:
        nonlocal depth
        depth += 1
        if depth > MOST_DEPTH:
            raise Broken("its report nests too deep")

    def back(_: str) -> None:
        nonlocal depth
        depth -= 1

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.StartElementHandler = deeper
    parser.EndElementHandler = back
    try:
        parser.Parse(text.encode("utf-8", "replace"), True)
    except expat.ExpatError as error:
        raise Broken(f"its report is no XML: {error}") from error


def _word(element: ET.Element) -> str:
    return str(element.tag).rsplit("}", 1)[-1]


def _case(element: ET.Element) -> Case:
    result, message, text, output = CaseResult.PASSED, "", "", []
    for child in element:
        word = _word(child)
        kind = {"error": CaseResult.ERROR, "failure": CaseResult.FAILED, "skipped": CaseResult.SKIPPED}.get(word)
        if kind and (result is CaseResult.PASSED or kind is CaseResult.ERROR):
            result, message, text = kind, child.get("message", ""), child.text or ""
        elif word in ("system-out", "system-err"):
            output.append(child.text or "")
    return Case(
        name=element.get("name", "(no name)"),
        classname=element.get("classname", ""),
        seconds=_seconds(element.get("time", "")),
        result=result,
        message=message,
        text=text,
        output="\n".join(output)[:LONGEST_OUTPUT],
    )


def _seconds(text: str) -> float:
    try:
        seconds = float(text.replace(",", ""))
    except ValueError:
        return 0.0
    return seconds if 0 <= seconds < float("inf") else 0.0


def _written(suite: Suite) -> "TestSuite":
    from junitparser import TestSuite  # noqa: PLC0415

    made = TestSuite(_clean(suite.name))
    made.add_testcases(list(_cases(suite)))
    made.time = suite.took.total_seconds()
    return made


def _cases(suite: Suite) -> "Iterator[TestCase]":
    from junitparser import Error, Failure, Skipped, TestCase  # noqa: PLC0415

    kinds = {CaseResult.FAILED: Failure, CaseResult.ERROR: Error, CaseResult.SKIPPED: Skipped}
    for case in suite.cases:
        made = TestCase(_clean(case.name), _clean(case.classname) or _clean(suite.name), case.seconds)
        if case.result in kinds:
            outcome = kinds[case.result](_clean(case.message))
            outcome.text = _clean(case.text)
            made.result = [outcome]
        if case.output:
            made.system_out = _clean(case.output)
        yield made


def _clean(text: str) -> str:
    return ILLEGAL.sub("\ufffd", text)

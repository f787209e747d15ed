"""TRX: the reports that .NET's `dotnet test --logger trx` writes, as cases; bounded as JUnit is.

The elements are those of Visual Studio's schema: http://microsoft.com/schemas/VisualStudio/TeamTest/2010
"""

from dataclasses import dataclass, field, replace

from davy.pipeline.suites.reports.cases import Case, CaseResult
from davy.pipeline.suites.reports.formats import junit_cases, junit_suites
from davy.pipeline.suites.reports.formats.junit_cases import LONGEST_TEXT, CaseOutcome, Draft, Words
from davy.pipeline.suites.reports.formats.junit_suites import OpenSuite
from davy.pipeline.suites.reports.formats.junit_times import seconds
from davy.pipeline.suites.reports.formats.xml import (
    LONGEST_MESSAGE,
    LONGEST_NAME,
    MOST_CASES,
    MOST_WORDS,
    ReportXml,
    counted_in,
    cut_in,
)

ROOT = "TestRun"
RESULTS = ("UnitTestResult", "TestResult", "TestResultAggregation", "ManualTestResult", "WebTestResult")
GOOD = ("passed", "completed", "warning")
SKIPPED = ("notexecuted", "inconclusive", "pending")
FAILED = ("failed", "timeout", "aborted")
COUNTS = ("failed", "error", "timeout", "aborted")
FINE = (*GOOD, *SKIPPED, "inprogress", "")
"""Outcomes of a whole run that blame nobody."""


@dataclass(slots=True)
class _Open:
    """A result while it is read."""

    draft: Draft
    test: str
    result: CaseResult
    message: Words = field(default_factory=lambda: Words(LONGEST_MESSAGE))
    trace: Words = field(default_factory=lambda: Words(LONGEST_TEXT))
    inner: int = 0
    """Results in it: rows of a test with data."""
    inner_bad: bool = False


class TrxEyes:
    """Takes the parser's events in; holds the finished cases and the results that are open."""

    def __init__(self) -> None:
        self.cases: list[Case] = []
        self.tools: set[str] = set()
        self.foreign = ""
        self._tests: list[str] = []
        self._classes: dict[str, str] = {}
        self._definition = ""
        self._path: list[str] = []
        self._open: list[_Open] = []
        self._run = OpenSuite(path=("test run",), file="", counts=0, failed=False)
        self._words: Words | None = None
        self._kept = self._cut = 0
        self._xml = ReportXml(self)

    def feed(self, piece: str, *, last: bool = False) -> None:
        """Raises Broken."""
        self._xml.feed(piece, last=last)
        if last and (case := junit_suites.closed(self._run)) is not None:
            self.cases.append(case)

    def notes(self) -> tuple[str, ...]:
        """What was cut."""
        return cut_in(self._cut)

    def declares(self, name: str) -> None:
        """See the parser's reader."""

    def begins(self, word: str, told: dict[str, str]) -> None:
        """See the parser's reader."""
        self._path.append(word)
        if word in RESULTS:
            self._opens(told)
        elif word == "UnitTest":
            self._definition = told.get("id", "")
        elif word == "TestMethod" and len(self._classes) < MOST_CASES:
            self._classes[self._definition] = told.get("className", "").partition(",")[0][:LONGEST_NAME]
        elif word == "ResultSummary":
            self._run.failed = told.get("outcome", "").lower() not in FINE
        elif word == "Counters":
            self._run.counts = sum(int(text) for each in COUNTS if (text := told.get(each, "")[:9]).isdecimal())
        elif word == "RunInfo" and told.get("outcome", "").lower() in ("error", "failed", "aborted"):
            self._run.outcomes.append(CaseOutcome(CaseResult.ERROR, "", Words(LONGEST_TEXT)))
        self._words = self._sink(word)

    def _opens(self, told: dict[str, str]) -> None:
        counted_in(len(self.cases) + len(self._open))
        name = told.get("testName", "")
        self._cut += len(name) > LONGEST_NAME
        draft = Draft(
            name=name[:LONGEST_NAME],
            classname="",
            seconds=seconds(told.get("duration", "")),
            file="",
            output=Words(LONGEST_TEXT),
            errors=Words(LONGEST_TEXT),
        )
        self._open.append(_Open(draft, told.get("testId", ""), _result(told.get("outcome", "").lower())))

    def _sink(self, tag: str) -> Words | None:
        """Where the text of this element belongs."""
        within = self._path[-2] if len(self._path) > 1 else ""
        if self._open:
            one = self._open[-1]
            told = {"Message": one.message, "StackTrace": one.trace} if within == "ErrorInfo" else {}
            return {**told, "StdOut": one.draft.output, "StdErr": one.draft.errors}.get(tag)
        is_blamed = tag == "Text" and within == "RunInfo" and bool(self._run.outcomes)
        return self._run.outcomes[-1].text if is_blamed else None

    def says(self, text: str) -> None:
        """See the parser's reader."""
        if self._words is not None:
            self._words.add(text)

    def ends(self, word: str) -> None:
        """See the parser's reader."""
        self._path.pop()
        self._words = None
        if word in RESULTS and self._open:
            self._closes(self._open.pop())
        elif word == ROOT and not self._path:
            named = zip(self.cases, self._tests, strict=True)
            self.cases = [_in_class(case, self._classes.get(test, "")) for case, test in named]

    def _closes(self, one: _Open) -> None:
        around = self._open[-1] if self._open else None
        is_bad = one.result.bad or one.inner_bad
        if around is not None:
            around.inner += 1
            around.inner_bad |= is_bad
        self._run.names_bad |= is_bad
        # Of a test with rows the rows count; it itself only where it failed and none of them did.
        if one.inner and (one.inner_bad or not one.result.bad):
            return
        self._cut += any(words.over for words in (one.message, one.trace, one.draft.output, one.draft.errors))
        if one.result is not CaseResult.PASSED:
            one.draft.outcomes.append(CaseOutcome(one.result, str(one.message), one.trace))
        case = junit_cases.case(one.draft)
        self._kept += len(case.message) + len(case.text) + len(case.output) + len(case.errors)
        self.cases.append(junit_cases.curt(case) if self._kept > MOST_WORDS else case)
        self._tests.append(one.test)


def _result(outcome: str) -> CaseResult:
    """An outcome that is missing or unknown is none that a test may pass by: Visual Studio leaves `Error` out."""
    if outcome in GOOD:
        return CaseResult.PASSED
    if outcome in SKIPPED:
        return CaseResult.SKIPPED
    return CaseResult.FAILED if outcome in FAILED else CaseResult.ERROR


def _in_class(case: Case, classname: str) -> Case:
    """With its class; NUnit and xUnit.net repeat that in the name, MSTest does not."""
    return replace(case, classname=classname, name=case.name.removeprefix(f"{classname}.") if classname else case.name)

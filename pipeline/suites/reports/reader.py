"""Reader: reports of any size and from anyone, as cases; nothing is trusted, and what is cut is said.

One that is TRX is handed to its own reader.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.suites.reports.cases import Case, CaseResult
from davy.pipeline.suites.reports.formats import foreign as foreignreports
from davy.pipeline.suites.reports.formats import junit_cases, junit_suites, junit_times, trx
from davy.pipeline.suites.reports.formats.junit_cases import FEW, LONGEST_TEXT, CaseOutcome, Draft, Words
from davy.pipeline.suites.reports.formats.junit_suites import OpenSuite
from davy.pipeline.suites.reports.formats.text import BrokenReport, Pieces
from davy.pipeline.suites.reports.formats.trx import TrxEyes
from davy.pipeline.suites.reports.formats.xml import (
    LONGEST_MESSAGE,
    LONGEST_NAME,
    MOST_WORDS,
    ReportXml,
    counted_in,
    cut_in,
)

SUITES = ("testsuites", "testsuite")
CTEST = ("run", "fail")
"""CTest's `status`; no other tool of those that write one says `fail`, and it names class and test alike."""
OUTCOMES = {"error": CaseResult.ERROR, "failure": CaseResult.FAILED, "skipped": CaseResult.SKIPPED}
# Maven Surefire's words for attempts before the one that counts:
# https://maven.apache.org/surefire/maven-surefire-plugin/examples/rerun-failing-tests.html
EARLIER = {
    "flakyFailure": CaseResult.FAILED,
    "flakyError": CaseResult.ERROR,
    "rerunFailure": CaseResult.FAILED,
    "rerunError": CaseResult.ERROR,
}
PYTEST = ("pytest", "pytest tests")
"""What pytest calls its suite and its root, where nobody says otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportReading:
    """What came of a report."""

    cases: tuple[Case, ...]
    """Those that were whole before it broke, where it did."""
    broken: str = ""
    """Why it could not be read to its end; empty where it could."""
    notes: tuple[str, ...] = ()
    """What was cut or mended, a sentence each."""
    tools: frozenset[str] = frozenset()
    """What wrote it, where it shows: `pytest`, `ctest`."""
    foreign: str = ""
    """Its root, where that is no suite."""


def reading(chunks: Iterable[bytes | str], *, own: bool = False, by_suite: bool = False) -> ReportReading:
    """The report's cases, of all suites in it. Memory is bounded, whatever comes; the chunks may have any size.

    `own`: davy wrote it. Then what it says of attempts and quarantine is believed; a suite's report cannot say it.
    `by_suite`: the first of a case's suites is then davy's own, which is left out otherwise.
    """
    pieces = Pieces(chunks)
    rest, head = iter(pieces), ""
    eyes: _Eyes | TrxEyes = _Eyes(own=own, by_suite=by_suite)
    broken = ""
    try:
        while len(head) < foreignreports.HEAD and not foreignreports.root(head) and (piece := next(rest, "")):
            head += piece
        eyes = TrxEyes() if foreignreports.root(head) == trx.ROOT and not own else eyes
        eyes.feed(head)
        for piece in rest:
            eyes.feed(piece)
        eyes.feed("", last=True)
    except BrokenReport as error:
        known = "" if eyes.cases else foreignreports.sentence(eyes.foreign, head)
        broken = known or str(error)
    notes = list(eyes.notes())
    if pieces.mended:
        notes.append(f"{pieces.mended:,} characters that XML cannot hold were replaced")
    if pieces.foreign:
        notes.append(f"bytes of its report that are no {pieces.encoding} were replaced")
    return ReportReading(
        cases=tuple(eyes.cases), broken=broken, notes=tuple(notes), tools=frozenset(eyes.tools), foreign=eyes.foreign
    )


def read(text: str) -> tuple[Case, ...]:
    """The cases of a report that davy wrote. Raises Broken where it cannot be read to its end."""
    found = reading([text], own=True)
    if found.broken:
        raise BrokenReport(found.broken)
    return found.cases


def joined(found: Sequence[ReportReading]) -> ReportReading:
    """Several reports of one try as one. A test that two of them tell is one case, and its worst word counts."""
    cases: dict[tuple[object, ...], Case] = {}
    for one in found:
        times: Counter[tuple[object, ...]] = Counter()
        for case in one.cases:
            key = (case.own, case.suites, case.classname, case.name, case.file)
            times[key] += 1
            # Told twice by one report, it stays two.
            numbered = (*key, times[key])
            cases[numbered] = _worse(cases[numbered], case) if numbered in cases else case
    return ReportReading(
        cases=tuple(cases.values()),
        broken="; ".join(dict.fromkeys(one.broken for one in found if one.broken)),
        notes=tuple(dict.fromkeys(note for one in found for note in one.notes)),
        tools=frozenset(tool for one in found for tool in one.tools),
    )


RANKS = (CaseResult.SKIPPED, CaseResult.PASSED, CaseResult.FAILED, CaseResult.ERROR)
"""A pass outweighs a skip: it ran somewhere. A repeated name is no retry, so a pass never hides a failure."""


def _worse(first: Case, second: Case) -> Case:
    worst = second if RANKS.index(second.result) > RANKS.index(first.result) else first
    return replace(worst, seconds=first.seconds + second.seconds)


class _Eyes:
    """Takes the parser's events in; holds the finished cases and one draft."""

    def __init__(self, *, own: bool, by_suite: bool) -> None:
        self.cases: list[Case] = []
        self.tools: set[str] = set()
        self.foreign = ""
        self._own, self._by_suite = own, by_suite
        self._open: list[OpenSuite] = []
        self._times = junit_times.Times()
        self._cut = 0
        self._kept = 0
        self._path: list[str] = []
        self._draft: Draft | None = None
        self._sinks: list[Words | None] = []
        self._xml = ReportXml(self)

    def feed(self, piece: str, *, last: bool = False) -> None:
        """Raises Broken."""
        self._xml.feed(piece, last=last)

    def notes(self) -> tuple[str, ...]:
        return cut_in(self._cut)

    def declares(self, name: str) -> None:
        """See the parser's reader."""
        if not self._path:
            self.foreign = name[:FEW]

    def says(self, text: str) -> None:
        """See the parser's reader."""
        if self._sinks and (sink := self._sinks[-1]) is not None:
            sink.add(text)

    def begins(self, word: str, told: dict[str, str]) -> None:
        """See the parser's reader."""
        if not self._path and word not in SUITES:
            self.foreign = word[:FEW]
            raise BrokenReport(f"its report is no JUnit: it begins with <{word[:40]}>")
        self._path.append(word)
        inside = self._draft
        if inside is not None:
            self._sinks.append(self._sink(inside, word, told))
        elif word == "testcase":
            self._draft = self._drafted(told)
            self._sinks = [None]
        elif word in SUITES:
            self._opens(word, told)
        elif word in ("error", "failure") and self._path[-2] in SUITES:
            said = self._said(word, told)
            self._open[-1].outcomes.append(said)
            self._sinks = [said.text]

    def _opens(self, word: str, told: dict[str, str]) -> None:
        self._open.append(junit_suites.opened(word, told, self._open[-1] if self._open else None))
        self._times.opened(told.get("time", ""), len(self.cases))
        if told.get("name") in PYTEST:
            self.tools.add("pytest")

    def _closes(self) -> None:
        suite = self._open.pop()
        for index, seconds in self._times.closed():
            self.cases[index] = replace(self.cases[index], seconds=seconds)
        # What it is blamed for is said once: not of the suites around it as well.
        if (case := junit_suites.closed(suite)) is not None:
            counted_in(len(self.cases))
            self.cases.append(self._cleared(case))
            suite.names_bad = True
        if self._open and suite.names_bad:
            self._open[-1].names_bad = True

    def _said(self, word: str, told: dict[str, str]) -> CaseOutcome:
        message = self._short(told.get("message", ""), LONGEST_MESSAGE)
        result = OUTCOMES.get(word) or EARLIER[word]
        return CaseOutcome(result, message, Words(LONGEST_TEXT), told.get("type", "")[:FEW], word.startswith("rerun"))

    def _sink(self, draft: Draft, word: str, told: dict[str, str]) -> Words | None:
        """Where the text of this element of a case belongs."""
        within = self._path[-2]
        direct = within == "testcase"
        if direct and (word in OUTCOMES or word in EARLIER):
            said = self._said(word, told)
            (draft.outcomes if word in OUTCOMES else draft.earlier).append(said)
            return said.text
        if word in ("system-out", "system-err"):
            own = draft.output if word == "system-out" else draft.errors
            return own if direct else None
        if word == "property" and within == "properties" and len(draft.properties) < FEW:
            value = Words(LONGEST_NAME)
            value.add(told.get("value", ""))
            draft.properties.append((told.get("name", "")[:FEW], value))
            # Xray and others write long values as text.
            return None if "value" in told else value
        return self._sinks[-1]

    def ends(self, word: str) -> None:
        """See the parser's reader."""
        self._path.pop()
        if self._draft is None:
            self._sinks = []
            if word in SUITES:
                self._closes()
            return
        self._sinks.pop()
        if word == "testcase" and not self._sinks:
            self.cases.append(self._whole(self._draft))
            self._draft = None

    def _drafted(self, told: dict[str, str]) -> Draft:
        counted_in(len(self.cases))
        suite = self._open[-1]
        if told.get("status") in CTEST and told.get("name") == told.get("classname"):
            self.tools.add("ctest")
        return Draft(
            name=self._short(told.get("name", ""), LONGEST_NAME),
            classname=self._short(told.get("classname", ""), LONGEST_NAME),
            seconds=self._times.seconds(told.get("time", ""), len(self.cases)),
            file=(told.get("file", "") or suite.file)[:LONGEST_NAME],
            line=line if (line := told.get("line", "")[:9]).isdigit() else "",
            output=Words(LONGEST_TEXT),
            errors=Words(LONGEST_TEXT),
            # The outermost of davy's own report is the suite of the configuration.
            suites=suite.path[1:] if self._own and not self._by_suite else suite.path,
            said=junit_cases.result_said(told),
        )

    def _short(self, text: str, most: int) -> str:
        if len(text) > most:
            self._cut += 1
        return text if len(text) <= most else f"{text[:most]}…"

    def _whole(self, draft: Draft) -> Case:
        words = [draft.output, draft.errors, *(said.text for said in (*draft.outcomes, *draft.earlier))]
        self._cut += any(each.over for each in (*words, *(value for _, value in draft.properties)))
        case = junit_cases.case(draft, own=self._own)
        if case.result.bad or draft.earlier or any(said.result.bad for said in draft.outcomes):
            self._open[-1].names_bad = True
        said = sum(len(attempt.message) + len(attempt.text) for attempt in case.attempts)
        said += sum(len(name) + len(value) for name, value in case.properties)
        self._kept += said + len(case.message) + len(case.text) + len(case.output) + len(case.errors)
        if self._kept > MOST_WORDS:
            self._cut += 1
            return junit_cases.curt(case)
        return case

    def _cleared(self, case: Case) -> Case:
        """An own case of a suite, with its words counted."""
        self._kept += len(case.message) + len(case.text)
        return case if self._kept <= MOST_WORDS else junit_cases.curt(case)

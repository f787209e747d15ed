"""JUnit cases: what a report says of one case, cut at its limits, and the Case that it means."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from davy.pipeline.suites.reports.cases import Attempt, Case, CaseResult
from davy.pipeline.suites.reports.formats.junit_times import seconds

LONGEST_TEXT = 64 * 2**10
FEW = 200
OWN = "davy."
"""Begins the names of properties that davy writes. Those of a suite's own report mean nothing."""
QUARANTINED = "davy.quarantined"
"""Property of a case: its value is how the case ended."""
ATTEMPT = "davy.attempt."
"""Property of a case, one for each attempt, from 1: `failed 0.25`."""
STANDS_FOR = "davy.own"
"""Property of a case that stands for a run, or for a suite of its report."""

SAID = {
    **dict.fromkeys(("failed", "failure", "fail", "failing"), CaseResult.FAILED),
    **dict.fromkeys(("error", "errored", "broken", "crashed", "timedout", "timeout", "invalid"), CaseResult.ERROR),
    **dict.fromkeys(
        ("skipped", "skip", "notrun", "suppressed", "disabled", "ignored", "pending", "untested", "inconclusive"),
        CaseResult.SKIPPED,
    ),
}
"""What reports write into `status` and `result`: CTest, googletest (`notrun`, `suppressed`), saucectl, behave."""


def result_said(told: Mapping[str, str]) -> CaseResult | None:
    """What the attributes alone say; the worst, where they say several. None: nothing, or that it passed."""
    words = [told.get(name, "").strip().lower().translate(PLAIN) for name in ("status", "result", "outcome")]
    words += [word for word in ("failure", "error") if told.get(word)]  # node:test's, with its message.
    words += ["failed"] if told.get("success", "").lower() == "false" and "executed" not in told else []
    found = [SAID[word] for word in words if word in SAID]
    return next((each for each in found if each.bad), found[0] if found else None)


PLAIN = {ord(letter): None for letter in " _-"}


@dataclass(slots=True)
class Words:
    """Text as it comes, cut at its limit."""

    most: int
    parts: list[str] = field(default_factory=list)
    size: int = 0

    def add(self, text: str) -> None:
        """What is beyond the limit is counted only."""
        if self.size < self.most:
            self.parts.append(text[: self.most - self.size])
        self.size += len(text)

    @property
    def over(self) -> int:
        """Characters that were cut."""
        return max(0, self.size - self.most)

    def __str__(self) -> str:
        return "".join(self.parts) + (f"\n… and {self.over:,} more characters, cut" if self.over else "")


@dataclass(slots=True)
class CaseOutcome:
    """An outcome, or an earlier attempt's, while it is read."""

    result: CaseResult
    message: str
    text: Words
    kind: str = ""
    final: bool = False
    """Of an earlier attempt: it tells that the last one failed, too (`rerunFailure`)."""


@dataclass(slots=True)
class Draft:
    """A case while it is read."""

    name: str
    classname: str
    seconds: float
    file: str
    output: Words
    errors: Words
    line: str = ""
    suites: tuple[str, ...] = ()
    said: CaseResult | None = None
    """What its attributes say."""
    outcomes: list[CaseOutcome] = field(default_factory=list)
    earlier: list[CaseOutcome] = field(default_factory=list)
    properties: list[tuple[str, Words]] = field(default_factory=list)


def case(draft: Draft, *, own: bool = False) -> Case:
    """The whole of it. `own`: the report is davy's, so that its properties are believed."""
    marks = {name: str(value) for name, value in draft.properties if name.startswith(OWN)} if own else {}
    counts = _counting(draft)
    result = counts.result if counts else CaseResult.PASSED
    held = marks.get(QUARANTINED)
    if held in tuple(CaseResult):
        result = CaseResult(held)
    return Case(
        name=draft.name,
        classname=draft.classname,
        seconds=draft.seconds,
        result=result,
        message=counts.message if counts else "",
        text=str(counts.text) if counts else "",
        output=str(draft.output),
        errors=str(draft.errors),
        kind=counts.kind if counts else "",
        file=draft.file,
        line=draft.line,
        suites=draft.suites,
        properties=tuple((name, str(value)) for name, value in draft.properties if not name.startswith(OWN)),
        attempts=_attempts(draft, counts, result, marks),
        quarantined=held is not None,
        own=STANDS_FOR in marks,
    )


def _counting(draft: Draft) -> CaseOutcome | None:
    """The outcome that counts: the worst of what its elements and its attributes say; None where it passed."""
    if todo := next((said for said in draft.outcomes if said.kind == TODO), None):
        return todo
    told = sorted(draft.outcomes, key=lambda said: WORST.index(said.result))
    if told and (told[0].result.bad or draft.said is None or not draft.said.bad):
        return told[0]
    if draft.said is not None:
        return CaseOutcome(draft.said, f'its report says "{draft.said.value}" and no more', Words(0))
    return next((said for said in reversed(draft.earlier) if said.final), None)


TODO = "todo"
"""`type` of node:test's `<skipped>` for a test that is expected to fail, and told with its failure."""
WORST = (CaseResult.ERROR, CaseResult.FAILED, CaseResult.SKIPPED)


def _attempts(
    draft: Draft, counts: CaseOutcome | None, result: CaseResult, marks: Mapping[str, str]
) -> tuple[Attempt, ...]:
    """In their order where davy wrote it down; else the one that counts comes last where it passed, as Surefire has it.

    Surefire's first failure is the one that counts, and its reruns come after it.
    """
    order = [marks[name] for name in sorted(marks, key=_number) if _number(name)]
    if not draft.earlier and not order:
        return ()
    earlier = [_attempt(said.result, said) for said in draft.earlier if said is not counts]
    final = _attempt(result, counts, draft.seconds)
    if not order:
        return (final, *earlier) if result.bad else (*earlier, final)
    return tuple(_ordered(order, [*earlier, *([final] if result.bad else [])]))


def _number(property_name: str) -> int:
    """Of the attempt it tells of; 0 for every other property."""
    number = property_name.removeprefix(ATTEMPT)
    return int(number) if number != property_name and number.isascii() and number.isdigit() else 0


def _ordered(order: list[str], bad: list[Attempt]) -> Iterator[Attempt]:
    rest = iter(bad)
    for words in order:
        name, _, took = words.partition(" ")
        kind = CaseResult(name) if name in tuple(CaseResult) else CaseResult.ERROR
        said = next(rest, None) if kind.bad else None
        yield Attempt(
            result=kind,
            seconds=seconds(took),
            message=said.message if said else "",
            text=said.text if said else "",
            kind=said.kind if said else "",
        )


def _attempt(result: CaseResult, said: CaseOutcome | None, took: float = 0.0) -> Attempt:
    return Attempt(
        result=result,
        seconds=took,
        message=said.message if said else "",
        text=str(said.text) if said else "",
        kind=said.kind if said else "",
    )


def curt(whole: Case) -> Case:
    """Its words as short as a list of failures needs them."""
    return replace(
        whole,
        message=whole.message[:FEW],
        text=whole.text[:FEW],
        output="",
        errors="",
        properties=(),
        attempts=tuple(replace(each, message=each.message[:FEW], text="") for each in whole.attempts),
    )

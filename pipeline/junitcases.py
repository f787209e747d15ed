"""JUnit cases: what a report says of one case, cut at its limits, and the Case that it means."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from davy.pipeline.cases import Attempt, Case, CaseResult

LONGEST_TEXT = 64 * 2**10
FEW = 200
QUARANTINED = "davy.quarantined"
"""Property of a case: its value is how the case ended."""
ATTEMPT = "davy.attempt."
"""Property of a case, one for each attempt, from 1: `failed 0.25`."""


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
class Said:
    """An outcome, or an earlier attempt's, while it is read."""

    result: CaseResult
    message: str
    text: Words


@dataclass(slots=True)
class Draft:
    """A case while it is read."""

    name: str
    classname: str
    seconds: float
    file: str
    output: Words
    outcomes: list[Said] = field(default_factory=list)
    earlier: list[Said] = field(default_factory=list)
    properties: dict[str, str] = field(default_factory=dict)


def case(draft: Draft) -> Case:
    """The whole of it."""
    counts = next((said for said in draft.outcomes if said.result is CaseResult.ERROR), None) or next(
        iter(draft.outcomes), None
    )
    result = counts.result if counts else CaseResult.PASSED
    held = draft.properties.get(QUARANTINED)
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
        file=draft.file,
        attempts=_attempts(draft, counts, result),
        quarantined=held is not None,
    )


def _attempts(draft: Draft, counts: Said | None, result: CaseResult) -> tuple[Attempt, ...]:
    """In their order where davy wrote it down; else the one that counts comes last where it passed, as Surefire has it.

    Surefire's first failure is the one that counts, and its reruns come after it.
    """
    order = [draft.properties[name] for name in sorted(draft.properties, key=_number) if _number(name)]
    if not draft.earlier and not order:
        return ()
    earlier = [_attempt(said.result, said) for said in draft.earlier]
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
        )


def _attempt(result: CaseResult, said: Said | None, took: float = 0.0) -> Attempt:
    return Attempt(
        result=result, seconds=took, message=said.message if said else "", text=str(said.text) if said else ""
    )


def curt(whole: Case) -> Case:
    """Its words as short as a list of failures needs them."""
    return Case(
        name=whole.name,
        classname=whole.classname,
        seconds=whole.seconds,
        result=whole.result,
        message=whole.message[:FEW],
        text=whole.text[:FEW],
        file=whole.file,
        attempts=tuple(
            Attempt(result=each.result, seconds=each.seconds, message=each.message[:FEW]) for each in whole.attempts
        ),
        quarantined=whole.quarantined,
    )


def seconds(text: str) -> float:
    """As reports write it; 0 where it is no time."""
    try:
        said = float(text.replace(",", ""))
    except ValueError:
        return 0.0
    return said if 0 <= said < float("inf") else 0.0

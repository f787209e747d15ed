"""Journal lines: an event as a line of the journal, within its bounds, and back. Pure."""

import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from davy.canary.ports.journal import Past
from davy.pipeline.core.events import Asked, CanaryStarted, Event, Judged
from davy.pipeline.core.json import codec, tree
from davy.pipeline.core.verdict import Counts, Decision, Pair, Verdict, Window

BEGINNING = 128 * 1024
"""Bytes of the first event."""
TEXT, WHY, WHO = 2000, 500, 100
"""Characters; escaped, one takes up to twelve bytes."""
LINE = 16 * 1024
"""Bytes of an event but the first."""
MOST_LINE = 256 * 1024
"""Characters of a line that is read."""
NUMBER = re.compile(r'\{"n":(\d{1,15})[,}]')
KIND = re.compile(r'"event":"(\w+)"')
UNREADABLE = (ValueError, TypeError, KeyError, AttributeError, IndexError, OverflowError, RecursionError)
YEARS = range(2000, 2200)
T = TypeVar("T")
V = TypeVar("V", bound="Event | Past")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def word_of(asked: Asked) -> Asked:
    """The word as it is kept."""
    return replace(asked, by=asked.by[:WHO], why=asked.why[:WHY], what=asked.what[:WHO])


def readable(lines: Iterable[str], parse: Callable[[Any], T]) -> list[T]:
    """Of every line what it means; what means nothing is passed over."""
    found = []
    for line in lines:
        with suppress(*UNREADABLE):
            found.append(parse(tree.exact(line, MOST_LINE)))
    return found


def past_in(document: Any) -> Past:
    """A rollout of the past."""
    past: Past = codec.value(Past, document)
    return past


def kind_of(line: str) -> str:
    """The event's name; empty for a look."""
    found = KIND.search(line)
    return found[1] if found else ""


def fit(event: Event) -> Event:
    """The event within its bounds. Of a beginning only the judge's rules, which a replay reads, can be too long."""
    if isinstance(event, CanaryStarted):
        whole = len(text_of(codec.encode(event))) <= BEGINNING
        return event if whole else replace(event, rules="")
    if isinstance(event, Asked):
        event = word_of(event)
    return shortened(event)


def shortened(value: V) -> V:
    """With every text cut."""
    texts = {field.name: getattr(value, field.name) for field in fields(value)}
    words = {name: text for name, text in texts.items() if isinstance(text, str)}
    most = TEXT if sum(len(text_of(text[:TEXT])) for text in words.values()) <= LINE else TEXT // 4
    cut: dict[str, Any] = {name: text[:most] for name, text in words.items() if len(text) > most}
    return replace(value, **cut) if cut else value


def event_in(document: dict[str, Any]) -> tuple[int, Event]:
    """Raises ValueError for what no davy can have written."""
    event = codec.decode(document)
    if event.at.year not in YEARS:
        raise ValueError(f"no time of a rollout: {event.at}")
    if isinstance(event, CanaryStarted):
        policy, strategy = event.policy, tree.exact(event.restore.strategy, MOST_LINE)
        if not (event.images and event.restore.images and isinstance(strategy, dict)):
            raise ValueError("a beginning of nothing")
        if policy.deadline.year not in YEARS:
            raise ValueError(f"no deadline of a rollout: {policy.deadline}")
    return int(document["n"]), event


def look_line(number: int, judged: Judged) -> str:
    """A look, as short as it goes."""
    windows = [
        [
            _micros(window.start),
            _micros(window.end),
            {name: numbers_of(pair) for name, pair in window.counts.items()},
            *([dict(window.dispersion)] if window.dispersion else []),
        ]
        for window in judged.verdict.windows
    ]
    return text_of({"n": number, "t": _micros(judged.at), "d": judged.verdict.decision.value, "w": windows})


def judged_in(document: dict[str, Any]) -> tuple[int, Event]:
    """A look with its number. Raises ValueError for what no davy can have written."""
    windows = tuple(
        Window(
            start=_moment(start),
            end=_moment(end),
            counts={name: pair_of(numbers) for name, numbers in counts.items()},
            dispersion=dispersion[0] if dispersion else {},
        )
        for start, end, counts, *dispersion in document["w"]
    )
    if not windows:
        raise ValueError("a look that brought nothing is not kept")
    at = _moment(document["t"])
    verdict = Verdict(at=at, decision=Decision(document["d"]), sentence="", windows=windows)
    return int(document["n"]), Judged(at=at, verdict=verdict)


def numbers_of(pair: Pair) -> list[Any]:
    """`[bad, total, stable's bad, stable's total]`; with more bounds also `{bound: [above, stable's]}`."""
    four = [pair.canary.bad, pair.canary.total, pair.stable.bad, pair.stable.total]
    bounds = {**pair.canary.above, **pair.stable.above}
    above = {bound: [pair.canary.above.get(bound, 0), pair.stable.above.get(bound, 0)] for bound in bounds}
    return [*four, above] if above else four


def pair_of(numbers: Sequence[Any]) -> Pair:
    """What `numbers_of` gave. Raises ValueError for anything else."""
    bad, total, stable_bad, stable_total, *more = numbers
    above: dict[str, list[int]] = more[0] if more else {}
    if not all(
        type(one) is int and one >= 0 for one in (*numbers[:4], *(each for two in above.values() for each in two))
    ):
        raise ValueError("no counts")
    return Pair(
        canary=Counts(bad=bad, total=total, above={bound: two[0] for bound, two in above.items()}),
        stable=Counts(bad=stable_bad, total=stable_total, above={bound: two[1] for bound, two in above.items()}),
    )


def _micros(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)


def _moment(micros: int) -> datetime:
    return EPOCH + timedelta(microseconds=micros)


def text_of(document: Any) -> str:
    """One line of ASCII."""
    return tree.compact(document)

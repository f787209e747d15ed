"""Text: the journal of a rollout as the texts of a ConfigMap, and back. Pure.

How large it may grow, exactly, in KiB: windows 256, the beginning 128, other events 256, people's words 64, history 64;
that is 768 of the 1,024 that a ConfigMap holds. Above their limit the older half of the looks is folded: two looks
become one whose windows are summed by pairs, so counts are never lost, only the moments between them. Of events the
oldest of each kind are left out, pods' troubles first. A text is cut at 2,000 characters, why a person said something
at 500.

What a person or a newer davy wrote into it and what cannot be read is passed over, and the reading says so.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from davy.canary.ports.journal import Past
from davy.canary.ports.journal_lines import (
    EPOCH,
    NUMBER,
    event_in,
    fit,
    judged_in,
    kind_of,
    look_line,
    numbers_of,
    pair_of,
    past_in,
    readable,
    shortened,
    text_of,
    word_of,
)
from davy.pipeline.core.events import Asked, CanaryFinished, CanaryStarted, Event, Judged, PodsSeen, Warned
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.json import codec
from davy.pipeline.core.verdict import Pair

LIMIT = 256 * 1024
"""Bytes (the texts are ASCII) of windows, and of events but the first."""
ASKED, PASTS = LIMIT // 4, LIMIT // 4
HISTORY, TROUBLES, LATEST = 10, 10, 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """The ConfigMap's texts, by line. Every line of events and windows carries its number in one order."""

    events: tuple[str, ...] = ()
    windows: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()
    history: tuple[str, ...] = ()
    count: int = 0
    """Number of the last line."""


def ledger_from(data: Mapping[str, str]) -> Ledger:
    """What a ConfigMap's `data` means; empty where there is none."""
    lines = {key: tuple(data.get(key, "").splitlines()) for key in ("events", "windows", "asked", "history")}
    last = (*lines["events"][-1:], *lines["windows"][-1:])
    numbers = [int(found[1]) for line in last if (found := NUMBER.match(line))]
    said = data.get("count", "")
    count = int(said) if said.isascii() and said.isdecimal() and len(said) <= 15 else 0
    return Ledger(**lines, count=max(count, *numbers, 0, 0))


def data_of(ledger: Ledger) -> dict[str, str]:
    """The ConfigMap's `data`."""
    return {
        "events": "\n".join(ledger.events),
        "windows": "\n".join(ledger.windows),
        "asked": "\n".join(ledger.asked),
        "history": "\n".join(ledger.history),
        "count": str(ledger.count),
    }


def written(ledger: Ledger, events: Iterable[Event]) -> Ledger:
    """The ledger after these events."""
    for event in events:
        match event:
            case PodsSeen():
                continue
            case Judged(verdict=verdict) if not verdict.windows:
                continue
            case CanaryStarted():
                ledger = Ledger(history=_with_past(ledger), count=ledger.count)
        ledger = _appended(ledger, event)
    return _bounded(ledger)


def with_word(ledger: Ledger, asked: Asked) -> Ledger:
    """The ledger after a person's word."""
    lines = (*ledger.asked, text_of(codec.encode(word_of(asked))))[-LATEST:]
    return replace(ledger, asked=_newest(lines, ASKED))


def is_begun(ledger: Ledger) -> bool:
    """A rollout's beginning stands in it."""
    return any('"event":"CanaryStarted"' in line for line in ledger.events)


def events_of(ledger: Ledger) -> tuple[Event, ...]:
    """The rollout so far, in order. A Judged comes back with its decision and windows, all else of it empty.

    After the first event a Warned says what could not be read, where there was something.
    """
    numbered = [*readable(ledger.events, event_in), *readable(ledger.windows, judged_in)]
    lost = len(ledger.events) + len(ledger.windows) - len(numbered)
    events = [event for _, event in sorted(numbered, key=lambda pair: pair[0])]
    if lost:
        lines = "one line" if lost == 1 else f"{lost} lines"
        what = f"{lines} of the journal cannot be read and {'is' if lost == 1 else 'are'} passed over"
        events.insert(1, Warned(at=events[0].at if events else EPOCH, what=what))
    return tuple(events)


def asked_of(ledger: Ledger) -> tuple[Asked, ...]:
    """People's words, in order."""
    return tuple(event for event in readable(ledger.asked, codec.decode) if isinstance(event, Asked))


def history_of(ledger: Ledger) -> tuple[Past, ...]:
    """Newest first; a rollout that ended is past, even while it is the last one."""
    events = events_of(ledger)
    latest = [past_of(events)] if any(isinstance(event, CanaryFinished) for event in events) else []
    stored = readable(ledger.history, past_in)
    return tuple([*(past for past in latest if past), *stored][:HISTORY])


def past_of(events: Sequence[Event]) -> Past | None:
    """A rollout in one line; one that never ended says so."""
    started = next((event for event in events if isinstance(event, CanaryStarted)), None)
    if started is None:
        return None
    finished = next((event for event in reversed(events) if isinstance(event, CanaryFinished)), None)
    return Past(
        release=started.release,
        started_at=started.at,
        ended_at=finished.at if finished else events[-1].at,
        ending=finished.ending.name.lower() if finished else "lost",
        sentence=finished.sentence if finished else "",
        images=started.images,
    )


def _with_past(ledger: Ledger) -> tuple[str, ...]:
    past = past_of(events_of(ledger))
    lines = (text_of(codec.plain(shortened(past))), *ledger.history) if past else ledger.history
    newest = _newest(tuple(reversed(lines[:HISTORY])), PASTS)
    return tuple(reversed(newest))


def _appended(ledger: Ledger, event: Event) -> Ledger:
    number = ledger.count + 1
    if isinstance(event, Judged):
        return replace(ledger, windows=(*ledger.windows, look_line(number, event)), count=number)
    line = text_of({"n": number, **codec.encode(fit(event))})
    return replace(ledger, events=(*ledger.events, line), count=number)


# ---- how large it may grow ----


def _bounded(ledger: Ledger) -> Ledger:
    windows, events = ledger.windows, ledger.events
    if _size(windows) > LIMIT:
        windows = tuple(line for line in windows if readable((line,), judged_in))
    while _size(windows) > LIMIT and len(windows) > 1:
        windows = _folded(windows)
    first = [line for line in events if kind_of(line) == "CanaryStarted"]
    for most in (LATEST, 20, 10, 5, 2, 1):
        if _size(events) - _size(first) <= LIMIT:
            break
        events = _latest(events, most)
    return replace(ledger, windows=_newest(windows, LIMIT), events=events)


def _latest(lines: tuple[str, ...], most: int) -> tuple[str, ...]:
    """Of each kind the newest; the beginning always."""
    left: dict[str, int] = {"PodTrouble": min(most, TROUBLES)}
    kept: list[str] = []
    for line in reversed(lines):
        kind = kind_of(line)
        left[kind] = left.get(kind, most) - 1
        if left[kind] >= 0 or kind == "CanaryStarted":
            kept.append(line)
    return tuple(reversed(kept))


def _newest(lines: tuple[str, ...], limit: int) -> tuple[str, ...]:
    """The last lines, as many as there is room for."""
    kept: list[str] = []
    for line in reversed(lines):
        limit -= len(line) + 1
        if limit < 0:
            break
        kept.append(line)
    return tuple(reversed(kept))


def _size(lines: Iterable[str]) -> int:
    return sum(len(line) + 1 for line in lines)


def _folded(lines: tuple[str, ...]) -> tuple[str, ...]:
    """The older half with half as many lines."""
    half = max(2, len(lines) // 2)
    old, new = lines[:half], lines[half:]
    pairs = [old[index : index + 2] for index in range(0, len(old), 2)]
    return tuple(_joined(*pair) if len(pair) == 2 else pair[0] for pair in pairs) + new


def _joined(first: str, second: str) -> str:
    earlier, later = json.loads(first), json.loads(second)
    counts: dict[str, Pair] = {}
    said: dict[str, float] = {}
    windows = [*earlier["w"], *later["w"]]
    for _, _, held, *dispersion in windows:
        said = {**(dispersion[0] if dispersion else {}), **said}
        for name, numbers in held.items():
            before, more = counts.get(name, Pair()), pair_of(numbers)
            counts[name] = Pair(canary=before.canary + more.canary, stable=before.stable + more.stable)
    start, end = min(window[0] for window in windows), max(window[1] for window in windows)
    sums = {name: numbers_of(pair) for name, pair in counts.items()}
    return text_of({**later, "w": [[start, end, sums, *([said] if said else [])]]})

"""Ledger: the journal of a rollout as the texts of a ConfigMap, and back. Pure.

How large it may grow, exactly: the windows are kept in at most 256 KiB. Above it the older half of the looks is
folded: two looks become one whose windows are summed by pairs, so counts are never lost, only the moments between
them. Pod's words are cut to 2,000 characters, and of events beyond 256 KiB the oldest pod troubles are left out but
for the last ten. With ten rollouts of history and words of people that stays far under the 1 MiB of a ConfigMap.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from davy.canary.ports import Past
from davy.pipeline import codec
from davy.pipeline.events import Asked, CanaryFinished, CanaryStarted, Event, Judged, PodsSeen, PodTrouble
from davy.pipeline.model import Counts, Decision, Pair, Verdict, Window
from davy.pipeline.value import dataclass

LIMIT = 256 * 1024
"""Bytes (the texts are ASCII) of windows, and of events."""
WORDS = 2000
HISTORY = 10

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


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
    return Ledger(**lines, count=int(data.get("count") or 0))


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
    return replace(ledger, asked=(*ledger.asked, _text(codec.encode(asked))))


def events_of(ledger: Ledger) -> tuple[Event, ...]:
    """The rollout so far, in order. A Judged comes back with its decision and windows, all else of it empty."""
    numbered = [_event(json.loads(line)) for line in ledger.events]
    numbered += [_judged(json.loads(line)) for line in ledger.windows]
    return tuple(event for _, event in sorted(numbered, key=lambda pair: pair[0]))


def asked_of(ledger: Ledger) -> tuple[Asked, ...]:
    """People's words, in order."""
    found = (codec.decode(json.loads(line)) for line in ledger.asked)
    return tuple(event for event in found if isinstance(event, Asked))


def history_of(ledger: Ledger) -> tuple[Past, ...]:
    """Newest first; a rollout that ended is past, even while it is the last one."""
    events = events_of(ledger)
    latest = [past_of(events)] if any(isinstance(event, CanaryFinished) for event in events) else []
    stored: list[Past] = [codec.value(Past, json.loads(line)) for line in ledger.history]
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
    lines = (_text(codec.plain(past)), *ledger.history) if past else ledger.history
    return lines[:HISTORY]


def _appended(ledger: Ledger, event: Event) -> Ledger:
    number = ledger.count + 1
    if isinstance(event, Judged):
        return replace(ledger, windows=(*ledger.windows, _look(number, event)), count=number)
    if isinstance(event, PodTrouble):
        event = replace(event, words=event.words[:WORDS])
    line = _text({"n": number, **codec.encode(event)})
    return replace(ledger, events=(*ledger.events, line), count=number)


def _event(document: dict[str, Any]) -> tuple[int, Event]:
    return int(document["n"]), codec.decode(document)


def _look(number: int, judged: Judged) -> str:
    windows = [
        [
            _micros(window.start),
            _micros(window.end),
            {name: _numbers(pair) for name, pair in window.counts.items()},
            *([dict(window.dispersion)] if window.dispersion else []),
        ]
        for window in judged.verdict.windows
    ]
    return _text({"n": number, "t": _micros(judged.at), "d": judged.verdict.decision.value, "w": windows})


def _judged(document: dict[str, Any]) -> tuple[int, Event]:
    windows = tuple(
        Window(
            start=_moment(start),
            end=_moment(end),
            counts={name: _pair(numbers) for name, numbers in counts.items()},
            dispersion=dispersion[0] if dispersion else {},
        )
        for start, end, counts, *dispersion in document["w"]
    )
    at = _moment(document["t"])
    verdict = Verdict(at=at, decision=Decision(document["d"]), sentence="", windows=windows)
    return int(document["n"]), Judged(at=at, verdict=verdict)


def _numbers(pair: Pair) -> list[Any]:
    """`[bad, total, stable's bad, stable's total]`; with more bounds also `{bound: [above, stable's]}`."""
    four = [pair.canary.bad, pair.canary.total, pair.stable.bad, pair.stable.total]
    bounds = {**pair.canary.above, **pair.stable.above}
    above = {bound: [pair.canary.above.get(bound, 0), pair.stable.above.get(bound, 0)] for bound in bounds}
    return [*four, above] if above else four


def _pair(numbers: Sequence[Any]) -> Pair:
    bad, total, stable_bad, stable_total, *more = numbers
    above: dict[str, list[int]] = more[0] if more else {}
    return Pair(
        canary=Counts(bad=bad, total=total, above={bound: two[0] for bound, two in above.items()}),
        stable=Counts(bad=stable_bad, total=stable_total, above={bound: two[1] for bound, two in above.items()}),
    )


def _micros(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)


def _moment(micros: int) -> datetime:
    return EPOCH + timedelta(microseconds=micros)


def _text(document: Any) -> str:
    return json.dumps(document, separators=(",", ":"))


# ---- how large it may grow ----


def _bounded(ledger: Ledger) -> Ledger:
    windows = ledger.windows
    while _size(windows) > LIMIT and len(windows) > 1:
        windows = _folded(windows)
    events = ledger.events
    if _size(events) > LIMIT:
        troubles = [line for line in events if '"event":"PodTrouble"' in line]
        dropped = set(troubles[:-10])
        events = tuple(line for line in events if line not in dropped)
    return replace(ledger, windows=windows, events=events)


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
            before, more = counts.get(name, Pair()), _pair(numbers)
            counts[name] = Pair(canary=before.canary + more.canary, stable=before.stable + more.stable)
    start, end = min(window[0] for window in windows), max(window[1] for window in windows)
    sums = {name: _numbers(pair) for name, pair in counts.items()}
    return _text({**later, "w": [[start, end, sums, *([said] if said else [])]]})

"""Merge: the same series of several servers as one, without ever mixing two servers' samples. Pure.

Two servers of a pair scrape the same counter at other moments. Each alone is a true record of it; their samples put
together would count what lies between the moments twice, or not at all. So a target's series are taken from one
server, and from the same one look after look as long as it keeps up.
"""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from itertools import combinations, pairwise
from statistics import median

from davy.checks.ports import Answer, Series
from davy.checks.samples.counters import growth

LATE_SCRAPES = 2.0
"""Scrapes that a server may lie behind another before it counts as stale; the judge's own measure of a stale pod."""
SLACK_SECONDS = 1.0
DIFFERENT = 0.05
"""Share by which two servers' growth of one counter may differ before it is said."""
TARGET = ("job", "instance")
"""Labels that Prometheus gives to everything it scrapes from one target."""
UNKNOWN_SPACING = 15.0
"""Seconds between scrapes where too few samples tell."""

Key = frozenset[tuple[str, str]]
Answers = Sequence[Sequence[Series]]
"""One server's series, by selector."""
Choice = Mapping[Key, tuple[int, Key]]
"""The server (and its replica) that each target was read from, by the target's labels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """Several servers' answers as one."""

    series: tuple[tuple[Series, ...], ...]
    """By selector, in the order asked."""
    choice: Choice
    notes: tuple[str, ...]


@dataclass(slots=True)
class _Holder:
    """What one server (and one replica, where it answers for several) holds of one target."""

    server: int
    replica: Key
    series: dict[tuple[int, Key], Series] = field(default_factory=dict)

    @property
    def name(self) -> tuple[int, Key]:
        return self.server, self.replica

    def newest(self) -> float:
        return max(_last(one) for one in self.series.values())

    def spacing(self) -> float:
        longest = max(self.series.values(), key=lambda one: len(one.samples) + len(one.histograms))
        times = [at for at, _ in longest.samples or longest.histograms]
        return median(b - a for a, b in pairwise(times)) if len(times) > 1 else UNKNOWN_SPACING


def merged(
    answers: Mapping[int, Answers], names: Sequence[str], *, replica_labels: AbstractSet[str], before: Choice
) -> Merged:
    """One answer out of those that came; `answers` by the server's number, `before` from the look before.

    Labels that tell replicas apart are dropped. A series that only one server has is taken from it (shards).
    """
    notes: dict[str, None] = {}
    count = max((len(one) for one in answers.values()), default=0)
    found: list[list[Series]] = [[] for _ in range(count)]
    choice = dict(before)
    for target, holders in _targets(answers, replica_labels).items():
        if _is_early(holders, choice.get(target), answers):
            continue
        picked = _picked(holders, choice.get(target))
        choice[target] = picked.name
        for (selector, _), one in _whole(picked, holders, target, notes).items():
            found[selector].append(one)
        notes.update(dict.fromkeys(_disagreements(holders, target, names)))
    return Merged(series=tuple(map(tuple, found)), choice=choice, notes=tuple(notes))


def values(answers: Mapping[int, Answer], names: Sequence[str], replica_labels: AbstractSet[str]) -> Answer:
    """Instant answers as one: for labels that several have, the value of the first; what differs is a warning."""
    kept: dict[Key, tuple[Mapping[str, str], float, int]] = {}
    said: dict[str, None] = {}
    for server, answer in sorted(answers.items()):
        said.update(dict.fromkeys(answer.warnings))
        for labels, value in answer.values:
            own = _without(labels, replica_labels)
            key = frozenset(own.items())
            first = kept.setdefault(key, (own, value, server))
            if first[2] != server and _differ(first[1], value):
                words = f"{names[first[2]]} says {first[1]:g}, {names[server]} {value:g}"
                said[f"servers disagree about {_told(key)}: {words}; the first is taken"] = None
    return Answer(values=tuple((labels, value) for labels, value, _ in kept.values()), warnings=tuple(said))


def _targets(answers: Mapping[int, Answers], replica_labels: AbstractSet[str]) -> dict[Key, list[_Holder]]:
    found: dict[Key, dict[tuple[int, Key], _Holder]] = {}
    for server, answer in sorted(answers.items()):
        for selector, group in enumerate(answer):
            for one in group:
                own = _without(one.labels, replica_labels)
                key = frozenset(own.items())
                target = frozenset((name, own[name]) for name in TARGET if name in own) or key
                replica = frozenset(one.labels.items()) - key
                holder = found.setdefault(target, {}).setdefault((server, replica), _Holder(server, replica))
                holder.series[selector, key] = Series(labels=own, samples=one.samples, histograms=one.histograms)
    return {target: sorted(holders.values(), key=_order) for target, holders in found.items()}


def _order(holder: _Holder) -> tuple[int, list[tuple[str, str]]]:
    return holder.server, sorted(holder.replica)


def _picked(holders: Sequence[_Holder], before: tuple[int, Key] | None) -> _Holder:
    """The one to read: the one of before while it keeps up and lacks nothing, else the freshest that does."""
    settled, freshest = _settled(holders), max(holder.newest() for holder in holders)
    current = [holder for holder in holders if holder.newest() >= freshest - _allowance(holders)]
    whole = [holder for holder in current if settled <= holder.series.keys()]
    for holder in whole:
        if holder.name == before:
            return holder
    if before is None and whole:
        return whole[0]
    return max(whole or current, key=lambda holder: (len(settled & holder.series.keys()), holder.newest()))


def _is_early(holders: Sequence[_Holder], before: tuple[int, Key] | None, answers: Mapping[int, Answers]) -> bool:
    """True where the server of before answered without any of these series, and may not have scraped them yet."""
    lacks = before is not None and before[0] in answers and all(holder.name != before for holder in holders)
    return lacks and not _settled(holders)


def _settled(holders: Sequence[_Holder]) -> set[tuple[int, Key]]:
    """Series that have been there for so long that every server must have seen them."""
    since = max(holder.newest() for holder in holders) - _allowance(holders)
    return {key for holder in holders for key, one in holder.series.items() if _first(one) <= since}


def _allowance(holders: Sequence[_Holder]) -> float:
    return LATE_SCRAPES * max(holder.spacing() for holder in holders) + SLACK_SECONDS


def _whole(
    picked: _Holder, holders: Sequence[_Holder], target: Key, notes: dict[str, None]
) -> dict[tuple[int, Key], Series]:
    """The picked server's series, and what it lacks for good.

    One that it lacks only so far is left for the next look: taken from the other server now, and from this one then,
    its first events would be counted twice.
    """
    lacking = _settled(holders) - picked.series.keys()
    found = dict(picked.series)
    for key in lacking:
        found[key] = next(holder.series[key] for holder in holders if key in holder.series)
    if lacking:
        notes[f"no server has every series of {_told(target)}; they are read from several"] = None
    return found


def _disagreements(holders: Sequence[_Holder], target: Key, names: Sequence[str]) -> Iterable[str]:
    """Where two servers saw a counter grow by different amounts, beyond what the moments of their scrapes explain."""
    for one, other in combinations(holders, 2):
        for selector in sorted({selector for selector, _ in one.series.keys() & other.series.keys()}):
            pairs = [
                (one.series[key], other.series[key])
                for key in one.series.keys() & other.series.keys()
                if key[0] == selector
            ]
            first, second, scrapes = _growths(pairs)
            most = max(first, second)
            if abs(first - second) > most * (DIFFERENT + LATE_SCRAPES / max(scrapes, 1)):
                name = pairs[0][0].labels.get("__name__", "a counter")
                yield (
                    f"servers disagree about {name} of {_told(target)}: it grew by {first:g} at {names[one.server]}, "
                    f"by {second:g} at {names[other.server]}"
                )


def _growths(pairs: Sequence[tuple[Series, Series]]) -> tuple[float, float, int]:
    """Both sides' growth over the time that both have, and over how many scrapes."""
    grown = [0.0, 0.0]
    scrapes = 0
    for both in pairs:
        if not all(one.samples for one in both):
            continue
        start = max(one.samples[0][0] for one in both)
        end = min(one.samples[-1][0] for one in both)
        for side, one in enumerate(both):
            grown[side] += growth(one.samples, start=start, end=end, born=False)
        scrapes = max(scrapes, sum(start < at <= end for at, _ in both[0].samples))
    return grown[0], grown[1], scrapes


def _differ(one: float, other: float) -> bool:
    both = one == other or (one != one and other != other)  # noqa: PLR0124 - NaN is not itself
    return not both and not abs(one - other) <= DIFFERENT * max(abs(one), abs(other))


def _first(one: Series) -> float:
    return min(points[0][0] for points in (one.samples, one.histograms) if points)


def _last(one: Series) -> float:
    return max(points[-1][0] for points in (one.samples, one.histograms) if points)


def _without(labels: Mapping[str, str], names: AbstractSet[str]) -> dict[str, str]:
    return {name: value for name, value in labels.items() if name not in names}


def _told(key: Key) -> str:
    return "{" + ", ".join(f'{name}="{value}"' for name, value in sorted(key)) + "}"

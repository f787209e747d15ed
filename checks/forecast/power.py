"""Power: how long a step must last for what effect, at which price, before anything is released. Pure.

All of it is expectation: evidence grows by its mean, and what chance adds to the wait is the constant `LATE`.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import timedelta

from davy.checks.forecast.ladder import ExpectedCourse, Fate, Ladder, PlannedMetric, Rung
from davy.checks.judges.sequential.case import Metric, Rules
from davy.checks.statistics.nats import excess, health, information
from davy.pipeline.core.text.shares import rest

LATE = {0.5: 1.5, 0.8: 5.0, 0.9: 7.0}
"""Nats of evidence beyond the limit that must be expected, by the share of rollouts that then have crossed it.

Simulated over shares of 5 to 50 % and ratios of 1.5 to 5: 0.2 to 2.0, 3.5 to 5.3 and 5.4 to 7.6.
"""
LATE_FOR_HEALTH = 1.0
"""The same for promotion, in half of the rollouts."""
POWER = 0.8
MOST = 64.0
"""Ratios above it are not looked for."""
RUNGS = ((0.05, 10.0), (0.20, 5.0), (0.50, 2.0))
"""(share, ratio to exclude before it is left): a small share can rule out only a large regression in sensible time."""


def parts(metrics: Sequence[Metric], rules: Rules) -> tuple[float, ...]:
    """Each metric's part of the evidence against the canary, as the judge weighs it; burn has the rest."""
    whole = sum(metric.weight for metric in metrics)
    burn = rules.burn_weight if any(metric.objective is not None for metric in metrics) else 0.0
    return tuple(metric.weight / whole * (1 - burn) for metric in metrics)


def requests_to_find(signal: PlannedMetric, rules: Rules, share: float, ratio: float, power: float = POWER) -> float:
    """Requests (of all traffic) until so large a share of rollouts is rolled back; infinite where none would be."""
    gained = information(share, ratio, rules.tolerate, signal.base) if ratio > rules.tolerate else 0.0
    if not gained or not possible(signal, ratio):
        return math.inf
    return signal.dispersion * (_limit(signal, rules) + LATE[power]) / gained


def excess_until_found(signal: PlannedMetric, rules: Rules, share: float, ratio: float, power: float = POWER) -> float:
    """Extra bad events served until then. Neither traffic nor base rate matters."""
    requests = requests_to_find(signal, rules, share, ratio, power)
    return requests * share * signal.base * (ratio - 1) if requests < math.inf else math.inf


def possible(signal: PlannedMetric, ratio: float) -> bool:
    """False where more than all events would be bad."""
    return signal.base * ratio <= 1


def burns(signal: PlannedMetric, rules: Rules) -> float | None:
    """How fast stable itself burns the budget, where that is above what the judge lets pass; else None.

    A canary like it is rolled back then, however healthy: its own rate is what the burn guard looks at.
    """
    allowed = rest(signal.objective) if signal.objective is not None else 0.0
    if not rules.burn_weight or not 0 < rules.burn * allowed < 1 or signal.base <= rules.burn * allowed:
        return None
    return signal.base / allowed


def _burned_in(
    ladder: Ladder,
    spent: Sequence[tuple[Rung, float]],
    rung: Rung,
    signal: PlannedMetric,
    *,
    ratio: float,
    power: float,
) -> float:
    """Seconds at a rung, after others, until the burn guard takes back a canary of a metric that burns on stable."""
    if burns(signal, ladder.rules) is None or signal.objective is None:
        return math.inf
    several = sum(one.objective is not None for one in ladder.signals)
    limit = ladder.rules.roll_back_at - math.log(ladder.rules.burn_weight / several) + LATE[power]
    gain = excess(min(signal.base * ratio, 1.0), ladder.rules.burn * rest(signal.objective)) / signal.dispersion
    have = sum(ladder.rps * seconds * one.share * gain for one, seconds in spent)
    return _wait(limit - have, ladder.rps * rung.share * gain)


def span(requests: float, rps: float) -> timedelta | None:
    """How long the requests take; None for longer than ten years."""
    seconds = requests / rps if rps > 0 else math.inf
    return timedelta(seconds=seconds) if seconds < 3.2e8 else None


def _limit(signal: PlannedMetric, rules: Rules) -> float:
    return rules.roll_back_at - math.log(signal.part) if signal.part > 0 else math.inf


def _gain(signal: PlannedMetric, rung: Rung, ratio: float, null: float) -> float:
    return information(rung.share, ratio, null, signal.base) / signal.dispersion


def course(ladder: Ladder, name: str = "", ratio: float = 1.0, power: float = 0.5) -> ExpectedCourse:
    """The rollout of a canary whose metric `name` is `ratio` times worse, all others as on stable."""
    signal = next((one for one in ladder.signals if one.name == name), ladder.signals[0])
    found_in = _found_in(ladder, signal, ratio, power)
    spent: list[tuple[Rung, float]] = []
    left: list[timedelta] = []
    deadline = ladder.deadline.total_seconds()
    for number, rung in enumerate(ladder.rungs):
        begun = sum(seconds for _, seconds in spent)
        stays = max(rung.at_least.total_seconds(), _healthy_after(ladder, spent, rung, signal, ratio))
        at_most = min(deadline - begun, rung.at_most.total_seconds() if rung.at_most else math.inf)
        burned = [
            _burned_in(ladder, spent, rung, one, ratio=ratio if one is signal else 1.0, power=power)
            for one in ladder.signals
        ]
        found = min(found_in(spent, rung), *burned)
        if found <= min(stays, at_most):
            return _ended(Fate.FOUND, [*spent, (rung, found)], left, ladder, signal, ratio)
        if stays > at_most:
            return _ended(Fate.UNDECIDED, [*spent, (rung, at_most)], left, ladder, signal, ratio)
        spent.append((rung, stays))
        left.append(timedelta(seconds=begun + stays))
        if number == len(ladder.rungs) - 1:
            return _ended(Fate.PROMOTED, spent, left, ladder, signal, ratio)
    raise ValueError("a ladder has at least one rung")


def _found_in(
    ladder: Ladder, signal: PlannedMetric, ratio: float, power: float
) -> Callable[[Sequence[tuple[Rung, float]], Rung], float]:
    """Seconds at a rung, after others, until the regression is found."""
    limit = _limit(signal, ladder.rules) + LATE[power]
    tolerate = ladder.rules.tolerate

    def found(spent: Sequence[tuple[Rung, float]], rung: Rung) -> float:
        if ratio <= tolerate or not possible(signal, ratio):
            return math.inf
        have = sum(ladder.rps * seconds * _gain(signal, one, ratio, tolerate) for one, seconds in spent)
        return _wait(limit - have, ladder.rps * _gain(signal, rung, ratio, tolerate))

    return found


def _healthy_after(
    ladder: Ladder, spent: Sequence[tuple[Rung, float]], rung: Rung, bad: PlannedMetric, ratio: float
) -> float:
    """Seconds at this rung until every metric is shown to be fine."""
    return max(_cleared(ladder, spent, rung, one, ratio if one is bad else 1.0) for one in ladder.signals)


def _cleared(
    ladder: Ladder, spent: Sequence[tuple[Rung, float]], rung: Rung, signal: PlannedMetric, ratio: float
) -> float:
    """One metric's wait: by the relative evidence or the absolute, whichever comes first."""
    arms = 2 if signal.objective is not None else 1
    limit = ladder.rules.promote_at + math.log(arms) + LATE_FOR_HEALTH

    def relative(one: Rung) -> float:
        return _gain(signal, one, ratio, rung.worse) if ratio < rung.worse else 0.0

    def absolute(one: Rung) -> float:
        return health(one.share, min(signal.base * ratio, 1.0), signal.objective) / signal.dispersion

    waits = []
    for gain in (relative, absolute):
        have = sum(ladder.rps * seconds * gain(one) for one, seconds in spent)
        waits.append(_wait(limit - have, ladder.rps * gain(rung)))
    return min(waits)


def _wait(missing: float, by_second: float) -> float:
    if missing <= 0:
        return 0.0
    return missing / by_second if by_second > 0 else math.inf


def _ended(  # noqa: PLR0917 - one call site a fate
    fate: Fate,
    spent: Sequence[tuple[Rung, float]],
    left: Sequence[timedelta],
    ladder: Ladder,
    signal: PlannedMetric,
    ratio: float,
) -> ExpectedCourse:
    canary = sum(rung.share * seconds for rung, seconds in spent) * ladder.rps
    return ExpectedCourse(
        fate=fate,
        at=timedelta(seconds=sum(seconds for _, seconds in spent)),
        left=tuple(left),
        excess=canary * signal.base * (ratio - 1),
    )


def smallest_found(ladder: Ladder, name: str) -> float | None:
    """The smallest ratio that the whole ladder finds in 8 of 10 rollouts before the deadline; None where none is."""
    signal = next(one for one in ladder.signals if one.name == name)
    most = min(MOST, 1 / signal.base) if signal.base > 0 else MOST
    if course(ladder, name, most, POWER).fate is not Fate.FOUND:
        return None
    low, high = math.log(ladder.rules.tolerate), math.log(most)
    while high - low > 0.005:
        middle = (low + high) / 2
        if course(ladder, name, math.exp(middle), POWER).fate is Fate.FOUND:
            high = middle
        else:
            low = middle
    return math.exp(high)


def recommended(ladder: Ladder, shares: Iterable[float]) -> tuple[Rung, ...]:
    """Rungs at these shares, each as long as the ratio it is to exclude takes to be found in its slowest metric.

    The last excludes what the ladder's last does. The wait counts what the rungs before have seen. All together
    take at most half of the deadline: the other half is for chance.
    """
    made: list[Rung] = []
    demand = ladder.rungs[-1].worse
    for number, share in enumerate(reached := sorted(shares), start=1):
        worse = demand if number == len(reached) else max(_excluded(share), demand)
        rung = Rung(share=share, worse=worse)
        made.append(replace(rung, at_least=timedelta(seconds=_needed(ladder, made, rung))))
    whole = sum(rung.at_least.total_seconds() for rung in made)
    room = ladder.deadline.total_seconds() / 2
    scale = min(1.0, room / whole) if whole else 1.0
    return tuple(replace(rung, at_least=_handy(rung.at_least * scale)) for rung in made)


def _excluded(share: float) -> float:
    """The ratio to exclude at a share: of the rungs, the one whose share is nearest (by times)."""
    return min(RUNGS, key=lambda rung: abs(math.log(share / rung[0])))[1]


def _needed(ladder: Ladder, before: Sequence[Rung], rung: Rung) -> float:
    """Seconds, at most the deadline."""
    deadline = ladder.deadline.total_seconds()
    spent = [(one, one.at_least.total_seconds()) for one in before]
    waits = [_found_in(ladder, signal, rung.worse, POWER)(spent, rung) for signal in ladder.signals]
    # A metric that no step could watch in time is no reason to wait for it.
    return max((wait for wait in waits if wait <= deadline), default=deadline)


def _handy(spell: timedelta) -> timedelta:
    """Rounded up to what a person would write."""
    seconds = spell.total_seconds()
    grain = next(grain for below, grain in ((120, 15), (1200, 60), (math.inf, 300)) if seconds < below)
    return timedelta(seconds=math.ceil(seconds / grain) * grain)

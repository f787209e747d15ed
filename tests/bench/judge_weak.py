"""Weak spots, attacked: other mixtures, ladders, a look at the deadline. `bench judge --weak`; no judge uses them.

Every variant is still evidence: a mixture with weights fixed beforehand, or `alpha` shared out between two rules.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from random import Random

from bench.judge_rollouts import DAVY, ERRORS
from bench.judge_rules import tail
from davy.checks.forecast.rollouts import Scenario, SimulatedRollout, played
from davy.checks.statistics.mixtures import BETTER_GRID, WORSE_GRID, log_e_health, log_weighted
from davy.checks.traces.trace import Glance, Trace

HEALTHY, CLUSTERED, TWOFOLD = Scenario(name="1x"), Scenario(name="1x", cluster=4.0), Scenario(name="2x", worse=2.0)
BORDER = Scenario(name="1.1x", worse=1.1)
TRUTHS = ((0.001, TWOFOLD), (0.0001, TWOFOLD), (0.001, BORDER), (0.001, replace(TWOFOLD, worse=5.0)))
RULES = DAVY.rules
OWN = 1 - RULES.burn_weight
"""The relative evidence's part: burn has the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prior:
    """Ratios and their weights."""

    ratios: tuple[float, ...]
    weights: tuple[float, ...]

    @classmethod
    def of(cls, ratios: tuple[float, ...], point: float | None = None) -> "Prior":
        """Evenly over the ratios; with a `point`, that has half of the weight."""
        even = 1 / len(ratios)
        if point is None:
            return cls(ratios=ratios, weights=(even,) * len(ratios))
        return cls(ratios=(*ratios, point), weights=(*(even / 2 for _ in ratios), 0.5))


def _looks(trace: Trace, null: float, prior: Prior, dispersion: float) -> Iterator[tuple[Glance, float]]:
    """Log evidence against `null` after each window."""
    logs = [0.0] * len(prior.ratios)
    for glance in trace.windows:
        pair = glance.counts["errors"]
        x, m, total = pair.canary.bad, pair.canary.bad + pair.stable.bad, pair.canary.total + pair.stable.total
        share = pair.canary.total / total
        base = math.log1p(share * (null - 1))
        logs = [
            log + x * math.log(ratio / null) - m * (math.log1p(share * (ratio - 1)) - base)
            for log, ratio in zip(logs, prior.ratios, strict=True)
        ]
        yield glance, log_weighted((w, log / dispersion) for w, log in zip(prior.weights, logs, strict=True))


def _cleared(
    play: SimulatedRollout, scenario: Scenario, prior: Prior, dispersion: float, count: int
) -> tuple[float, float]:
    """Share promoted, and median minutes; the absolute arm has half of the evidence, as in the judge."""
    ends = []
    for number in range(count):
        trace, bad, total = played(play, scenario, Random(f"weak {number}")), 0, 0
        ends.append(math.inf)
        for glance, log in _looks(trace, play.worse, prior, dispersion):
            bad, total = bad + glance.counts["errors"].canary.bad, total + glance.counts["errors"].canary.total
            if glance.t < play.promote_from:
                continue
            inside = log_e_health(bad, total, 0.001, dispersion)
            if log_weighted([(0.5, log), (0.5, inside)]) >= RULES.promote_at:
                ends[-1] = glance.t
                break
    return sum(end < math.inf for end in ends) / count, sorted(ends)[count // 2] / 60


def _found(play: SimulatedRollout, scenario: Scenario, prior: Prior, late: float, count: int) -> tuple[float, float]:
    """Share rolled back, and median minutes. `late`: the part of `alpha` kept for one look at the deadline."""
    ends = []
    for number in range(count):
        trace = played(play, scenario, Random(f"weak {number}"))
        limit = RULES.roll_back_at - math.log(OWN) - math.log(1 - late)
        looks = _looks(trace, RULES.tolerate, prior, 1.0)
        found = next((glance.t for glance, log in looks if log >= limit), math.inf)
        if found == math.inf and late and _last_look(trace) <= RULES.alpha * OWN * late:
            found = play.seconds
        ends.append(found)
    return sum(end < math.inf for end in ends) / count, sorted(ends)[count // 2] / 60


def _last_look(trace: Trace) -> float:
    """P value of the canary's part of all bad events. Where shares changed, the binomial of their mean part is no
    smaller (Hoeffding 1956) from one above the mean on."""
    bad = both = 0
    part = 0.0
    for glance in trace.windows:
        pair = glance.counts["errors"]
        x, m = pair.canary.bad, pair.canary.bad + pair.stable.bad
        share = pair.canary.total / (pair.canary.total + pair.stable.total)
        bad, both = bad + x, both + m
        part += m * share * RULES.tolerate / (1 + share * (RULES.tolerate - 1))
    return tail(bad, both, part / both) if both and bad > part + 1 else 1.0


def weak(scale: float) -> Iterator[str]:
    """Both spots."""
    count = max(10, round(300 * scale))
    yield f"WEAK SPOT 1  healthy, clusters of 4, p = .1 %, exactly at its objective; {count} rollouts of 50 min each"
    play = replace(DAVY, streams=(replace(ERRORS, base=0.001),))
    now = Prior.of(tuple(2.0 * step for step in BETTER_GRID))
    sooner = replace(play, steps=((0.05, 120.0), (0.2, 120.0), (0.5, 2760.0)))
    longer = replace(play, steps=(*play.steps[:2], (0.5, 6600.0)))
    weaker = replace(play, worse=3.0)
    clears: Mapping[str, tuple[SimulatedRollout, Prior, float]] = {
        "the judge as it is": (play, now, 7.0),
        "half of the weight at r = 1": (play, Prior.of(now.ratios, 1.0), 7.0),
        "tempered by 4, not 7: clusters counted": (play, now, 4.0),
        "half of the traffic after 4 min": (sooner, now, 7.0),
        "two hours": (longer, now, 7.0),
        "excluding 3x": (weaker, Prior.of(tuple(3.0 * step for step in BETTER_GRID)), 7.0),
    }
    for name, (wished, prior, dispersion) in clears.items():
        share, minutes = _cleared(wished, CLUSTERED, prior, dispersion, count)
        twofold, _ = _cleared(wished, replace(CLUSTERED, worse=2.0), prior, dispersion, count)
        yield f"  {name:<42}promoted {100 * share:5.1f} %, median {_minutes(minutes)}; of twofold {100 * twofold:.1f} %"
    yield ""
    yield f"WEAK SPOT 2  twofold at rare errors; {2 * count} rollouts, 10 % of 100 rps for 30 min"
    yield from _rare(2 * count)


def _rare(count: int) -> Iterator[str]:
    even = tuple(RULES.tolerate * step for step in WORSE_GRID)
    inverse = sum(1 / ratio for ratio in even)
    low = Prior(ratios=even, weights=tuple(1 / ratio / inverse for ratio in even))
    tried = {
        "the judge as it is": (Prior.of(even), 0.0),
        "weights like 1/r": (low, 0.0),
        "half of the weight at 2x": (Prior.of(even, 2.0), 0.0),
        "a fifth of alpha for a look at the deadline": (Prior.of(even), 0.2),
        "half of alpha for it": (Prior.of(even), 0.5),
    }
    for name, (prior, late) in tried.items():
        cells = []
        for base, scenario in (
            (0.001, TWOFOLD),
            (0.0001, TWOFOLD),
            (0.001, BORDER),
            (0.001, replace(TWOFOLD, worse=5.0)),
        ):
            play = replace(DAVY, streams=(replace(ERRORS, base=base),), steps=((0.1, 1800.0),))
            share, minutes = _found(play, scenario, prior, late, count)
            cells.append(f"{scenario.worse:g}x at {100 * base:g} %: {100 * share:.1f} %, {_minutes(minutes)}")
        yield f"  {name}"
        yield f"    {'; '.join(cells)}"


def _minutes(minutes: float) -> str:
    return "-" if math.isinf(minutes) else f"{minutes:.1f} min"

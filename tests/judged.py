"""Findings for the tests of pictures and for docs/: the sequential judge over windows that are drawn from a seed."""

import random
from collections.abc import Sequence

from davy.checks.judges.sequential.case import Metric, Rules, SequentialCase
from davy.checks.traces.result import Look, ReplayEnd, TraceResult
from davy.checks.traces.trace import Glance, Trace
from davy.pipeline.core.verdict import Counts, Decision, Pair

AVAILABILITY = Metric(name="availability", objective=0.999, weight=0.5)
LATENCY = Metric(
    name="latency",
    objective=0.99,
    weight=0.5,
    bad_words="took over 500ms",
    bound="0.5",
    bounds=("0.25", "0.5", "1"),
)
SHOP = (AVAILABILITY, LATENCY)
ABOVE = {"0.1": 0.3, "0.25": 0.06, "0.5": 0.008, "1": 0.002, "2.5": 0.0005}
"""Share of requests above each bound, of a healthy side."""
LADDER = ((0, 0.05), (300, 0.2), (600, 0.5))
"""From when on which share, in seconds."""
ENDS = {Decision.ROLL_BACK: ReplayEnd.ROLL_BACK, Decision.PROMOTE: ReplayEnd.PROMOTE}


def traced(
    metrics: Sequence[Metric] = SHOP,
    *,
    errors: float = 1.0,
    slow: float = 1.0,
    rate: float = 0.001,
    windows: int = 100,
    every: float = 15.0,
    rps: float = 100.0,
    seed: int = 1,
) -> Trace:
    """A rollout up the ladder. `errors`, `slow`: how many times more bad and slow events the canary has."""
    chance = random.Random(seed)
    glances = []
    for number in range(1, windows + 1):
        t = number * every
        share = max(share for begin, share in LADDER if begin <= t)
        canary, stable = round(rps * every * share), round(rps * every * (1 - share))
        counts = {
            metric.name: Pair(
                canary=_side(chance, metric, canary, rate * errors, slow),
                stable=_side(chance, metric, stable, rate, 1.0),
            )
            for metric in metrics
        }
        glances.append(Glance(t=t, counts=counts))
    return Trace(metrics=tuple(metrics), windows=tuple(glances), rules=Rules())


def _side(chance: random.Random, metric: Metric, total: int, rate: float, slow: float) -> Counts:
    if not metric.bounds:
        return Counts(bad=_drawn(chance, total, rate), total=total)
    above, left = {}, total
    before = 1.0
    for bound, share in ABOVE.items():
        now = min(share * slow, before)
        left = _drawn(chance, left, now / before)
        above[bound], before = left, now
    return Counts(bad=above.get(metric.bound, 0), total=total, above=above)


def _drawn(chance: random.Random, total: int, rate: float) -> int:
    """Binomial; by its normal approximation where that is near enough."""
    if total * rate * (1 - rate) > 50:
        return min(max(round(chance.gauss(total * rate, (total * rate * (1 - rate)) ** 0.5)), 0), total)
    return sum(chance.random() < rate for _ in range(total)) if rate > 0 else 0


def judged(trace: Trace, *, to_end: bool = False) -> TraceResult:
    """The trace replayed by the sequential judge."""
    case, looks = SequentialCase.opened(trace.rules, trace.metrics), []
    verdict, at, blame = ReplayEnd.INCONCLUSIVE, None, ""
    for glance in trace.windows:
        case = case.counted(glance.counts).excluding(trace.worse)
        standing = case.standing(trace.worse)
        looks.append(
            Look(
                t=glance.t,
                log_e_roll_back=standing.log_e_roll_back,
                log_e_burn=standing.log_e_burn,
                evidence=standing.evidence,
            )
        )
        if at is None and standing.decision in ENDS:
            verdict, at = ENDS[standing.decision], glance.t
        blame = standing.blame if at in (None, glance.t) else blame
        if at is not None and not to_end:
            break
    said = {
        ReplayEnd.ROLL_BACK: f"Rolled back: {blame} is worse on the canary than on stable at the same moments.",
        ReplayEnd.PROMOTE: "Good enough: with 95% confidence the canary is less than 2x as bad as stable.",
        ReplayEnd.INCONCLUSIVE: "Held: not enough traffic to tell.",
    }
    return TraceResult(
        judge="sequential",
        verdict=verdict,
        at=at,
        looks=tuple(looks),
        sentence=said[verdict],
        blame=blame if verdict is ReplayEnd.ROLL_BACK else "",
        roll_back_at=trace.rules.roll_back_at,
        promote_at=trace.rules.promote_at,
    )

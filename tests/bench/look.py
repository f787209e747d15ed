"""Look: what one look of the sequential judge costs, beside the plain formula for its confidence sequences alone.

Seven counters and three histograms of three bounds, all with new bad events, after hundreds of windows whose shares
change. `PYTHONPATH=tests python -m bench.look`
"""

from __future__ import annotations

import gc
import math
import random
import statistics
import time

from bench.measure import Budget
from davy.checks.judges.sequential.case import Comparison, Metric, Rules, SequentialCase
from davy.pipeline.core.verdict import Counts, Pair

WINDOWS = 400
MEASURED = 100
LOGS = [math.log(64) * (2 * i / 1600 - 1) for i in range(1601)]
EXCESSES = [math.expm1(u) for u in LOGS]


def budget() -> Budget:
    """Ours over the plain confidence sequences: the median of looks taken in turn."""
    ours, theirs = taken(Comparison.CONDITIONAL)
    return Budget(
        name="a look at ten metrics / its ten confidence sequences on all points",
        ours=shown(ours), theirs=shown(theirs),
        measured=statistics.median(a / b for a, b in zip(ours, theirs, strict=True)), limit=0.33,
    )  # fmt: skip


def taken(form: Comparison) -> tuple[list[float], list[float]]:
    """Seconds of each of the last looks, and of the plain formula right after it."""
    ours, theirs = [], []
    case = SequentialCase.opened(Rules(), metrics(form)).excluding(2.0)
    plain = [[0.0] * len(LOGS) for _ in case.tracks]
    for number, counts in enumerate(windows()):
        began = time.process_time()
        case = case.counted(counts)
        case.standing(2.0)
        between = time.process_time()
        if number < WINDOWS - MEASURED:
            continue
        plain = [on_all_points(sums, pair) for sums, pair in zip(plain, counts.values(), strict=True)]
        ours.append(between - began)
        theirs.append(time.process_time() - between)
    return ours, theirs


def metrics(form: Comparison) -> list[Metric]:
    counters = [Metric(name=f"counter {i}", objective=0.999, dispersion=2.0) for i in range(7)]
    bounds = ("0.25", "0.5", "1")
    return counters + [
        Metric(name=f"histogram {i}", objective=0.99, bound="0.5", bounds=bounds, dispersion=2.0, evidence=form)
        for i in range(3)
    ]


def windows() -> list[dict[str, Pair]]:
    chance = random.Random(1)
    return [window(chance, 0.05 + 0.1 * chance.random()) for _ in range(WINDOWS)]


def window(chance: random.Random, share: float) -> dict[str, Pair]:
    canary = int(1500 * share)
    counts = {}
    for metric in metrics(Comparison.CONDITIONAL):
        sides = (side(chance, metric, total) for total in (canary, 1500 - canary))
        counts[metric.name] = Pair(canary=next(sides), stable=next(sides))
    return counts


def side(chance: random.Random, metric: Metric, total: int) -> Counts:
    drawn = [chance.random() for _ in range(total)]
    if not metric.bounds:
        return Counts(bad=sum(one < 0.005 for one in drawn), total=total)
    above = {
        bound: sum(one < share for one in drawn) for bound, share in zip(metric.bounds, (0.1, 0.01, 0.002), strict=True)
    }
    return Counts(bad=above["0.5"], total=total, above=above)


def on_all_points(sums: list[float], pair: Pair) -> list[float]:
    """One more window on all 1601 points, and the mean over them: the formula as it is written."""
    m, x = pair.canary.bad + pair.stable.bad, pair.canary.bad
    share = pair.canary.total / (pair.canary.total + pair.stable.total)
    points = zip(sums, LOGS, EXCESSES, strict=True)
    sums = [so_far + x * u - m * math.log1p(share * excess) for so_far, u, excess in points]
    most = max(sums)
    limit = most + math.log(math.fsum(math.exp(value - most) for value in sums) / len(sums) * 0.05)
    sum(value > limit for value in sums)
    return sums


def shown(seconds: list[float]) -> str:
    return f"{statistics.median(seconds) * 1e6:.0f} µs"


def main() -> None:
    gc.collect()
    one = budget()
    print(f"{one.name}: {one.ours}, {one.theirs}: {one.measured:.3f}, at most {one.limit:g}")
    exact, _ = taken(Comparison.TWO_SAMPLE)
    print(f"the same look with the histograms in the two-sample form: {shown(exact)}")
    ours, _ = taken(Comparison.CONDITIONAL)
    print(f"the fastest tenth of looks: {statistics.quantiles(ours, n=10)[0] * 1e6:.0f} µs")


if __name__ == "__main__":
    main()

"""Tables: the cells of each, and how they are printed."""

import math
from collections.abc import Iterator
from dataclasses import replace

from bench.judge_bounds import neyman_pearson, wald
from bench.judge_cells import Cell, Scores
from davy.checks.forecast.rollouts import Latency, MetricStream, Scenario, SimulatedRollout
from davy.checks.judges.sequential.case import Metric

RPS = 100.0
ERRORS = MetricStream(metric=Metric(name="errors", objective=0.999))
BARE = MetricStream(metric=Metric(name="errors"))
"""Without an objective: the comparison with stable alone."""
LATENCY = Latency(median=0.08)
"""Half of the answers within 80 ms, 99 % within 407 ms."""

DAVY = ("davy", "davy, tolerate 1")
TESTS = ("binomial .01, one look", "binomial .01/6, 6 looks", "binomial .05, each scrape")
THRESHOLDS = ("Argo docs: 5m, 95 %", "Argo: 1m, 99 %", "Argo: 1m, 2x true rate", "Flagger docs: 1m, 99 %",
              "Flagger: 1m, 2x true rate")  # fmt: skip
KAYENTA = ("Kayenta, once", "Kayenta, 6 times")
RATIOS = (1.0, 1.5, 2.0, 5.0, 10.0)
BASES = (0.0001, 0.001, 0.01)
SHARED = (
    Scenario(name="shared shock", shock=20.0),
    Scenario(name="shared drift", drift=4.0),
    Scenario(name="clusters of 4", cluster=4.0),
    Scenario(name="cold minute", cold=10.0),
    Scenario(name="share 13 %", skew=1.3),
)


def counts(base: float, **more: object) -> SimulatedRollout:
    """Half an hour at 10 % of 100 requests a second."""
    stream = replace(BARE, base=base)
    return replace(SimulatedRollout(streams=(stream,), rps=RPS, promote_from=math.inf), **more)  # type: ignore[arg-type]


def _kayenta(play: SimulatedRollout) -> dict[str, SimulatedRollout]:
    """Sixty points; judged once it has a baseline of the canary's own size, as Spinnaker advises."""
    return {
        "Kayenta, once": replace(play, rps=play.rps * 0.2, steps=((0.5, 1800.0),), interval=30.0),
        "Kayenta, 6 times": replace(play, interval=30.0),
    }


def _cells(
    table: str, key: str, play: SimulatedRollout, scenario: Scenario, rollouts: dict[str, int]
) -> Iterator[Cell]:
    """One for davy, one for the others, and Kayenta's own."""
    sets = {"davy": DAVY if table != "shared" else ("davy", "davy, dispersion 1", "davy, warm-up counted")}
    sets["others"] = TESTS + THRESHOLDS
    for name, rules in sets.items():
        yield Cell(table=table, key=key, rules=rules, play=play, scenario=scenario, rollouts=rollouts[name])
    for rule, own in _kayenta(play).items():
        yield Cell(table=table, key=key, rules=(rule,), play=own, scenario=scenario, rollouts=rollouts["kayenta"])


def rates_cells(scale: float) -> Iterator[Cell]:
    """Error rates and speed by rule."""
    for base in BASES:
        for ratio in RATIOS:
            null = ratio == 1
            rollouts = {"davy": 2000 if null else 300, "others": 400 if null else 150, "kayenta": 200 if null else 80}
            scenario = Scenario(name=f"{ratio:g}x", worse=ratio)
            yield from _cells("rates", f"{base:g} {ratio:g}", counts(base), scenario, _scaled(rollouts, scale))


def shared_cells(scale: float) -> Iterator[Cell]:
    """False rollbacks where something happens to both sides."""
    for base in BASES[1:]:
        for scenario in SHARED:
            rollouts = _scaled({"davy": 600, "others": 150, "kayenta": 60}, scale)
            yield from _cells("shared", f"{base:g} {scenario.name}", counts(base), scenario, rollouts)


def _scaled(rollouts: dict[str, int], scale: float) -> dict[str, int]:
    return {name: max(10, round(count * scale)) for name, count in rollouts.items()}


def rates(scores: Scores) -> Iterator[str]:
    """Flag rate, and thousands of requests until half of all rollouts were flagged."""
    yield "ERROR RATES  flagged % | median k-requests to the flag over all rollouts (- = under half)"
    yield "One metric, 10 % of 100 rps, 30 min, scraped every 15 s (1.5k requests). The truth is a ratio of r."
    for base in BASES:
        yield ""
        yield f"base rate {100 * base:g} %".ljust(27) + "".join(f"{f'r={ratio:g}':>16}" for ratio in RATIOS)
        for rule in (*DAVY, *TESTS, *THRESHOLDS, *KAYENTA):
            cells = (scores["rates", f"{base:g} {ratio:g}", rule] for ratio in RATIOS)
            row = (f"{100 * one.flagged:.3g} | {_thousands(one.median_flag)}" for one in cells)
            yield f"{rule:<27}" + "".join(f"{cell:>16}" for cell in row)
        for name, bound in (("bound, mean (Wald)", wald), ("bound, median (N-P)", neyman_pearson)):
            row = (f"{bound(0.1, ratio, base) / 1000:.3g}" for ratio in RATIOS[1:])
            yield f"{name:<27}{'':>16}" + "".join(f"{cell:>16}" for cell in row)
        null = scores["rates", f"{base:g} 1", "davy"]
        others = f"others' standard error up to {_worst(scores):.1f}"
        yield f"  davy at r=1: {_exact(null.sure)} of {null.rollouts}; {others}"


def _worst(scores: Scores) -> float:
    return max(100 * score.error for (table, _, rule), score in scores.items() if table == "rates" and rule not in DAVY)


def shared(scores: Scores) -> Iterator[str]:
    """False rollbacks, percent, at both base rates."""
    yield "FALSE ROLLBACKS  % of healthy canaries, at base rates 0.1 % / 1 %"
    yield f"{'':<27}" + "".join(f"{scenario.name:>16}" for scenario in SHARED)
    rules = ("davy", "davy, dispersion 1", "davy, warm-up counted", *TESTS, *THRESHOLDS, *KAYENTA)
    for rule in rules:
        cells = []
        for scenario in SHARED:
            pair = (scores["shared", f"{base:g} {scenario.name}", rule] for base in BASES[1:])
            cells.append(" / ".join(f"{100 * one.flagged:.3g}" for one in pair))
        yield f"{rule:<27}" + "".join(f"{cell:>16}" for cell in cells)
    one = scores["shared", "0.001 clusters of 4", "davy"]
    yield f"  davy, clusters at 0.1 %: {_exact(one.sure)} of {one.rollouts}"


BOUNDS = ("0.1", "0.25", "0.5", "1")
SLOW = MetricStream(metric=Metric(name="latency", bound="0.5", bounds=BOUNDS), latency=LATENCY)
SLOWER = (
    Scenario(name="none"),
    Scenario(name="x1.05", scale=1.05),
    Scenario(name="x1.1", scale=1.1),
    Scenario(name="x1.25", scale=1.25),
    Scenario(name="x1.5", scale=1.5),
    Scenario(name="0.2% +1s", tail=0.002),
    Scenario(name="0.5% +1s", tail=0.005),
    Scenario(name="2% +1s", tail=0.02),
)
SLOW_RULES = ("davy", "davy, tolerate 1", "davy, two-sample form", "Argo: 1m, 99 %", "Flagger docs: 1m, 99 %")


def latency_cells(scale: float) -> Iterator[Cell]:
    """Latency from histogram buckets."""
    play = SimulatedRollout(streams=(SLOW,), rps=RPS, promote_from=math.inf)
    for scenario in SLOWER:
        rollouts = max(10, round((400 if scenario.is_healthy else 60) * scale))
        yield Cell(
            table="latency", key=scenario.name, rules=SLOW_RULES, play=play, scenario=scenario, rollouts=rollouts
        )
        own = replace(play, interval=30.0)
        few = max(10, rollouts // 2)
        yield Cell(
            table="latency", key=scenario.name, rules=("Kayenta, 6 times",), play=own, scenario=scenario, rollouts=few
        )


def latency(scores: Scores) -> Iterator[str]:
    """Flag rate, and seconds until half were flagged."""
    yield "LATENCY  flagged % | median seconds; half within 80 ms, 99 % within 407 ms, bounds .1 .25 .5 1 s"
    yield f"{'':<24}" + "".join(f"{scenario.name:>13}" for scenario in SLOWER)
    for rule in (*SLOW_RULES, "Kayenta, 6 times"):
        cells = (scores["latency", scenario.name, rule] for scenario in SLOWER)
        row = (f"{100 * one.flagged:.3g} | {_seconds(one.median_flag)}" for one in cells)
        yield f"{rule:<24}" + "".join(f"{cell:>13}" for cell in row)
    row = [_seconds(_best(scenario)) for scenario in SLOWER[1:]]
    yield f"{'bound, mean (Wald)':<24}{'':>13}" + "".join(f"{cell:>13}" for cell in row)
    yield "  The bound is that of the best single rare bucket, were it known. Rivals judge above 0.5 s alone."
    yield "  1.1 times as slow is more than 1.1 times as many slow answers: 1.3 times as many above 250 ms."


def _best(scenario: Scenario) -> float:
    found = []
    for edge in map(float, BOUNDS):
        usual, now = LATENCY.above(edge), LATENCY.above(edge, scenario.scale, scenario.tail)
        # The bound is for rare events; of the others the conditional form is not the best.
        if now > usual and now < 0.1:
            found.append(wald(0.1, now / usual, usual) / RPS)
    return min(found, default=math.inf)


def _thousands(seconds: float) -> str:
    return "-" if math.isinf(seconds) else f"{seconds * RPS / 1000:.1f}"


def _seconds(seconds: float) -> str:
    return "-" if math.isinf(seconds) else f"{seconds:.0f}"


def _exact(sure: tuple[float, float]) -> str:
    return f"{100 * sure[0]:.2f} to {100 * sure[1]:.2f} % (exact 95 %)"

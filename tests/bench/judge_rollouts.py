"""Whole rollouts: what each tool does by its own ladder, and what it costs users until then."""

import math
from collections.abc import Iterator
from dataclasses import replace

from bench.judge_bounds import wald
from bench.judge_cells import Cell, Score, Scores
from bench.judge_tables import BARE, ERRORS, LATENCY, RPS, _exact
from davy.checks.forecast.rollouts import MetricStream, Scenario, SimulatedRollout
from davy.checks.judges.sequential.case import Metric

DAVY = SimulatedRollout(
    streams=(ERRORS,), rps=RPS, steps=((0.05, 300.0), (0.2, 300.0), (0.5, 2400.0)), promote_from=1200.0
)
"""5 % for 5 min, 20 % for 5 min, 50 % for at least 10, undecided after 50."""
LADDERS = {
    "davy": DAVY,
    "Argo docs: 5m, 95 %": replace(DAVY, steps=tuple((share, 600.0) for share in (0.2, 0.4, 0.6, 0.8)), promote_from=0),
    "Flagger docs: 1m, 99 %": replace(
        DAVY, steps=tuple((share, 60.0) for share in (0.1, 0.2, 0.3, 0.4, 0.5, 0.5)), promote_from=0
    ),
    "Kayenta, hourly": replace(DAVY, steps=((0.1, 10800.0),), interval=60.0, promote_from=0),
}
TRUTHS = ((0.001, 1), (0.001, 2), (0.001, 5), (0.001, 10), (0.005, 5), (0.0001, 10), (0.0001, 5), (0.0001, 2))

WHOLE = replace(
    DAVY,
    streams=(
        replace(ERRORS, base=0.001),
        MetricStream(
            metric=Metric(name="latency", objective=0.99, bound="0.5", bounds=("0.25", "0.5", "1")), latency=LATENCY
        ),
    ),
)
RULE = "davy"
RIVALS = ("threshold (argo)", "threshold (flagger)", "mannwhitney")
"""At the objectives, and for Kayenta with points of a minute, judged every ten."""
VERDICTS: tuple[tuple[Scenario, float], ...] = (
    (Scenario(name="healthy, p=.0001"), 0.0001),
    (Scenario(name="healthy, p=.001"), 0.001),
    (Scenario(name="healthy, p=.005"), 0.005),
    (Scenario(name="healthy, clusters of 4, p=.0001", cluster=4.0), 0.0001),
    (Scenario(name="healthy, clusters of 4, p=.001", cluster=4.0), 0.001),
    (Scenario(name="errors 2x, p=.001", worse=2.0), 0.001),
    (Scenario(name="errors 5x, p=.001", worse=5.0), 0.001),
    (Scenario(name="errors 10x, p=.001", worse=10.0), 0.001),
    (Scenario(name="errors 5x, clusters of 4, p=.001", worse=5.0, cluster=4.0), 0.001),
    (Scenario(name="errors 10x, clusters of 4, p=.001", worse=10.0, cluster=4.0), 0.001),
    (Scenario(name="outage, 50 % errors", worse=500.0), 0.001),
    (Scenario(name="latency x1.05", scale=1.05), 0.001),
    (Scenario(name="latency x1.1", scale=1.1), 0.001),
    (Scenario(name="latency x1.25", scale=1.25), 0.001),
    (Scenario(name="latency x1.5", scale=1.5), 0.001),
    (Scenario(name="+1 s on 0.2 %", tail=0.002), 0.001),
    (Scenario(name="+1 s on 0.5 %", tail=0.005), 0.001),
    (Scenario(name="+1 s on 2 %", tail=0.02), 0.001),
)


def rollout_cells(scale: float) -> Iterator[Cell]:
    """Each tool by its own ladder."""
    for base, ratio in TRUTHS:
        scenario = Scenario(name=f"{ratio:g}x", worse=float(ratio))
        for rule, play in LADDERS.items():
            wished = replace(play, streams=(replace(ERRORS, base=base),))
            rollouts = max(10, round((40 if rule.startswith("Kayenta") else 200 if rule == RULE else 60) * scale))
            yield Cell(
                table="rollouts", key=f"{base:g} {ratio:g}", rules=(rule,), play=wished, scenario=scenario,
                rollouts=rollouts,
            )  # fmt: skip


def rollouts(scores: Scores) -> Iterator[str]:
    """Outcome, median minutes, mean extra errors."""
    yield "WHOLE ROLLOUTS  rolled back % / promoted %, median minutes, mean extra errors served before the outcome"
    yield "davy: 5 % 5 min, 20 % 5 min, 50 % at least 10. Argo: 20 40 60 80 %, 10 min each. Flagger: 10 to 50 %, 1 min"
    yield "each. Kayenta: 10 %, three hours, judged hourly. Harm after a promotion is not counted."
    yield f"{'p, ratio':<12}" + "".join(f"{rule:>27}" for rule in LADDERS)
    for base, ratio in TRUTHS:
        cells = (scores["rollouts", f"{base:g} {ratio:g}", rule] for rule in LADDERS)
        row = (
            f"{100 * one.flagged:.3g}/{100 * one.promoted / one.rollouts:.3g} {one.median_end / 60:.1f}m"
            f" {one.excess:.0f}"
            for one in cells
        )
        yield f"{f'{base:g}, {ratio:g}x':<12}" + "".join(f"{cell:>27}" for cell in row)


def verdict_cells(scale: float) -> Iterator[Cell]:
    """The judge as one piece: errors, latency and burn, dispersion estimated; and its rivals on the same ladder."""
    for scenario, base in VERDICTS:
        wished = replace(WHOLE, streams=(replace(WHOLE.streams[0], base=base), *WHOLE.streams[1:]))
        rollouts = max(10, round((400 if scenario.is_healthy else 60) * scale))
        for rules, count in (((RULE,), rollouts), (RIVALS, max(10, round(40 * scale)))):
            yield Cell(table="verdicts", key=scenario.name, rules=rules, play=wished, scenario=scenario, rollouts=count)


def verdicts(scores: Scores) -> Iterator[str]:
    """Percent and median minutes."""
    yield "VERDICTS  errors (99.9 %), latency (99 % under 0.5 s) and burn together; davy's ladder; dispersion estimated"
    yield "Rivals on the same rollouts: rolled back % / promoted %, median minutes; limits at the objectives."
    yield f"{'truth':<35}{'rolled back':>26}{'promoted':>10}{'undecided':>10}{'median':>9}" + "".join(
        f"{rule:>21}" for rule in RIVALS
    )
    for scenario, _ in VERDICTS:
        one = scores["verdicts", scenario.name, RULE]
        sure = f" ({100 * one.sure[0]:.1f}-{100 * one.sure[1]:.1f})" if scenario.is_healthy else ""
        left = one.rollouts - one.rolled_back - one.promoted
        yield (
            f"{scenario.name:<35}{f'{100 * one.flagged:.3g} %{sure} of {one.rollouts}':>26}"
            f"{f'{100 * one.promoted / one.rollouts:.3g} %':>10}{f'{100 * left / one.rollouts:.3g} %':>10}"
            f"{f'{one.median_end / 60:.1f} m':>9}"
        ) + "".join(f"{_brief(scores['verdicts', scenario.name, rule]):>21}" for rule in RIVALS)


def _brief(one: Score) -> str:
    return f"{100 * one.flagged:.3g}/{100 * one.promoted / one.rollouts:.3g} {one.median_end / 60:.1f}m"


CONSTANT = SimulatedRollout(streams=(replace(ERRORS, base=0.001),), rps=RPS, promote_from=math.inf)
LIMITED = (
    ("healthy", Scenario(name="healthy"), ("davy",), 3000),
    ("5x", Scenario(name="5x", worse=5.0), ("davy",), 1000),
    ("clusters", Scenario(name="clusters", cluster=4.0), ("davy",), 1000),
)


def limit_cells(scale: float) -> Iterator[Cell]:
    """What must hold: 100 rps, 10 % share, 0.1 %, davy's whole rule with an objective of 99.9 %."""
    for key, scenario, rules, rollouts in LIMITED:
        yield Cell(
            table="limits", key=key, rules=rules, play=CONSTANT, scenario=scenario,
            rollouts=max(10, round(rollouts * scale)),
        )  # fmt: skip
    own = replace(LADDERS["Kayenta, hourly"], streams=(replace(BARE, base=0.001),))
    yield Cell(
        table="limits", key="5x", rules=("Kayenta, hourly",), play=own, scenario=Scenario(name="5x", worse=5.0),
        rollouts=max(10, round(100 * scale)),
    )  # fmt: skip


def limits(scores: Scores) -> tuple[tuple[str, float, float, str], ...]:
    """(what, measured, at most, beside): those that must hold."""
    healthy, found = scores["limits", "healthy", "davy"], scores["limits", "5x", "davy"]
    clusters, kayenta = scores["limits", "clusters", "davy"], scores["limits", "5x", "Kayenta, hourly"]
    bound = wald(0.1, 5.0, 0.001)
    requests = found.median_flag * RPS
    return (
        ("false rollbacks, %", 100 * healthy.flagged, 1.0, _exact(healthy.sure)),
        ("fivefold found, median k-requests", requests / 1000, 1.5 * bound / 1000, f"bound {bound / 1000:.1f}"),
        ("fivefold, extra errors", found.excess, kayenta.excess / 10, f"a tenth of Kayenta's {kayenta.excess:.0f}"),
        ("clusters of 4, false rollbacks, %", 100 * clusters.flagged, 1.0, _exact(clusters.sure)),
    )

"""Simulate: the benchmark's scenarios at one's own traffic, every judge on the same rollouts, as a table or JSON."""

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from random import Random
from statistics import median
from typing import TextIO

from davy.checks.forecast.judges import CONTENDERS
from davy.checks.forecast.rollouts import (
    Latency,
    MetricStream,
    Scenario,
    SimulatedOutcome,
    SimulatedRollout,
    excess,
    played,
)
from davy.checks.judges.sequential.case import Metric
from davy.checks.statistics.intervals import interval
from davy.checks.traces.result import ReplayEnd
from davy.pipeline.core.errors import Problem, Unusable
from davy.pipeline.core.text.sanitize import harmless
from davy.pipeline.core.text.time_text import shown
from davy.workflows.judge.traffic_and_rules import Situation, TrafficOptions
from davy.workflows.story.options import part

VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulateOptions:
    """What the command line of `davy judge simulate` says."""

    file: Path
    output: str
    traffic: TrafficOptions = field(metadata=part(TrafficOptions))
    rollouts: int
    seed: int


WIDTH = 80
ERRORS = (
    Scenario(name="healthy"),
    Scenario(name="shared shock", shock=20.0),
    Scenario(name="shared drift", drift=4.0),
    Scenario(name="clusters of 4", cluster=4.0),
    Scenario(name="cold start", cold=10.0),
    Scenario(name="share 1.3x", skew=1.3),
    Scenario(name="errors 1.5x", worse=1.5),
    Scenario(name="errors 2x", worse=2.0),
    Scenario(name="errors 5x", worse=5.0),
    Scenario(name="errors 10x", worse=10.0),
)
SLOWER = (
    Scenario(name="latency 1.1x", scale=1.1),
    Scenario(name="latency 1.5x", scale=1.5),
    Scenario(name="0.5 % +1s", tail=0.005),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """How one judge did in one scenario."""

    scenario: Scenario
    judge: str
    rollouts: int
    rolled_back: int
    promoted: int
    median_seconds: float
    """Until the verdict; of those without one, the whole time."""
    median_requests: float
    """Of all traffic, by then."""
    excess: float
    """Extra bad events users were served by then, in the mean."""

    @property
    def inconclusive(self) -> int:
        """Neither."""
        return self.rollouts - self.rolled_back - self.promoted

    @property
    def false_rollbacks(self) -> tuple[float, float] | None:
        """The exact 95 % interval of their share; None where a rollback is right."""
        return interval(self.rolled_back, self.rollouts) if self.scenario.is_healthy else None


def play(known: Situation) -> SimulatedRollout:
    """The configured ladder as a timetable; the last step lasts until the deadline."""
    ladder = known.ladder
    room = ladder.deadline.total_seconds()
    before = ladder.rungs[:-1]
    spells = [rung.at_least.total_seconds() or room / 2 / len(before) for rung in before]
    grain = known.interval.total_seconds()
    spells = [max(grain, spell) for spell in spells]
    if sum(spells) + grain > room:
        problem = Problem(path="canary.deadline", what="leaves no time for the last step, after `at_least` and warm-up")
        raise Unusable("This ladder cannot be simulated.", problems=(problem,))
    last = room - sum(spells)
    return SimulatedRollout(
        streams=_streams(known),
        rules=known.rules,
        rps=known.rps,
        steps=tuple(zip((rung.share for rung in ladder.rungs), (*spells, last), strict=True)),
        interval=grain,
        worse=ladder.rungs[-1].worse,
        promote_from=sum(spells) + ladder.rungs[-1].at_least.total_seconds(),
    )


def _streams(known: Situation) -> tuple[MetricStream, ...]:
    return tuple(
        _slow(replace(metric, dispersion=1.0), base, known.bounds[metric.name])
        if metric.name in known.bounds and 0 < base < 1
        else MetricStream(metric=replace(metric, dispersion=1.0), base=base)
        for metric, base in zip(known.metrics, known.bases, strict=True)
    )


def _slow(metric: Metric, base: float, bound: float) -> MetricStream:
    name = f"{bound:g}"
    return MetricStream(metric=replace(metric, bound=name, bounds=(name,)), latency=Latency.reaching(base, bound))


def scenarios(known: Situation) -> tuple[Scenario, ...]:
    """Those that this service can have."""
    slow = any(metric.name in known.bounds for metric in known.metrics)
    plain = any(metric.name not in known.bounds for metric in known.metrics)
    errors = ERRORS if plain else tuple(one for one in ERRORS if one.is_healthy)
    return (*errors, *(SLOWER if slow else ()))


def rows(known: Situation, rollouts: int, seed: int, talk: TextIO) -> tuple[Row, ...]:
    """Every scenario, every judge; the same seed gives the same. Progress goes to `talk`."""
    wished, of = play(known), scenarios(known)
    made: list[Row] = []
    for number, scenario in enumerate(of):
        judges = {name: opened(wished, scenario, _dice(seed, name)) for name, opened in CONTENDERS.items()}
        kept: dict[str, list[tuple[SimulatedOutcome, float]]] = {name: [] for name in judges}
        for rollout in range(rollouts):
            trace = played(wished, scenario, _dice(seed, scenario.name, rollout))
            for name, judge in judges.items():
                outcome = judge(trace)
                kept[name].append((outcome, excess(trace, wished, scenario, outcome.at)))
            if talk.isatty():
                talk.write(f"\r{number + 1} of {len(of)}: {scenario.name}, rollout {rollout + 1}\x1b[K")
                talk.flush()
        made += [_row(scenario, name, wished, outcomes) for name, outcomes in kept.items()]
    if talk.isatty():
        talk.write("\r\x1b[K")
    return tuple(made)


def _dice(*seeds: object) -> Random:
    return Random(" ".join(map(str, seeds)))  # noqa: S311 - a simulation has to be repeatable


def _row(
    scenario: Scenario, judge: str, wished: SimulatedRollout, outcomes: list[tuple[SimulatedOutcome, float]]
) -> Row:
    at = median(outcome.at for outcome, _ in outcomes)
    results = [outcome.result for outcome, _ in outcomes]
    return Row(
        scenario=scenario,
        judge=judge,
        rollouts=len(outcomes),
        rolled_back=results.count(ReplayEnd.ROLL_BACK),
        promoted=results.count(ReplayEnd.PROMOTE),
        median_seconds=at,
        median_requests=at * wished.rps,
        excess=sum(extra for _, extra in outcomes) / len(outcomes),
    )


def text(known: Situation, made: tuple[Row, ...]) -> str:
    """The table, in 80 columns."""
    wished = play(known)
    steps = " > ".join(f"{100 * share:.3g} % {_span(seconds)}" for share, seconds in wished.steps)
    head = (
        f"{known.service}: {known.rps:,.4g} requests a second ({known.source}); {made[0].rollouts} rollouts a scenario",
        f"Steps by the clock: {steps}; times are without warm-up.",
        "davy estimates the dispersion from stable's history, thresholds are the objectives, mannwhitney has points "
        "of a minute and is judged every ten.",
        *(f"note: {note}" for note in known.notes),
    )
    lines = [
        *(line for one in head for line in textwrap.wrap(one, WIDTH)),
        "",
        f"{'':<22}{'rolled':>7}{'':<16}{'pro-':>7}{'incon-':>8}{'median time':>12}{'extra':>8}",
        f"{'':<22}{'back':>7}{'':<16}{'moted':>7}{'clusive':>8}{'to verdict':>12}{'bad':>8}",
    ]
    for scenario in dict.fromkeys(row.scenario for row in made):
        lines.append(f"{scenario.name}{' (nothing is wrong)' if scenario.is_healthy else ''}")
        lines += _lines(row for row in made if row.scenario == scenario)
    return harmless("\n".join(lines))


def _lines(of: Iterator[Row]) -> Iterator[str]:
    for row in of:
        sure = row.false_rollbacks
        range_ = f"({100 * sure[0]:.1f}-{100 * sure[1]:.1f} %)" if sure else ""
        yield (
            f"  {row.judge:<20}{_part(row.rolled_back, row.rollouts):>7} {range_:<15}"
            f"{_part(row.promoted, row.rollouts):>7}{_part(row.inconclusive, row.rollouts):>8}"
            f"{_span(row.median_seconds):>12}{row.excess:>8,.0f}"
        )


def _part(count: int, of: int) -> str:
    return f"{100 * count / of:.3g} %"


def _span(seconds: float) -> str:
    return shown(timedelta(seconds=seconds))


def document(known: Situation, made: tuple[Row, ...], seed: int) -> dict[str, object]:
    """`{"davy_judge_simulation": 1, …}`; shares 0 to 1."""
    wished = play(known)
    return {
        "davy_judge_simulation": VERSION,
        "service": known.service,
        "source": known.source,
        "rps": known.rps,
        "seed": seed,
        "steps": [{"share": share, "seconds": seconds} for share, seconds in wished.steps],
        "metrics": [
            {"name": metric.name, "base": base, "objective": metric.objective}
            for metric, base in zip(known.metrics, known.bases, strict=True)
        ],
        "notes": list(known.notes),
        "rows": [
            {
                "scenario": row.scenario.name,
                "healthy": row.scenario.is_healthy,
                "judge": row.judge,
                "rollouts": row.rollouts,
                "rolled_back": row.rolled_back,
                "promoted": row.promoted,
                "inconclusive": row.inconclusive,
                "false_rollbacks_95": list(row.false_rollbacks) if row.false_rollbacks else None,
                "median_seconds": row.median_seconds,
                "median_requests": row.median_requests,
                "mean_extra_bad": round(row.excess, 3),
            }
            for row in made
        ],
    }

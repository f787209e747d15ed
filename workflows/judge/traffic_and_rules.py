"""Traffic and rules: the traffic, the rules and the ladder that a plan or a simulation is made for; told, or read."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

from davy.canary.engine import steps as strategy
from davy.checks.forecast import base_rates
from davy.checks.forecast.base_rates import BaseRate
from davy.checks.forecast.ladder import Ladder, PlannedMetric, Rung
from davy.checks.forecast.power import parts
from davy.checks.judges.sequential.case import Metric, Rules
from davy.checks.judges.sequential.judge import metric_of, rules_of
from davy.pipeline.config.document import Config
from davy.pipeline.config.sections.canary import CanaryConfig, StepConfig
from davy.pipeline.core.errors import Problem, Unusable
from davy.pipeline.core.text import time_text
from davy.pipeline.core.text.shares import rest, share_of
from davy.workflows import wiring
from davy.workflows.config import load
from davy.workflows.story.options import part

UNKNOWN_REPLICAS = 1_000_000
"""Pods of a service whose number nobody said: any share can be reached."""
ALONE = "errors"
"""The metric of a service without a file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What is planned for."""

    service: str
    source: str
    """Where the traffic is known from, in words."""
    rps: float
    replicas: int | None
    """Stable pods; None where nobody said."""
    metrics: tuple[Metric, ...]
    bases: tuple[float, ...]
    """Stable's share of bad events, by metric."""
    rules: Rules
    bounds: Mapping[str, float]
    """By latency metric, the seconds above which an answer is bad."""
    canary: CanaryConfig
    worse: float
    interval: timedelta
    notes: tuple[str, ...] = ()

    @property
    def signals(self) -> tuple[PlannedMetric, ...]:
        """The metrics as they are planned for."""
        whole = zip(self.metrics, self.bases, parts(self.metrics, self.rules), strict=True)
        return tuple(PlannedMetric.of(metric, base, part) for metric, base, part in whole)

    @property
    def steps(self) -> strategy.Plan:
        """The configured steps as these pods can take them."""
        return strategy.planned(self.canary, self.worse, self.replicas or UNKNOWN_REPLICAS, wiring.router())

    @property
    def ladder(self) -> Ladder:
        """The configured one. Each step's warm-up is taken off the deadline: nothing is counted in it."""
        taken = self.steps.steps
        rungs = tuple(
            Rung(share=step.share / 100, at_least=step.at_least, at_most=step.at_most, worse=step.worse)
            for step in taken
        )
        room = self.canary.deadline - len(rungs) * self.canary.warmup
        return Ladder(
            rungs=rungs, signals=self.signals, rules=self.rules, rps=self.rps, deadline=max(room, timedelta(seconds=1))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficOptions:
    """What the command line says of the traffic that is planned for."""

    last: timedelta
    rps: float | None
    bad: tuple[tuple[str, float], ...]
    replicas: int | None
    share: tuple[float, ...]
    objective: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgePlanOptions:
    """What the command line of `davy judge plan` says."""

    file: Path
    output: str
    traffic: TrafficOptions = field(metadata=part(TrafficOptions))
    dispersion: float | None


def taken(file: Path, options: TrafficOptions, dispersion: float | None = None, *, file_was_named: bool) -> Situation:
    """From the command line, the file and, where `--rps` is not said, Prometheus. Raises Unusable, Unreachable."""
    is_told = options.rps is not None
    if is_told != bool(options.bad):
        raise Unusable(
            "--rps and --bad belong together: with both, no server is asked.",
            remedy="Say --rps 100 --bad 0.1%, or neither to read them from Prometheus.",
        )
    config = load.loaded(file, os.environ) if file.exists() or file_was_named or not is_told else None
    if options.rps is not None:
        known = _as_told(options, options.rps, config, dispersion)
    else:
        assert config is not None  # noqa: S101 - it is left out only where --rps is said
        known = _read(options, config, file.resolve().parent, dispersion)
    return _checked(_with_steps(known, options))


def _as_told(options: TrafficOptions, rps: float, config: Config | None, dispersion: float | None) -> Situation:
    metrics = _metrics(options, config, dispersion)
    rates, problems = _bads(options.bad, metrics)
    if problems:
        raise Unusable("The shares of bad events cannot be used.", problems=problems)
    checks, canary = (config.checks, config.canary) if config else (None, CanaryConfig())
    return Situation(
        service=config.service if config else "a service",
        source="as told",
        rps=rps,
        replicas=options.replicas,
        metrics=metrics,
        bases=tuple(rates[metric.name] for metric in metrics),
        rules=rules_of(checks) if checks else Rules(),
        bounds=_bounds(config),
        canary=canary,
        worse=checks.worse if checks else 2.0,
        interval=checks.interval if checks else timedelta(seconds=15),
    )


def _read(options: TrafficOptions, config: Config, folder: Path, dispersion: float | None) -> Situation:
    now = wiring.clock().now()
    seen = base_rates.traffic(wiring.metrics(config, folder), config.checks, now, options.last)
    metrics = _metrics(options, config, dispersion)
    notes = tuple(
        f"{name}: no bad event among {rate.total:,.0f}; planned as if it were one"
        for name, rate in seen.rates.items()
        if rate.bad < 1
    )
    return Situation(
        service=config.service,
        source=f"read from Prometheus, last {time_text.shown(options.last)}",
        rps=seen.rps,
        replicas=options.replicas or seen.pods,
        metrics=metrics,
        bases=tuple(_base(seen.rates[metric.name], metric) for metric in metrics),
        rules=rules_of(config.checks),
        bounds=_bounds(config),
        canary=config.canary,
        worse=config.checks.worse,
        interval=config.checks.interval,
        notes=notes,
    )


def _base(seen: BaseRate, metric: Metric) -> float:
    """Of a metric without a bad event it is as if one had been, but no more than its objective allows."""
    allowed = 1.0 if metric.objective is None or seen.bad >= 1 else rest(metric.objective)
    return min(seen.rate, allowed)


def _metrics(options: TrafficOptions, config: Config | None, dispersion: float | None) -> tuple[Metric, ...]:
    if config is None:
        objective = options.objective
        share = None if objective is None else share_of(objective)
        return (Metric(name=ALONE, objective=share, dispersion=dispersion or 1.0),)
    if not config.checks.slos:
        problem = Problem(path="checks.slos", what="is empty: there is nothing to plan for")
        raise Unusable("Only SLOs can be planned for.", problems=(problem,))
    set_ = config.checks.dispersion
    return tuple(metric_of(slo, dispersion or (set_ if isinstance(set_, float) else 1.0)) for slo in config.checks.slos)


def _bounds(config: Config | None) -> dict[str, float]:
    slos = config.checks.slos if config else ()
    return {slo.name: slo.under.total_seconds() for slo in slos if slo.under is not None}


def _bads(
    said: tuple[tuple[str, float], ...], metrics: tuple[Metric, ...]
) -> tuple[dict[str, float], tuple[Problem, ...]]:
    """By metric. One without a name is for all that are not named."""
    names = [metric.name for metric in metrics]
    named = dict(said)
    problems = [Problem(path="--bad", what=f"no SLO is named {n!r}") for n in named if n and n not in names]
    missing = [name for name in names if name not in named and "" not in named]
    problems += [Problem(path="--bad", what=f"says nothing of {name}") for name in missing]
    return {name: named.get(name, named.get("", 0.0)) for name in names}, tuple(problems)


def _with_steps(known: Situation, options: TrafficOptions) -> Situation:
    if not options.share:
        return known
    if not all(options.share):
        problem = Problem(path="--share", what="must be above 0")
        raise Unusable("The steps of the canary cannot be taken.", problems=(problem,))
    steps = tuple(StepConfig(weight=100 * share) for share in options.share)
    return replace(known, canary=known.canary.copied(steps=steps))


def _checked(known: Situation) -> Situation:
    plan = known.steps
    if plan.problems:
        raise Unusable("The steps of the canary cannot be taken.", problems=plan.problems)
    return replace(known, notes=(*known.notes, *(plan.warnings if known.replicas else ())))

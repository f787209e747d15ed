"""Backtest inputs: a configuration as a policy to try, and the past to try it on; read, or from a file."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from io import TextIOWrapper
from pathlib import Path
from random import Random
from statistics import median
from typing import TextIO

from davy.canary.engine import steps as strategy
from davy.checks.backtest import pod_file, pod_reader
from davy.checks.backtest.pod_counts import PodCounts
from davy.checks.backtest.pod_reader import PodHistory
from davy.checks.backtest.pseudo_canary import SETTINGS, Regression, Skipped, TriedPolicy, faults_of, starts
from davy.checks.backtest.trial import Run, Trial, dispersions
from davy.checks.judges.sequential.judge import AGAINST, metric_of, rules_of
from davy.checks.statistics.dispersion import Dispersion
from davy.pipeline.config.document import Config
from davy.pipeline.config.sections.canary import StepConfig
from davy.pipeline.core.errors import Problem, Unusable
from davy.pipeline.core.text.time_text import shown
from davy.pipeline.files import plain_file
from davy.workflows import wiring
from davy.workflows.config import load
from davy.workflows.story.options import ClusterOptions, part

ANY_SHARE = 1_000_000
"""Pods of a service beside which every share can be reached; those of the past are drawn to come near it."""
BLOCK = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class PastOptions:
    """What the command line says of the past, and of what is tried on it."""

    cluster: ClusterOptions = field(metadata=part(ClusterOptions))
    """The configuration, and its cluster, which holds the last rollout."""
    days: float
    every: timedelta
    seed: int
    inject: tuple[float, ...]
    into: str | None
    """The metric that regressions are injected into."""
    share: tuple[float, ...]
    starts: int | None
    source: Path | None
    """A past that was exported before."""
    export: Path | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestOptions:
    """What the command line of `davy judge backtest` says."""

    past: PastOptions = field(metadata=part(PastOptions))
    output: str
    plot: bool
    html: Path | None
    no_color: bool


def config_of(options: PastOptions) -> Config:
    """The file's Config, fit to be tried. Raises Unusable with every problem."""
    config = load.loaded(options.cluster.file, os.environ)
    problems = [*_problems(options, config)]
    if problems:
        raise Unusable("This cannot be tried on the past.", problems=tuple(problems))
    return config


def _problems(options: PastOptions, config: Config) -> Iterator[Problem]:
    names = [slo.name for slo in config.checks.slos]
    if not names:
        yield Problem(path="checks.slos", what="is empty: only counts can be judged again, and only SLOs have them")
    if options.into is not None and names and options.into not in names:
        yield Problem(path="--into", what=f"no SLO is named {options.into!r}; there are: {', '.join(names)}")
    yield from (
        Problem(path="--inject", what=f"{ratio:g} is no regression; say how many times worse, above 1")
        for ratio in options.inject
        if not 1 < ratio <= 10_000
    )
    steps = _ladder(options, config)
    yield from steps.problems
    room, least = _room(config, len(steps.steps) or 1), sum((step.at_least for step in steps.steps), timedelta(0))
    if not steps.problems and least >= room:
        yield Problem(path="canary.deadline", what=f"leaves no time after `at_least` ({shown(least)}) and warm-up")
    if options.source is None and timedelta(days=options.days) < 2 * room:
        yield Problem(path="--days", what=f"is too short: one rollout alone takes up to {shown(room)}")


def _ladder(options: PastOptions, config: Config) -> strategy.Plan:
    steps = tuple(StepConfig(weight=100 * share) for share in options.share) or config.canary.steps
    canary = config.canary.copied(steps=steps)
    return strategy.planned(canary, config.checks.worse, ANY_SHARE, wiring.router())


def _room(config: Config, steps: int) -> timedelta:
    """The deadline without the warm-ups: the pods of the past are warm."""
    return max(config.canary.deadline - steps * config.canary.warmup, timedelta(seconds=1))


def policy(options: PastOptions, config: Config, length: float) -> TriedPolicy:
    """The ladder as a timetable, as `judge simulate` has it: the last step lasts until the deadline."""
    checks, steps = config.checks, _ladder(options, config).steps
    room = _room(config, len(steps)).total_seconds()
    before = steps[:-1]
    least = [step.at_least.total_seconds() for step in before]
    spells = [spell or (room - sum(least)) / 2 / len(before) for spell in least]
    spells.append(room - sum(spells))
    fixed = None if checks.dispersion == "auto" else float(checks.dispersion)
    return TriedPolicy(
        metrics=tuple(metric_of(slo, fixed or 1.0, AGAINST[checks.baseline]) for slo in checks.slos),
        rules=rules_of(checks),
        worse=steps[-1].worse,
        steps=tuple(
            (step.share / 100, max(round(spell / length), 1)) for step, spell in zip(steps, spells, strict=True)
        ),
        promote_from=sum(spells[:-1]) + steps[-1].at_least.total_seconds(),
        history=0 if fixed else round(checks.dispersion_history.total_seconds() / length),
        block=max(round(BLOCK.total_seconds() / length), 2),
        settings=SETTINGS,
    )


def past(options: PastOptions, config: Config, talk: TextIO) -> PodHistory:
    """Read, and kept where `--export` says; or from a file. Raises Unusable, Unreachable, Forbidden."""
    if options.source is not None:
        return _from_file(options.source, config)
    now = wiring.clock().now()
    try:
        held = pod_reader.read(
            wiring.metrics(config, options.cluster.file.resolve().parent),
            config.checks,
            warmup=config.canary.warmup,
            start=now - timedelta(days=options.days),
            end=now,
            told=lambda part: told(talk, f"reading the past: {100 * part:.0f} %"),
        )
    finally:
        told(talk, "")
    if options.export is not None:
        exported(held.counts, options.export)
    return held


def _from_file(source: Path, config: Config) -> PodHistory:
    try:
        with TextIOWrapper(plain_file.open_file(source), encoding="utf-8") as lines:
            counts = pod_file.read(lines, str(source))
    except (OSError, UnicodeDecodeError) as error:
        problem = Problem(what=plain_file.why(error), file=str(source))
        raise Unusable(f"{source} cannot be read.", problems=(problem,)) from error
    problems = []
    for index, slo in enumerate(config.checks.slos):
        metric, path = metric_of(slo, 1.0), f"checks.slos[{index}]"
        if metric.name not in counts.bounds:
            there = ", ".join(counts.bounds)
            problems.append(Problem(path=path, what=f"{metric.name} was not exported; the file has {there}"))
        elif counts.bounds[metric.name] != metric.bounds:
            was = ", ".join(counts.bounds[metric.name]) or "one bound"
            problems.append(Problem(path=path, what=f"{metric.name} was exported with {was}, and has other bounds now"))
        elif not any(one.total for one in counts.whole(metric.name).values()):
            problems.append(Problem(path=path, what=f"the file holds no event of {metric.name}"))
    if problems:
        raise Unusable(f"{source} does not fit the configuration.", problems=tuple(problems), remedy="Export it again.")
    names = {slo.name for slo in config.checks.slos}
    counts.bounds = {name: bounds for name, bounds in counts.bounds.items() if name in names}
    return PodHistory(counts=counts)


def exported(counts: PodCounts, out: Path) -> None:
    """As JSON lines. Raises Unusable where it cannot be written."""
    try:
        with out.open("w", encoding="utf-8") as lines:
            lines.writelines(f"{line}\n" for line in pod_file.written(counts))
    except OSError as error:
        problem = Problem(what=f"cannot be written: {error.strerror or error}", file=str(out))
        raise Unusable(f"{out} cannot be written.", problems=(problem,), remedy="Name another file.") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """All runs, and what they were made of."""

    trial: Trial
    runs: tuple[Run, ...]
    faults: tuple[Regression, ...]
    every: timedelta
    skipped: tuple[Skipped, ...]
    notes: tuple[str, ...]
    dispersions: dict[str, Dispersion]

    @property
    def pods(self) -> int:
        """In the middle of the past: how many served side by side."""
        counts = self.trial.counts
        lives = counts.lives().values()
        step = max((counts.end - counts.first) // 50, 1)
        return round(
            median(sum(first <= at < end for first, end in lives) for at in range(counts.first, counts.end, step))
        )


def tried(options: PastOptions, config: Config, held: PodHistory, talk: TextIO) -> Tried:
    """Every start on the grid, every truth, every judge. Raises Unusable where no start can be made a run."""
    counts = held.counts
    wanted = policy(options, config, counts.length)
    trial = Trial.of(counts, wanted, lambda words: _dice(options.seed, words))
    faults = faults_of(counts, options.into or _first_of(config), options.inject)
    grid = starts(counts, wanted, round(options.every.total_seconds() / counts.length), options.starts)
    runs: list[Run] = []
    skipped: list[Skipped] = []
    try:
        for number, start in enumerate(grid, start=1):
            found = trial.runs(start, faults)
            if isinstance(found, Skipped):
                skipped.append(found)
            else:
                runs += found
            told(talk, f"start {number} of {len(grid)}")
    finally:
        told(talk, "")
    if not runs:
        raise _nothing_tried(counts, wanted, skipped)
    return Tried(
        trial=trial,
        runs=tuple(runs),
        faults=faults,
        every=options.every,
        skipped=tuple(skipped),
        notes=tuple(held.notes),
        dispersions=dispersions(counts, wanted, counts.first, counts.end),
    )


def _first_of(config: Config) -> str:
    """The first SLO of errors; without one, the first."""
    slos = config.checks.slos
    return next((slo.name for slo in slos if slo.histogram is None), slos[0].name)


def _nothing_tried(counts: PodCounts, wanted: TriedPolicy, skipped: Sequence[Skipped]) -> Unusable:
    lasts = shown(timedelta(seconds=wanted.windows * counts.length))
    held = shown(timedelta(seconds=(counts.end - counts.first) * counts.length))
    reasons = [*dict.fromkeys(one.why for one in skipped)] or [f"the past holds {held}, one rollout takes {lasts}"]
    return Unusable(
        "No rollout can be tried on this past.",
        problems=tuple(Problem(what=why) for why in reasons),
        remedy="Two pods or more must serve side by side for a rollout's length: "
        "look further back with --days, or shorten canary.deadline.",
    )


def _dice(*words: object) -> Random:
    return Random(" ".join(map(str, words)))  # noqa: S311 - a backtest has to be repeatable


def told(talk: TextIO, words: str) -> None:
    """Progress, on a terminal only; no words clear the line."""
    if talk.isatty():
        talk.write(f"\r{words}\x1b[K")
        talk.flush()

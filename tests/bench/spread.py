"""The spread of test files, through the driver's own queue on a simulated clock: makespan over the ideal.

Durations are log-normal with sigma 1, as those of test files are: many short ones and a few that are long.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from bench.measure import Budget
from davy.pipeline.config.parsing.reader import made
from davy.pipeline.config.sections.suites import SuiteConfig
from davy.pipeline.core.ports import Say
from davy.pipeline.suites import queue
from davy.pipeline.suites.attempts import RetryRules
from davy.pipeline.suites.history.record import RunRecord
from davy.pipeline.suites.plan import pieces as expansion
from davy.pipeline.suites.plan import sharding
from davy.pipeline.suites.plan.pieces import Piece, PlannedSuite
from davy.pipeline.suites.ports import SuiteOrder, SuiteRun
from davy.pipeline.suites.queue import SuiteJob
from simulated_crew import CrewClock, SimulatedCrew

SIZES = ((60, 10), (200, 10), (400, 20))
"""Files, and how many run at once."""
DRAWS = 300
NOISE = 0.3
"""Of the estimates: each is off by a factor that is log-normal with this sigma."""
MINUTE = 60.0
QUEUE, NOISY = "queue, known", "queue, 30 % noise"

Seconds = Mapping[str, float]


@dataclass
class SimulatedSuites:
    """Takes as long as its files do, and the start besides."""

    seconds: Seconds
    clock: CrewClock
    start: float = 0.0
    ran: list[str] = field(default_factory=list)

    def run(self, order: SuiteOrder, say: Say) -> SuiteRun:
        self.clock.sleep(self.start + sum(self.seconds[item] for item in order.items))
        self.ran.extend(order.items)
        return SuiteRun(exit_code=0, junit=None, log=Path("log"))

    def stop(self) -> None:
        pass


def drawn(count: int, chance: random.Random) -> Seconds:
    return {f"tests/test_{number:03}.py": MINUTE * chance.lognormvariate(0, 1) for number in range(count)}


def guessed(true: Seconds, noise: float, chance: random.Random) -> Seconds:
    return {item: seconds * chance.lognormvariate(0, noise) for item, seconds in true.items()}


def history(guess: Seconds, start: float = 0.0) -> tuple[RunRecord, ...]:
    items = {"e2e": {**guess, sharding.START: start} if start else dict(guess)}
    return (RunRecord(id="r", at=datetime(2026, 1, 1, tzinfo=UTC), service="s", revision="", items=items),)


def worked(pieces: Sequence[Piece], true: Seconds, workers: int, start: float = 0.0) -> float:
    """Seconds by the clock of the driver itself."""
    clock = CrewClock()
    began = clock.now()
    runners = [SimulatedSuites(true, clock, start) for _ in range(workers)]
    order = SuiteOrder(name="e2e", image=None, run="true")
    job = SuiteJob(order=order, pieces=tuple(pieces), rules=RetryRules(), excused=lambda _, __: False)
    for _ in queue.worked(job, runners, SimulatedCrew(clock), clock, str):
        pass
    assert sorted(item for runner in runners for item in runner.ran) == sorted(true)
    return (clock.now() - began).total_seconds()


def queued(true: Seconds, guess: Seconds, workers: int, start: float = 0.0) -> float:
    ask = PlannedSuite(suite=suite(workers), files=tuple(sorted(true)))
    known = {"": sharding.guess(history(guess, start), "e2e", "", ask.files)}
    return worked(expansion.queued(ask, known, workers), true, workers, start)


def suite(workers: int) -> SuiteConfig:
    return made(SuiteConfig, {"name": "e2e", "in": "process", "run": "x", "files": ["*"], "shards": workers})


def shards(true: Seconds, shares: Sequence[Sequence[str]]) -> float:
    return max(sum(true[item] for item in share) for share in shares)


def round_robin(true: Seconds, workers: int) -> float:
    items = sorted(true)
    return shards(true, [items[number::workers] for number in range(workers)])


Way = Callable[[Seconds, Seconds, int], float]
WAYS: dict[str, Way] = {
    "round-robin": lambda true, _, workers: round_robin(true, workers),
    "static shards, known": lambda true, _, workers: shards(true, sharding.shards(true, workers)),
    "static shards, 30 % noise": lambda true, guess, workers: shards(true, sharding.shards(guess, workers)),
    "queue, any order": lambda true, _, workers: sharding.makespan([true[item] for item in sorted(true)], workers),
    QUEUE: lambda true, _, workers: queued(true, true, workers),
    NOISY: queued,
}
LIMITS = {QUEUE: 1.05, NOISY: 1.15}


def measured(draws: int = DRAWS) -> dict[str, list[float]]:
    """By way, the mean ratio for each size."""
    found: dict[str, list[float]] = {name: [] for name in WAYS}
    for files, workers in SIZES:
        chance = random.Random(files)
        ratios: dict[str, list[float]] = {name: [] for name in WAYS}
        for _ in range(draws):
            true = drawn(files, chance)
            guess = guessed(true, NOISE, chance)
            best = sharding.ideal(true.values(), workers)
            for name, way in WAYS.items():
                ratios[name].append(way(true, guess, workers) / best)
        for name, each in ratios.items():
            found[name].append(statistics.mean(each))
    return found


def starts(start: float, draws: int = 40) -> tuple[float, float]:
    """With a start that costs: the queue over the ideal with one start each, bundled and a file at a time."""
    chance, bundled, single = random.Random(7), [], []
    for _ in range(draws):
        true = {item: seconds / 20 for item, seconds in drawn(200, chance).items()}
        best = sharding.ideal(true.values(), 10) + start
        bundled.append(queued(true, true, 10, start) / best)
        pieces = [Piece(name=item, folder=item, items=(item,)) for item in sharding.longest_first(true)]
        single.append(worked(pieces, true, 10, start) / best)
    return statistics.mean(bundled), statistics.mean(single)


def budgets(found: Mapping[str, Sequence[float]]) -> list[Budget]:
    return [
        Budget(name=f"{name}, over the ideal", ours=f"{max(found[name]):.2f}", theirs="1",
               measured=max(found[name]), limit=limit)
        for name, limit in LIMITS.items()
    ]  # fmt: skip


def main(words: Sequence[str]) -> int:
    console, began = Console(highlight=False), time.monotonic()
    found = measured(int(words[0]) if words else DRAWS)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("makespan / ideal")
    for files, workers in SIZES:
        table.add_column(f"{files} on {workers}", justify="right")
    for name, each in found.items():
        table.add_row(name, *(f"{ratio:.2f}" for ratio in each))
    console.print(table)
    bundled, single = starts(5.0)
    console.print(f"200 files of about 5 s, a start of 5 s: {bundled:.2f} in bundles, {single:.2f} a file at a time")
    kept = [budget for budget in budgets(found) if budget.kept]
    console.print(f"{len(kept)} of {len(LIMITS)} budgets kept, {time.monotonic() - began:.0f} s", style="dim")
    return 0 if len(kept) == len(LIMITS) else 1

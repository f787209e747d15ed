"""Cells: one scenario, some rules, so many rollouts; played on as many processes as there are, seeded by name."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from random import Random

from bench.judge_rules import RULES
from davy.checks.forecast.rollouts import Scenario, SimulatedOutcome, SimulatedRollout, excess, played
from davy.checks.statistics.intervals import interval
from davy.checks.traces.result import ReplayEnd


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """What is played."""

    table: str
    key: str
    """Names the cell within its table."""
    rules: tuple[str, ...]
    play: SimulatedRollout
    scenario: Scenario
    rollouts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How one rule did in one cell."""

    rolled_back: int
    promoted: int
    rollouts: int
    ends: tuple[float, ...]
    """Seconds until each rollout's end, sorted."""
    flags: tuple[float, ...]
    """Seconds until the rollback; infinite where there was none; sorted."""
    excess: float
    """In the mean."""

    @property
    def flagged(self) -> float:
        """Share rolled back."""
        return self.rolled_back / self.rollouts

    @property
    def error(self) -> float:
        """Standard error of that share."""
        return (self.flagged * (1 - self.flagged) / self.rollouts) ** 0.5

    @property
    def sure(self) -> tuple[float, float]:
        """Its exact 95 % interval."""
        return interval(self.rolled_back, self.rollouts)

    @property
    def median_flag(self) -> float:
        """Seconds over all rollouts; infinite where under half were flagged."""
        return self.flags[len(self.flags) // 2]

    @property
    def median_end(self) -> float:
        """Seconds."""
        return self.ends[len(self.ends) // 2]


Scores = dict[tuple[str, str, str], Score]
"""By table, key and rule."""


def scored(cells: Sequence[Cell], seed: int, jobs: int) -> Scores:
    """All of them; progress goes to stderr."""
    found: Scores = {}
    for number, (cell, scores) in enumerate(_all(cells, seed, jobs), start=1):
        for rule, score in scores.items():
            found[cell.table, cell.key, rule] = score
        sys.stderr.write(f"\rbench judge: {number} of {len(cells)} cells, {cell.table} {cell.key}\x1b[K")
        sys.stderr.flush()
    sys.stderr.write("\r\x1b[K")
    return found


def _all(cells: Sequence[Cell], seed: int, jobs: int) -> Iterator[tuple[Cell, dict[str, Score]]]:
    if jobs <= 1:
        yield from ((cell, played_cell(cell, seed)) for cell in cells)
        return
    with ProcessPoolExecutor(jobs) as pool:
        yield from zip(cells, pool.map(played_cell, cells, [seed] * len(cells)), strict=True)


def played_cell(cell: Cell, seed: int) -> dict[str, Score]:
    """Every rule on the same rollouts."""
    name = f"{seed} {cell.table} {cell.key}"
    judges = {rule: RULES[rule](cell.play, cell.scenario, Random(f"{name} {rule}")) for rule in cell.rules}
    outcomes: dict[str, list[tuple[SimulatedOutcome, float]]] = {rule: [] for rule in judges}
    for rollout in range(cell.rollouts):
        trace = played(cell.play, cell.scenario, Random(f"{name} {rollout}"))
        for rule, judge in judges.items():
            outcome = judge(trace)
            outcomes[rule].append((outcome, excess(trace, cell.play, cell.scenario, outcome.at)))
    return {rule: _score(found) for rule, found in outcomes.items()}


def _score(found: Iterable[tuple[SimulatedOutcome, float]]) -> Score:
    kept = list(found)
    results = [outcome.result for outcome, _ in kept]
    back = [outcome.at if outcome.result is ReplayEnd.ROLL_BACK else float("inf") for outcome, _ in kept]
    return Score(
        rolled_back=results.count(ReplayEnd.ROLL_BACK),
        promoted=results.count(ReplayEnd.PROMOTE),
        rollouts=len(kept),
        ends=tuple(sorted(outcome.at for outcome, _ in kept)),
        flags=tuple(sorted(back)),
        excess=sum(extra for _, extra in kept) / len(kept),
    )

"""Results: what many runs on the past say of each judge, as shares with exact intervals."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from davy.checks.backtest.pseudo_canary import Skipped
from davy.checks.backtest.trial import HEALTHY, JUDGES, Run, Trial, TrialOutcome, judged
from davy.checks.statistics.intervals import interval
from davy.checks.traces.result import ReplayEnd

LISTED = 20
"""Disagreements that are told in full."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestRow:
    """How one judge did under one truth."""

    judge: str
    ratio: float
    """1 where nothing was wrong."""
    runs: int
    apart: int
    """Of them, those that do not overlap: as many as are independent, at least."""
    rolled_back: int
    promoted: int
    seconds: float
    """Median until the verdict that is right, counting those without it as endless."""
    extra: float
    """Injected bad events that had been served by the verdict, in the mean."""

    @property
    def undecided(self) -> int:
        """Neither."""
        return self.runs - self.rolled_back - self.promoted

    @property
    def interval(self) -> tuple[float, float]:
        """Exact 95 % interval (Clopper and Pearson) of the share rolled back, as if only `apart` runs had been.

        Overlapping runs see the same events. Rounded up: no rollback that was seen is lost.
        """
        return interval(math.ceil(self.rolled_back * self.apart / self.runs), self.apart) if self.runs else (0.0, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Disagreement:
    """A run with nothing wrong that the judges did not see alike."""

    start: int
    verdicts: dict[str, ReplayEnd]
    sentences: dict[str, str]
    """Of those that did not promote."""


def apart(starts: Iterable[int], length: int) -> int:
    """How many of the starts are at least one rollout's length from each other."""
    count, free = 0, -math.inf
    for start in sorted(starts):
        if start >= free:
            count, free = count + 1, start + length
    return count


def rows(runs: Sequence[Run], length: int) -> tuple[BacktestRow, ...]:
    """By truth, by judge. `length`: windows of one rollout."""
    made = []
    for ratio in dict.fromkeys(run.ratio for run in runs):
        same = [run for run in runs if run.ratio == ratio]
        free = apart((run.start for run in same), length)
        for judge in JUDGES:
            outcomes = [one for run in same for one in run.outcomes if one.judge == judge]
            made.append(_row(judge, ratio, outcomes, free))
    return tuple(made)


def _row(judge: str, ratio: float, outcomes: Sequence[TrialOutcome], free: int) -> BacktestRow:
    right = ReplayEnd.PROMOTE if ratio == HEALTHY else ReplayEnd.ROLL_BACK
    verdicts = [one.verdict for one in outcomes]
    return BacktestRow(
        judge=judge,
        ratio=ratio,
        runs=len(outcomes),
        apart=free,
        rolled_back=verdicts.count(ReplayEnd.ROLL_BACK),
        promoted=verdicts.count(ReplayEnd.PROMOTE),
        seconds=median(one.at if one.verdict is right else math.inf for one in outcomes),
        extra=sum(one.extra for one in outcomes) / len(outcomes),
    )


def disagreed(runs: Iterable[Run]) -> tuple[Run, ...]:
    """Runs with nothing wrong in which not all judges came to the same verdict."""
    return tuple(
        run for run in runs if run.ratio == HEALTHY and len({one.verdict for one in run.outcomes}) > 1
    )  # fmt: skip


def explained(trial: Trial, run: Run) -> Disagreement:
    """With the sentences of those that did not promote: their replay in full, which is the same run again."""
    played = trial.played(run.start)
    others = [one.judge for one in run.outcomes if one.verdict is not ReplayEnd.PROMOTE]
    return Disagreement(
        start=run.start,
        verdicts={one.judge: one.verdict for one in run.outcomes},
        sentences={}
        if isinstance(played, Skipped)
        else {judge: judged(judge, played.trace, whole=True).sentence for judge in others},
    )

"""Judges: what the simulated judge says, by mood. Its memory is the number of windows, so that forgetting shows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING

from davy.pipeline.core.verdict import Counts, Decision, Evidence, Gap, Pair, Verdict, Window
from davy.pipeline.core.workload import Sides

if TYPE_CHECKING:
    from simulation.machine import Machine

Mood = Callable[[Sides, int, Random], Decision]

GOOD, BAD, MORE, NONE = Decision.PROMOTE, Decision.ROLL_BACK, Decision.GO_ON, Decision.UNKNOWN


def _healthy(sides: Sides, windows: int, chance: Random) -> Decision:
    return GOOD if windows % 2 == 0 else MORE


def _bad(sides: Sides, windows: int, chance: Random) -> Decision:
    return BAD if windows >= 3 else MORE


def _bad_when_large(sides: Sides, windows: int, chance: Random) -> Decision:
    return BAD if len(sides.canary) >= 3 else GOOD


def _unknown(sides: Sides, windows: int, chance: Random) -> Decision:
    return NONE


def _falls_silent(sides: Sides, windows: int, chance: Random) -> Decision:
    return MORE if windows < 3 else NONE


def _flapping(sides: Sides, windows: int, chance: Random) -> Decision:
    return chance.choices((GOOD, MORE, NONE, BAD), (6, 6, 6, 1))[0]


def _slow(sides: Sides, windows: int, chance: Random) -> Decision:
    return GOOD if windows >= 4 and windows % 2 == 0 else MORE


MOODS: dict[str, Mood] = {
    "healthy": _healthy,
    "bad": _bad,
    "bad when large": _bad_when_large,
    "unknown": _unknown,
    "falls silent": _falls_silent,
    "flapping": _flapping,
    "slow": _slow,
}
WEIGHTS = (9, 4, 2, 1, 1, 2, 2)


class SimulatedJudge:
    """A judge of this mood, as one runner has it."""

    def __init__(self, machine: Machine, mood: str, chance: Random, interval: float, takes: float = 0.0) -> None:
        """`takes`: seconds that a look may last, at most."""
        self._machine, self._mood, self._chance = machine, MOODS[mood], chance
        self._interval, self._takes = timedelta(seconds=interval), takes
        self._gap = chance.choice(tuple(Gap))
        self.windows = 0

    @property
    def interval(self) -> timedelta:
        return self._interval

    def look(self, sides: Sides, now: datetime, worse: float) -> Verdict:
        if self._takes:
            self._machine.doze(self._chance.uniform(0.0, self._takes))
        decision = self._mood(sides, self.windows + 1, self._chance)
        self._machine.world.law.judged(self._machine, decision)
        if decision is NONE:
            return Verdict(at=now, decision=decision, sentence="Nothing is known.", gaps={"availability": self._gap})
        self.windows += 1
        counts = Counts(bad=40 if decision is BAD else 0, total=100)
        return Verdict(
            at=now,
            decision=decision,
            sentence=f"The judge says {decision}.",
            evidence=(Evidence(metric="availability", canary=counts, stable=Counts(bad=0, total=100)),),
            windows=(Window(start=now - self._interval, end=now, counts={"availability": Pair(canary=counts)}),),
        )

    def recall(self, windows: Iterable[Window]) -> None:
        self.windows = sum(1 for _ in windows)

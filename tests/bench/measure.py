"""Measures: processes by the operating system's own accounting, two in turn so that drift hits both."""

import math
import os
import random
import statistics
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

Pairs = list[tuple[float, float]]
MOST_TIMES = 3
"""What is over in one round of runs on a busy machine is measured so many times as long before it is said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """One finished process."""

    cpu: float
    """Seconds, user and system."""
    peak_mib: float
    code: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """A ratio, or a figure, held against its limit."""

    name: str
    ours: str
    theirs: str
    measured: float
    limit: float
    how: str = ""
    """How sure the measured figure is, where that is not the same each time."""

    @property
    def kept(self) -> bool:
        """True within the limit."""
        return self.measured <= self.limit


def ran(command: Sequence[str], env: dict[str, str] | None = None, folder: Path | None = None) -> Ran:
    """Runs it to its end, output thrown away."""
    child = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=env, cwd=folder
    )
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    return Ran(cpu=usage.ru_utime + usage.ru_stime, peak_mib=usage.ru_maxrss / 1024, code=child.returncode)


def in_turn(
    name: str,
    ours: Sequence[str],
    theirs: Sequence[str],
    *,
    limit: float,
    runs: int = 21,
    env: dict[str, str] | None = None,
) -> Budget:
    """CPU of `ours` over CPU of `theirs`, in pairs A B A B: the least of each, of more runs where it is over.

    What a busy neighbour does to a process only ever adds to its CPU time, and adds more to the one that touches more
    memory; the least of many runs is nearest to what the command itself costs.
    """
    for command in (ours, theirs):
        first = ran(command, env)
        if first.code:
            raise RuntimeError(f"{' '.join(command)} ended with {first.code}")
    pairs: Pairs = []
    mine = other = math.inf
    while len(pairs) < MOST_TIMES * runs and not mine / other <= limit:
        pairs += [(ran(ours, env).cpu, ran(theirs, env).cpu) for _ in range(runs)]
        mine, other = min(a for a, _ in pairs), min(b for _, b in pairs)
    return Budget(
        name=name, ours=f"{mine * 1000:.0f} ms", theirs=f"{other * 1000:.0f} ms", measured=mine / other, limit=limit
    )


def until_clear(pair: Callable[[int], tuple[float, float]], *, limit: float, least: int, most: int) -> Pairs:
    """Pairs of (ours, theirs), measured until the ratio of the medians is clearly within the limit, or `most`.

    Waiting times of a cluster vary threefold on a busy machine: a fixed, small number of them decides by luck.
    """
    pairs: Pairs = []
    while len(pairs) < most:
        pairs.append(pair(len(pairs)))
        if len(pairs) >= least:
            _, high = spread(pairs)
            if high <= limit:
                break
    return pairs


def ratio(pairs: Pairs) -> float:
    """Median over median."""
    return statistics.median(a for a, _ in pairs) / statistics.median(b for _, b in pairs)


def spread(pairs: Pairs, share: float = 0.9) -> tuple[float, float]:
    """Where the ratio lies by a bootstrap of the pairs (Efron's percentile interval), seeded."""
    chance = random.Random(len(pairs))
    ratios = sorted(ratio(chance.choices(pairs, k=len(pairs))) for _ in range(400))
    cut = round((1 - share) / 2 * len(ratios))
    return ratios[cut], ratios[-1 - cut]

"""Measures: processes by the operating system's own accounting, two in turn so that drift hits both."""

import os
import statistics
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass


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

    @property
    def kept(self) -> bool:
        """True within the limit."""
        return self.measured <= self.limit


def ran(command: Sequence[str], env: dict[str, str] | None = None) -> Ran:
    """Runs it to its end, output thrown away."""
    child = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=env
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
    runs: int = 15,
    env: dict[str, str] | None = None,
) -> Budget:
    """CPU of `ours` over CPU of `theirs`, in pairs A B A B; the median of the pairs' ratios."""
    for command in (ours, theirs):
        first = ran(command, env)
        if first.code:
            raise RuntimeError(f"{' '.join(command)} ended with {first.code}")
    pairs = [(ran(ours, env).cpu, ran(theirs, env).cpu) for _ in range(runs)]
    return Budget(
        name=name,
        ours=f"{statistics.median(a for a, _ in pairs) * 1000:.0f} ms",
        theirs=f"{statistics.median(b for _, b in pairs) * 1000:.0f} ms",
        measured=statistics.median(a / b for a, b in pairs),
        limit=limit,
    )

"""Faults that can be built into a version on purpose, to see a release of it fail.

errors:0.05            one request in twenty is answered with 500
late-errors:0.05:300s  the same, but only five minutes after the start
slow:0.02:800ms        one request in fifty takes 800 ms longer
crash                  the process ends at its start
never-ready            the pod never says that it is ready
leak:5MiB/s            memory grows until the kernel ends the process
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0}
SIZES = {"KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}
Roll = Callable[[], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What goes wrong, and how much of it; seconds and bytes."""

    kind: Literal["none", "errors", "slow", "crash", "never-ready", "leak"] = "none"
    rate: float = 0.0
    after: float = 0.0
    delay: float = 0.0
    bytes_per_second: int = 0

    def fails(self, age: float, roll: Roll) -> bool:
        """Whether a request that comes at this age of the process is to fail."""
        return self.kind == "errors" and age >= self.after and roll() < self.rate

    def extra_seconds(self, roll: Roll) -> float:
        """How much longer than needed a request is to take."""
        return self.delay if self.kind == "slow" and roll() < self.rate else 0.0


def parse(text: str) -> Fault:
    """The fault that a text like those above names; raises ValueError for any other."""
    match text.strip().split(":"):
        case [""]:
            return Fault()
        case ["crash"]:
            return Fault(kind="crash")
        case ["never-ready"]:
            return Fault(kind="never-ready")
        case ["errors", rate]:
            return Fault(kind="errors", rate=_share(rate))
        case ["late-errors", rate, after]:
            return Fault(kind="errors", rate=_share(rate), after=_seconds(after))
        case ["slow", rate, delay]:
            return Fault(kind="slow", rate=_share(rate), delay=_seconds(delay))
        case ["leak", speed]:
            return Fault(kind="leak", bytes_per_second=_bytes(speed.removesuffix("/s")))
    raise ValueError(f"FAULT={text!r} is not a fault; see checkout/faults.py for those there are")


def _share(text: str) -> float:
    share = float(text)
    if not 0 <= share <= 1:
        raise ValueError(f"{text}: a rate is between 0 and 1")
    return share


def _seconds(text: str) -> float:
    amount, unit = _measured(text, UNITS)
    return amount * UNITS[unit]


def _bytes(text: str) -> int:
    amount, unit = _measured(text, SIZES)
    return int(amount * SIZES[unit])


def _measured(text: str, units: dict[str, float] | dict[str, int]) -> tuple[float, str]:
    found = re.fullmatch(rf"(\d+(?:\.\d+)?)({'|'.join(units)})", text)
    if found is None:
        raise ValueError(f"{text}: needs a number and one of {', '.join(units)}")
    return float(found[1]), found[2]

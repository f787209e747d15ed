"""Result: what a judge made of a whole trace, look by look."""

from dataclasses import dataclass
from enum import StrEnum

from davy.pipeline.core.verdict import Evidence


class ReplayEnd(StrEnum):
    """How a replay ends."""

    ROLL_BACK = "roll_back"
    PROMOTE = "promote"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Where everything stood after one window."""

    t: float
    """Seconds since the trace began."""
    log_e_roll_back: float | None = None
    """None for a judge that has no such evidence."""
    log_e_burn: float | None = None
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceResult:
    """The verdict, when it was reached, and the way there."""

    judge: str
    """`sequential`, `threshold` or `mannwhitney`."""
    verdict: ReplayEnd
    at: float | None
    """Seconds of the window that brought it; None where none did."""
    looks: tuple[Look, ...]
    """One for each window that was read, or of a long trace for some of them; the last holds the figures."""
    sentence: str
    blame: str = ""
    roll_back_at: float | None = None
    """Natural log of 1/alpha, for a judge that has it."""
    promote_at: float | None = None
    read: int | None = None
    """Windows that were read, where not each has a look here."""

    @property
    def windows(self) -> int:
        """How many were read."""
        return len(self.looks) if self.read is None else self.read

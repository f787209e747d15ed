"""Dispersion: by how much bad events of stable pods come in clusters, from those pods' own history. Pure.

Errors come in clusters: one bad pod, one client that tries again. Every rule that counts then sees more than there is.
Each likelihood ratio is tempered by what is estimated here.
"""

from collections.abc import Mapping, Sequence

from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.verdict import Counts

PODS_NEEDED = 3
EVENTS_NEEDED = 100
ASSUMED = 2.0
"""At least this where the history is too thin to tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispersion:
    """How many times more the counts of pods scatter than single events would."""

    value: float
    """1 where bad events come one by one."""
    pods: int
    """The most that served side by side in one block."""
    events: int
    """Bad events in blocks that two or more pods served."""
    said: str
    """For people: the value and what it rests on."""

    @property
    def is_measured(self) -> bool:
        """False where the history was too thin and at least 2 is assumed."""
        return _suffices(self.pods, self.events)


def estimated(blocks: Sequence[Mapping[str, Counts]]) -> Dispersion:
    """From blocks of one minute, each the counts of stable pods by name.

    The scatter of pods around their block's common rate, summed, over what single events would make of it, summed:
    sum (x-e)^2 / sum e*(1-n/N) with e = m*n/N. A shock that hits all pods cancels. The mean of each block's own
    quotient would be far too low where events are rare.
    """
    shared = [block for block in blocks if sum(one.total > 0 for one in block.values()) > 1]
    scatter = alone = 0.0
    for block in shared:
        more, expected = _scatter(block)
        scatter += more
        alone += expected
    pods = max((sum(one.total > 0 for one in block.values()) for block in shared), default=0)
    events = sum(one.bad for block in shared for one in block.values())
    value = max(1.0, scatter / alone) if alone else 1.0
    if not _suffices(pods, events):
        value = max(value, ASSUMED)
    return Dispersion(value=value, pods=pods, events=events, said=_said(value, pods, events))


def _suffices(pods: int, events: int) -> bool:
    return pods >= PODS_NEEDED and events >= EVENTS_NEEDED


def _scatter(block: Mapping[str, Counts]) -> tuple[float, float]:
    """Squared distances from the common rate, and what they would be if bad events came one by one."""
    served = [one for one in block.values() if one.total > 0]
    bad, total = sum(one.bad for one in served), sum(one.total for one in served)
    expected = [(one, bad * one.total / total) for one in served]
    scatter = sum((one.bad - mean) ** 2 for one, mean in expected)
    return scatter, sum(mean * ((total - one.total) / total) for one, mean in expected)


def _said(value: float, pods: int, events: int) -> str:
    shown = f"{value:,.0f}" if value >= 9.95 else f"{value:.1f}"
    seen = f"{events:,} bad event{'s'[: events != 1]} of {pods} stable pods side by side"
    if _suffices(pods, events):
        return f"dispersion {shown}, measured on {seen}"
    if not pods:
        return f"dispersion {shown} assumed: no history of two or more stable pods side by side"
    needed = f"{EVENTS_NEEDED} of {PODS_NEEDED} are needed to measure it"
    return f"dispersion {shown} assumed: the history holds only {seen}; {needed}"

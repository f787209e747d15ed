"""Routing bias: whether some pods get other requests than others, seen in their own rates of bad events. Pure.

A canary is compared with other pods; where pods differ without a new version, so will a canary.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from davy.pipeline.core.verdict import Counts

EXPECTED = 5.0
"""Bad events that a pod should have by the common rate; with fewer its rate says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bias:
    """How far the pods' rates of bad events lie from those of all others, as natural logs of ratios."""

    pods: int
    """With enough events to tell."""
    mean: float
    spread: float
    """Standard deviation over the pods."""
    by_chance: float
    """What the spread would be if all pods were alike, about."""
    farthest: str
    ratio: float
    """The farthest pod's rate over that of all others."""

    @property
    def is_seen(self) -> bool:
        """True where the pods differ by clearly more than chance makes them."""
        return self.spread > 2 * self.by_chance


def bias(pods: Mapping[str, Counts], dispersion: float) -> Bias | None:
    """From each pod's counts over the whole past; None with fewer than two pods that have enough events."""
    bad, total = sum(one.bad for one in pods.values()), sum(one.total for one in pods.values())
    logs: dict[str, float] = {}
    chance = 0.0
    for name, one in sorted(pods.items()):
        others, rest = bad - one.bad, total - one.total
        if total and rest and bad * one.total / total >= EXPECTED and others:
            # Half an event more on both sides: a pod without any has a rate too.
            logs[name] = math.log((one.bad + 0.5) / one.total) - math.log((others + 0.5) / rest)
            chance += dispersion * (total / (bad * one.total) + total / (bad * rest))
    if len(logs) < 2:
        return None
    mean = math.fsum(logs.values()) / len(logs)
    spread = math.sqrt(math.fsum((log - mean) ** 2 for log in logs.values()) / (len(logs) - 1))
    farthest = max(logs, key=lambda name: abs(logs[name]))
    return Bias(
        pods=len(logs),
        mean=mean,
        spread=spread,
        by_chance=math.sqrt(chance / len(logs)),
        farthest=farthest,
        ratio=math.exp(logs[farthest]),
    )

"""Ladder: the steps of a rollout as they are planned, and what may be expected of them. Pure."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from davy.checks.judges.sequential.case import Metric, Rules


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedMetric:
    """One metric as it is planned for."""

    name: str
    base: float
    """Stable's share of bad events, 0 to 1."""
    objective: float | None = None
    """Share of good events promised, 0 to 1."""
    part: float = 1.0
    """Its part of the evidence against the canary, 0 to 1; what is not its own counts as 0."""
    dispersion: float = 1.0

    @classmethod
    def of(cls, metric: Metric, base: float, part: float) -> "PlannedMetric":
        """As the judge has the metric."""
        return cls(
            name=metric.name, base=base, objective=metric.objective, part=part, dispersion=max(metric.dispersion, 1.0)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """One step of the ladder."""

    share: float
    """Of all requests, 0 to 1."""
    at_least: timedelta = timedelta(0)
    at_most: timedelta | None = None
    worse: float = 2.0
    """Left when the canary is shown to be less than this many times worse."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """A whole rollout at one traffic."""

    rungs: tuple[Rung, ...]
    signals: tuple[PlannedMetric, ...]
    rules: Rules
    rps: float
    """Requests a second, over all pods."""
    deadline: timedelta


class Fate(StrEnum):
    """How a course ends."""

    FOUND = "found"
    PROMOTED = "promoted"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedCourse:
    """What may be expected of a rollout whose canary has one metric so many times worse."""

    fate: Fate
    at: timedelta
    left: tuple[timedelta, ...]
    """When each step was left that was."""
    excess: float
    """Extra bad events served by then."""

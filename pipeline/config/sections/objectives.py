"""Objectives: `checks.slos`, and the gate before a release."""

from datetime import timedelta
from typing import Literal

from davy.pipeline.config.parsing.fields import Duration, Name, Share
from davy.pipeline.config.parsing.section import Section, part, setting

LOW = "low-objective"
"""The word of acceptance for an objective below 50 %."""


@part
class SloConfig(Section):
    """A service level objective by raw counters: `errors` or `good` with `total`, or `histogram` with `under`."""

    name: Name
    objective: float = setting(gt=0, lt=100, description="Percent of good events.")
    errors: str | None = setting(default=None, description="Vector selector of the bad events' counter.")
    good: str | None = setting(
        default=None, description="In place of `errors`: vector selector of the good events' counter."
    )
    total: str | None = setting(default=None, description="Vector selector of all events' counter.")
    histogram: str | None = setting(default=None, description="Vector selector of the histogram's `_bucket` series.")
    under: Duration | None = setting(
        default=None, description="Good events take at most this long; must be a bucket bound."
    )
    bounds: tuple[Duration, ...] = setting(
        default=(),
        max_length=8,
        description="Bucket bounds that evidence is taken at, `under` among them; by default `under` alone.",
    )
    weight: float = setting(default=1.0, gt=0, description="Weight among the metrics, for the roll-back evidence.")
    window: Duration = setting(
        default=timedelta(days=30),
        description="Over which its error budget counts; the canary is judged on its own traffic.",
    )
    evidence: Literal["conditional", "two_sample"] = setting(
        default="conditional",
        description="How the sides are compared. `two_sample` finds smaller differences where more than a few percent "
        "of all events are bad.",
    )
    accept: tuple[Literal["low-objective"], ...] = setting(
        default=(),
        description="`low-objective`: an objective below 50 % is meant. Else it is refused: most often 0.999 was "
        "written for 99.9.",
    )


@part
class FiledSlo(SloConfig):
    """An objective that stands in an SLO file, and where."""

    file: str
    line: int


@part
class GateConfig(Section):
    """What the error budgets must be like for a release to begin."""

    budget_left: Share = setting(
        default=0.0, description="Every objective must have at least this much of its budget left."
    )
    burning: Literal["refuse", "allow"] = setting(
        default="refuse", description="While a budget burns at a rate that would page: no release, or a warning."
    )

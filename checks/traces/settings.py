"""Settings: what a trace's header may say under `threshold` and `mannwhitney`. Pure."""

import difflib
from collections.abc import Iterable, Mapping
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from davy.checks.judges.kayenta.rules import Direction, Limits, Measure, NanStrategy, Yardstick
from davy.checks.traces.trace import Trace
from davy.pipeline.config import messages
from davy.pipeline.core.errors import Problem, Unusable

REMEDY = "docs/migrating.md says what stands there."


class Settings(BaseModel):
    """What all have in common: unknown keys are refused, nothing is turned into another kind."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class MetricThreshold(Settings):
    """One metric's limits, in place of those for all."""

    success: str | None = None
    failure: str | None = None
    min: float | None = None
    max: float | None = None


class ThresholdSettings(MetricThreshold):
    """How counts are held against limits. What is asked is the canary's share of good events in each interval, 0 to 1.

    By default `success` is at least the metric's objective, and `min` the objective.
    """

    style: Literal["argo", "flagger"] = "argo"
    interval: float = Field(60.0, gt=0)
    """Seconds."""
    failure_limit: int = Field(3, ge=-1)
    inconclusive_limit: int = Field(0, ge=0)
    error_limit: int = Field(4, ge=0)
    successes: int | None = Field(None, ge=1)
    count: int | None = Field(None, ge=1)
    """Without it and `successes`, what has not failed by the trace's end is good: Argo's endless analysis."""
    threshold: int = Field(5, ge=1)
    """Of `flagger`: failed ticks."""
    iterations: int | None = Field(None, ge=1)
    """Of `flagger`: good ticks that are enough; without it, the trace's end."""
    at_once: bool = False
    """Of `flagger`: roll back at the tick that used up the threshold; Flagger does it one interval later."""
    metrics: dict[str, MetricThreshold] = Field(default_factory=dict)

    def of(self, name: str, objective: float | None) -> MetricThreshold:
        """The metric's limits, with the objective where none were said."""
        own = self.metrics.get(name, MetricThreshold())
        said = MetricThreshold(
            success=own.success or (None if own.failure else self.success),
            failure=own.failure or (None if own.success else self.failure),
            min=own.min if own.min is not None or own.max is not None else self.min,
            max=own.max if own.min is not None or own.max is not None else self.max,
        )
        if objective is None:
            return said
        conditions = said.success or said.failure
        limits = said.min is not None or said.max is not None
        return said.model_copy(
            update={
                "success": said.success if conditions else f">= {objective!r}",
                "min": said.min if limits else objective,
            }
        )


class MetricRule(Settings):
    """How one metric is judged by Kayenta's rule."""

    groups: tuple[str, ...] | None = Field(None, strict=False)
    direction: Literal["increase", "decrease", "either"] = "increase"
    nan: Literal["remove", "replace"] = "remove"
    critical: bool = False
    muted: bool = False
    must_have_data: bool = False
    measure: Literal["meanRatio", "cles"] = "meanRatio"
    allowed_increase: float | None = None
    allowed_decrease: float | None = None
    critical_increase: float | None = None
    critical_decrease: float | None = None
    outlier_factor: float | None = Field(None, gt=0)

    def yardstick(self, name: str) -> Yardstick:
        """As the rule takes it; a metric without groups is one of its own."""
        measure = Measure(self.measure)
        return Yardstick(
            name=name,
            groups=(name,) if self.groups is None else self.groups,
            direction=Direction(self.direction),
            nan=NanStrategy(self.nan),
            critical=self.critical,
            muted=self.muted,
            must_have_data=self.must_have_data,
            measure=measure,
            allowed=_limits(self.allowed_decrease, self.allowed_increase, measure),
            severe=_limits(self.critical_decrease, self.critical_increase, measure),
            outlier_factor=self.outlier_factor,
        )


class MannWhitneySettings(Settings):
    """How counts are judged by Kayenta's rule. A point is one side's share of bad events in one window."""

    interval: float | None = Field(None, gt=0)
    """Seconds between judgements; None is one, at the trace's last window."""
    lookback: float = Field(0.0, ge=0)
    """Seconds; 0 is all from the beginning."""
    pass_: float = Field(95.0, alias="pass", ge=0, le=100)
    marginal: float = Field(75.0, ge=0, le=100)
    weights: dict[str, float] = Field(default_factory=dict)
    """Percent by group; by default each metric's own weight."""
    metrics: dict[str, MetricRule] = Field(default_factory=dict)


S = TypeVar("S", bound=Settings)


def threshold_settings(trace: Trace) -> ThresholdSettings:
    """Raises Unusable with every problem."""
    return _read(ThresholdSettings, "threshold", trace)


def mannwhitney_settings(trace: Trace) -> MannWhitneySettings:
    """Raises Unusable with every problem."""
    found = _read(MannWhitneySettings, "mannwhitney", trace)
    if found.marginal > found.pass_:
        what = f"`marginal` ({found.marginal:g}) is above `pass` ({found.pass_:g})"
        raise unusable("mannwhitney", [Problem(path="mannwhitney.marginal", what=what)])
    return found


def _limits(decrease: float | None, increase: float | None, measure: Measure) -> Limits | None:
    if decrease is None and increase is None:
        return None
    return Limits(
        decrease=measure.neutral if decrease is None else decrease,
        increase=measure.neutral if increase is None else increase,
    )


def _read(model: type[S], key: str, trace: Trace) -> S:
    said: object = trace.settings.get(key, {})
    problems: list[Problem] = []
    if isinstance(said, Mapping):
        problems += _strangers(said.get("metrics"), key, [metric.name for metric in trace.metrics])
    try:
        found = model.model_validate(said)
    except ValidationError as error:
        problems += [_problem(item, key, model) for item in error.errors(include_url=False)]
        raise unusable(key, problems) from None
    if problems:
        raise unusable(key, problems)
    return found


def unusable(key: str, problems: Iterable[Problem]) -> Unusable:
    """The error for settings that cannot be used."""
    return Unusable(f"The trace's `{key}` cannot be used.", problems=tuple(problems), remedy=REMEDY)


def _strangers(metrics: object, key: str, known: list[str]) -> Iterable[Problem]:
    names = metrics if isinstance(metrics, Mapping) else {}
    for name in names:
        if name not in known:
            what = f"there is no metric {name!r} in this trace; there are: {', '.join(known) or 'none'}"
            yield Problem(path=f"{key}.metrics.{name}", what=what)


def _problem(item: Any, key: str, model: type[BaseModel]) -> Problem:
    place = tuple(item["loc"])
    path = ".".join([key, *(str(step) for step in place)])
    if item["type"] != "extra_forbidden":
        return Problem(path=path, what=messages.sentence(item, place))
    known = MetricThreshold if model is ThresholdSettings else MetricRule
    names = list((model if len(place) == 1 else known).model_fields)
    close = difflib.get_close_matches(str(place[-1]), names, n=1, cutoff=0.6)
    return Problem(path=path, what="unknown key" + (f"; did you mean `{close[0]}`?" if close else ""))

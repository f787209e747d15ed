"""Thresholds: thresholds, Flagger's, Kayenta's."""

import math
from collections.abc import Iterator
from datetime import timedelta
from typing import Literal

from davy.pipeline.config.parsing import condition_parser
from davy.pipeline.config.parsing.fields import Duration, Name
from davy.pipeline.config.parsing.section import Section, part, setting
from davy.pipeline.config.parsing.yaml_tree import Place
from davy.pipeline.core.text import time_text
from davy.pipeline.core.text.shares import percent_of

LintRule = Literal[
    "absent", "bound", "cardinality", "irate", "never-fails", "or-vector", "quantile", "rate-after-sum", "recorded",
    "short-window", "sides", "subquery", "unparsed",
]  # fmt: skip
"""What the query linter may find; docs/prometheus.md says why each matters."""


@part
class ThresholdConfig(Section):
    """Any PromQL, held against conditions; `{canary}` and `{stable}` become regexes of pod names."""

    name: Name
    query: str = setting(min_length=1)
    style: Literal["davy", "argo", "flagger"] = setting(
        default="davy",
        description="Whose semantics: `davy` (no number is unknown), `argo` (an AnalysisTemplate's metric, to the "
        "letter), `flagger` (a Canary's metric; its counting is `checks.flagger`).",
    )
    success: str | None = setting(default=None, description="Condition on the value, such as `>= 0.95`.")
    failure: str | None = setting(default=None, description="Condition on the value, such as `> 0.2`.")
    min: float | None = setting(default=None, description="Of `style: flagger`: a lower value fails the check.")
    max: float | None = setting(default=None, description="Of `style: flagger`: a higher value fails the check.")
    interval: Duration = timedelta(seconds=30)
    initial_delay: Duration = setting(
        default=timedelta(0), description="Between the first canary pod's warm-up and measuring."
    )
    count: int | None = setting(
        default=None,
        ge=1,
        description="Good enough after this many measurements within the limits; errors do not count.",
    )
    successes: int | None = setting(
        default=None,
        ge=1,
        description="Good enough after this many successes in a row; 3 where `count` is not said either.",
    )
    failure_limit: int = setting(
        default=0, ge=-1, description="Failed when more measurements than this failed; -1 is no limit."
    )
    inconclusive_limit: int | None = setting(
        default=None,
        ge=0,
        description="Left to a person when more measurements than this held neither condition; 0 with `style: argo`, "
        "else no limit.",
    )
    error_limit: int = setting(default=4, ge=0, description="Unknown errors in a row that end the wait for this check.")
    accept: tuple[LintRule, ...] = setting(default=(), description="Rules of the query linter that it may break.")


@part
class FlaggerConfig(Section):
    """How checks of `style: flagger` are counted, all together."""

    interval: Duration = setting(
        default=timedelta(seconds=60), ge=timedelta(seconds=10), description="Between two ticks; each asks every check."
    )
    threshold: int = setting(
        default=1, ge=1, description="Rolled back at this many failed ticks; they are never forgiven."
    )
    iterations: int = setting(
        default=1, ge=1, description="A step is left after this many good ticks, in a row or not."
    )


@part
class KayentaConfig(Section):
    """The Mann-Whitney judge, by a canary config of Kayenta's."""

    config: str = setting(min_length=1, description="Kayenta's canary config, a JSON file; relative to this file.")
    canary: str = setting(default="{canary}", description="What `${scope}` is on the canary's side.")
    baseline: str = setting(default="{stable}", description="What `${scope}` is on the baseline's side.")
    location: str = setting(default="", description="What `${location}` is.")
    variables: dict[str, str] = setting(default_factory=dict, description="Kayenta's extended scope parameters.")
    pass_: float | None = setting(
        default=None,
        alias="pass",
        ge=0,
        le=100,
        description="A score that passes; by default the config's own, else 95.",
    )
    marginal: float | None = setting(
        default=None, ge=0, le=100, description="A lower score fails; by default the config's own, else 75."
    )
    lifetime: Duration = setting(default=timedelta(hours=3), description="How long each step is analysed.")
    interval: Duration = setting(default=timedelta(hours=1), description="Between two judgements of a step.")
    step: Duration = setting(default=timedelta(seconds=60), description="Between two points of a series.")
    lookback: Duration = setting(
        default=timedelta(0), description="Points this far back are judged; 0 is all of the step's."
    )


Finding = tuple[Place, str]
FLAGGERS_OWN = ("min", "max")
NOT_FLAGGERS = (
    "success", "failure", "interval", "initial_delay", "count", "successes", "failure_limit", "inconclusive_limit",
    "error_limit",
)  # fmt: skip


def kayenta(judge: object, said: KayentaConfig | None) -> Iterator[Finding]:
    """What is wrong with the Mann-Whitney judge's part."""
    place: Place = ("checks", "kayenta")
    if judge == "mannwhitney" and said is None:
        yield place, "`judge: mannwhitney` needs a canary config of Kayenta's: `kayenta: {config: canary.json}`"
    if said is None:
        return
    if judge != "mannwhitney":
        yield place, "says how the Mann-Whitney judge judges; set `judge: mannwhitney`, or take it away"
    for key in ("lifetime", "interval", "step"):
        if not getattr(said, key):
            yield (*place, key), "must be above 0s"
    if said.interval > said.lifetime:
        shown = time_text.shown(said.interval), time_text.shown(said.lifetime)
        yield (*place, "interval"), f"{shown[0]} is longer than `lifetime`, {shown[1]}: there would be no judgement"
    if said.step > said.interval:
        shown = time_text.shown(said.step), time_text.shown(said.interval)
        yield (*place, "step"), f"{shown[0]} is longer than `interval`, {shown[1]}"
    if said.lookback and said.lookback < said.step:
        yield (*place, "lookback"), "is shorter than `step`: no point would be judged"
    if None not in (said.pass_, said.marginal) and (said.marginal or 0) > (said.pass_ or 0):
        yield (*place, "marginal"), f"must be at most `pass` ({said.pass_:g})"


def threshold(place: Place, check: ThresholdConfig) -> Iterator[Finding]:
    """What is wrong with a threshold, by its style."""
    if check.style == "flagger":
        yield from _range(place, check)
        return
    for key in FLAGGERS_OWN:
        if key in check.said:
            yield (*place, key), f"is Flagger's; set `style: flagger`, or write a condition such as `>= {key}`"
    if check.success is None and check.failure is None:
        yield place, "needs `success` or `failure`, or both"
    for key, text in (("success", check.success), ("failure", check.failure)):
        if text is not None:
            yield from _condition((*place, key), text, check.style)
    if not check.interval:
        yield (*place, "interval"), "must be above 0s"
    if check.style == "argo" and check.count is None and check.successes is None:
        yield (
            place,
            "needs `count` or `successes`: without either Argo Rollouts measures until it is stopped and calls that "
            "good; davy asks for something to go on",
        )


LEAST_OBJECTIVE = 50.0
"""Percent. Below it more events may be bad than good: nobody's promise, and what a share means for a percentage."""


def low_objective(percent: float) -> str:
    """What an objective of 0.999 would let pass, and what was likely meant."""
    bad = 100 - percent
    meant = f"; did you mean {percent_of(percent):.15g}?" if LEAST_OBJECTIVE <= percent_of(percent) < 100 else "."
    return f"{percent:.15g} % would let {math.floor(bad)} of 100 requests fail{meant}"


def can_never_fail(check: ThresholdConfig) -> bool:
    """True where no number of failures is too many: there is no limit, or the count is full before it is exceeded."""
    return check.failure_limit < 0 or (check.count is not None and check.failure_limit >= check.count)


def _condition(place: Place, text: str, style: str) -> Iterator[Finding]:
    try:
        found = condition_parser.condition(text)
    except ValueError as error:
        yield place, str(error)
        return
    if not found.short and style != "argo":
        yield place, f"{text!r} asks about the whole result; write it like `>= 0.95`, or set `style: argo`"


def _range(place: Place, check: ThresholdConfig) -> Iterator[Finding]:
    for key in NOT_FLAGGERS:
        if key in check.said:
            yield (*place, key), "means nothing with `style: flagger`; its checks are counted by `checks.flagger`"
    if check.min is None and check.max is None:
        yield place, "needs `min` or `max`, or both"
    elif check.min is not None and check.max is not None and check.min > check.max:
        yield (*place, "min"), f"must be at most `max` ({check.max:g})"

"""Other rules: what no single key can break alone, of thresholds and of the Mann-Whitney judge."""

import math
from collections.abc import Iterator

from davy.pipeline.config.parsing import condition_parser as conditiontext
from davy.pipeline.core.text import time_text as durations
from davy.pipeline.config.sections.checks import KayentaConfig, ThresholdConfig
from davy.pipeline.core.text.shares import percent_of
from davy.pipeline.config.parsing.yaml_tree import Place

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
        shown = durations.shown(said.interval), durations.shown(said.lifetime)
        yield (*place, "interval"), f"{shown[0]} is longer than `lifetime`, {shown[1]}: there would be no judgement"
    if said.step > said.interval:
        shown = durations.shown(said.step), durations.shown(said.interval)
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
        found = conditiontext.condition(text)
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

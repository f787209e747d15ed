"""The threshold judge as pure values: measurements against conditions, with Argo Rollouts' counting."""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from davy.checks.promql import any_of
from davy.pipeline.checksconfig import ThresholdConfig
from davy.pipeline.model import Counts, Gap, Pair

CONDITION = re.compile(r"\s*(>=|<=|==|!=|>|<)\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(%?)\s*")
NOBODY = "[.]nobody"
"""A regex that no pod's name matches."""


class Result(StrEnum):
    """What one measurement came to."""

    SUCCESS = "success"
    FAILURE = "failure"
    INCONCLUSIVE = "inconclusive"
    """Neither condition holds."""
    ERROR = "error"
    """There was no number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """`>= 0.95`. A value that is not a number holds none."""

    operator: str
    limit: float

    def holds(self, value: float) -> bool:
        """True where the value is on this side of the limit."""
        if math.isnan(value):
            return False
        return {
            ">=": value >= self.limit,
            "<=": value <= self.limit,
            ">": value > self.limit,
            "<": value < self.limit,
            "==": value == self.limit,
            "!=": value != self.limit,
        }[self.operator]

    def __str__(self) -> str:
        return f"{self.operator} {self.limit:g}"


def condition(text: str) -> Condition:
    """The condition a text means. Raises ValueError."""
    found = CONDITION.fullmatch(text)
    if not found:
        raise ValueError(f"{text!r} is no condition; write it like >= 0.95 or < 5%")
    return Condition(operator=found.group(1), limit=float(found.group(2)) / (100 if found.group(3) else 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One threshold with its conditions read."""

    config: ThresholdConfig
    success: Condition | None
    failure: Condition | None

    @classmethod
    def of(cls, config: ThresholdConfig) -> "Check":
        """Raises ValueError for a text that is no condition, and where there is neither."""
        if config.success is None and config.failure is None:
            raise ValueError("a threshold needs a success or a failure condition")
        success = condition(config.success) if config.success is not None else None
        failure = condition(config.failure) if config.failure is not None else None
        return cls(config=config, success=success, failure=failure)

    def asked(self, canary: tuple[str, ...], stable: tuple[str, ...]) -> str | None:
        """The query with the pods' names put in; None where it asks for a side that has no pods."""
        query = self.config.query
        if ("{canary}" in query and not canary) or ("{stable}" in query and not stable):
            return None
        return query.replace("{canary}", any_of(canary) or NOBODY).replace("{stable}", any_of(stable) or NOBODY)

    def result(self, value: float) -> Result:
        """As Argo Rollouts has it: failure is asked first; with one condition, what is not it is the other."""
        if math.isnan(value):
            return Result.ERROR
        if self.failure is not None and self.failure.holds(value):
            return Result.FAILURE
        if self.success is None or self.success.holds(value):
            return Result.SUCCESS
        return Result.FAILURE if self.failure is None else Result.INCONCLUSIVE


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One answer, measured."""

    result: Result
    value: float | None = None
    gap: Gap | None = None


def measured(check: Check, values: Iterable[float]) -> Measurement:
    """Of all series that were answered: the worst decides; none at all is EMPTY, and no number NAN."""
    each = [(check.result(value), value) for value in values]
    if not each:
        return Measurement(result=Result.ERROR, gap=Gap.EMPTY)
    for result in (Result.FAILURE, Result.ERROR, Result.INCONCLUSIVE, Result.SUCCESS):
        found = [value for one, value in each if one is result]
        if found:
            break
    return Measurement(result=result, value=found[0], gap=Gap.NAN if result is Result.ERROR else None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What the measurements of one check came to so far."""

    measurements: int = 0
    failures: int = 0
    """All there were, in a row or not."""
    successes: int = 0
    """In a row, up to the last."""
    errors: int = 0
    """In a row, up to the last."""
    inconclusive: int = 0
    gave_up: bool = False
    """True once more errors in a row came than allowed: unknown to the end."""
    last: Result | None = None

    def seen(self, result: Result, error_limit: int) -> "Tally":
        """With one more measurement."""
        errors = self.errors + 1 if result is Result.ERROR else 0
        return replace(
            self,
            measurements=self.measurements + 1,
            failures=self.failures + (result is Result.FAILURE),
            successes=self.successes + 1 if result is Result.SUCCESS else 0,
            errors=errors,
            inconclusive=self.inconclusive + (result is Result.INCONCLUSIVE),
            gave_up=self.gave_up or errors > error_limit,
            last=result,
        )

    def anew(self) -> "Tally":
        """For a canary that grew: successes in a row are asked of it again, failures stay."""
        return replace(self, successes=0)


PAIRS: Mapping[Result, Pair] = {
    Result.SUCCESS: Pair(canary=Counts(bad=0, total=1)),
    Result.FAILURE: Pair(canary=Counts(bad=1, total=1)),
    Result.INCONCLUSIVE: Pair(stable=Counts(bad=0, total=1)),
    Result.ERROR: Pair(stable=Counts(bad=1, total=1)),
}
"""How a measurement travels in a journaled window: a conclusive one as the canary's one event, bad where it failed;
one that was not as stable's, bad where there was no number."""


def result_of(pair: Pair) -> Result | None:
    """The measurement that travels as this pair; None for any other pair."""
    return next((result for result, one in PAIRS.items() if one == pair), None)


def due(last: datetime | None, now: datetime, config: ThresholdConfig) -> bool:
    """True where it is time to measure again."""
    return last is None or now - last >= config.interval

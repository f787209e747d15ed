"""Rules: measurements against conditions, with Argo Rollouts' counting."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from davy.checks.samples.selectors import any_of
from davy.pipeline.config.parsing import condition_parser
from davy.pipeline.config.parsing.condition import Condition, Unanswered
from davy.pipeline.config.sections.thresholds import ThresholdConfig, can_never_fail
from davy.pipeline.core.verdict import Counts, Gap, Pair

NOBODY = "[.]nobody"
"""A regex that no pod's name matches."""
USUAL_SUCCESSES = 3
AFTER_ERROR = timedelta(seconds=10)
"""Argo Rollouts' DefaultErrorRetryInterval, whatever the interval (argoproj/argo-rollouts 9f8d111d, analysis.go)."""


class MeasurementResult(StrEnum):
    """What one measurement came to."""

    SUCCESS = "success"
    FAILURE = "failure"
    INCONCLUSIVE = "inconclusive"
    """Neither condition holds."""
    ERROR = "error"
    """There was no number."""


class CheckPhase(StrEnum):
    """What all measurements of one check came to."""

    RUNNING = "running"
    GOOD = "good"
    FAILED = "failed"
    UNSURE = "unsure"
    """Too often neither: a person decides."""
    UNKNOWN = "unknown"
    """Too many errors in a row."""


def condition(text: str) -> Condition:
    """The condition on one value that a text means. Raises ValueError, also for one on a whole answer."""
    found = condition_parser.condition(text)
    if not found.short:
        raise ValueError(f"{text!r} is no condition on one value; write it like >= 0.95, or set `style: argo`")
    return found


def asked(query: str, canary: tuple[str, ...], stable: tuple[str, ...]) -> str | None:
    """The query with the pods' names put in; None where it asks for a side that has no pods."""
    if ("{canary}" in query and not canary) or ("{stable}" in query and not stable):
        return None
    return query.replace("{canary}", any_of(canary) or NOBODY).replace("{stable}", any_of(stable) or NOBODY)


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
        read = condition_parser.condition if config.style == "argo" else condition
        success = read(config.success) if config.success is not None else None
        failure = read(config.failure) if config.failure is not None else None
        return cls(config=config, success=success, failure=failure)

    @property
    def is_argo(self) -> bool:
        """True where Argo Rollouts' semantics hold to the letter."""
        return self.config.style == "argo"

    @property
    def inconclusive_limit(self) -> float:
        """How many measurements may be neither."""
        limit = self.config.inconclusive_limit
        return limit if limit is not None else 0 if self.is_argo else math.inf

    @property
    def wanted(self) -> int | None:
        """Successes in a row that are enough; None where only the count says so."""
        return self.config.successes or (None if self.config.count else USUAL_SUCCESSES)

    @property
    def fails_by(self) -> str:
        """What a failure is, where it is not known which of two conditions made it one."""
        return f"wanted {self.success}" if self.failure is None else f"failed at {self.failure}"

    @property
    def cannot_fail(self) -> bool:
        """True where no number of failures is too many: without a limit, or one that the count cannot exceed."""
        return can_never_fail(self.config)

    def asked(self, canary: tuple[str, ...], stable: tuple[str, ...]) -> str | None:
        """The query with the pods' names put in; None where it asks for a side that has no pods."""
        return asked(self.config.query, canary, stable)

    def result(self, value: float) -> MeasurementResult:
        """Of one value: failure is asked first; with one condition, what is not it is the other."""
        if math.isnan(value):
            return MeasurementResult.ERROR
        return self._weighed(lambda one: one.holds(value))

    def result_of(self, values: Sequence[float]) -> MeasurementResult:
        """Of a whole answer, as Argo Rollouts has it: NaN compares false. Raises Unanswered."""
        return self._weighed(lambda one: one.holds_of(values))

    def _weighed(self, holds: Callable[[Condition], bool]) -> MeasurementResult:
        failed = self.failure is not None and holds(self.failure)
        good = self.success is None or holds(self.success)
        if failed:
            return MeasurementResult.FAILURE
        if good:
            return MeasurementResult.SUCCESS
        return MeasurementResult.FAILURE if self.failure is None else MeasurementResult.INCONCLUSIVE

    def phase(self, tally: "MeasurementTally") -> CheckPhase:
        """What the measurements so far came to."""
        if 0 <= self.config.failure_limit < tally.failures:
            return CheckPhase.FAILED
        if tally.gave_up:
            return CheckPhase.UNKNOWN
        if tally.inconclusive > self.inconclusive_limit:
            return CheckPhase.UNSURE
        if self.wanted is not None and tally.successes >= self.wanted:
            return CheckPhase.GOOD
        if self.config.count is not None and tally.counted >= self.config.count:
            return CheckPhase.GOOD if self.wanted is None else CheckPhase.UNSURE
        return CheckPhase.RUNNING


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One answer, measured."""

    result: MeasurementResult
    value: float | None = None
    gap: Gap | None = None
    said: str = ""
    """Why there is no result, where the gap alone does not say it."""
    broke: str = field(default="", compare=False)
    """Of a failure, the condition that made it one: `failed at < 0.95`, or `wanted >= 0.99`."""


def shown(check: Check, value: float) -> str:
    """The value in six digits, or in as many as its result can be seen from."""
    return "no number" if math.isnan(value) else in_digits(value, lambda one: _held(check, one))


def _held(check: Check, value: float) -> tuple[bool | None, ...]:
    held: list[bool | None] = []
    for one in (check.success, check.failure):
        try:
            held.append(None if one is None else one.holds(value))
        except Unanswered:
            held.append(None)
    return tuple(held)


def in_digits(value: float, means: Callable[[float], object]) -> str:
    """The fewest digits, from six on, that mean the same."""
    texts = (f"{value:.{digits}g}" for digits in (6, 9, 12, 17))
    return next((text for text in texts if means(float(text)) == means(value)), f"{value!r}")


def measured(check: Check, values: Iterable[float]) -> Measurement:
    """Of all series that were answered: the worst decides; none at all is EMPTY, and no number NAN.

    With `style: argo` the conditions are asked of the whole answer; one that cannot be answered is the error.
    """
    if check.is_argo:
        return _by_argo(check, tuple(values))
    each = [(check.result(value), value) for value in values]
    if not each:
        return Measurement(result=MeasurementResult.ERROR, gap=Gap.EMPTY)
    for result in (
        MeasurementResult.FAILURE,
        MeasurementResult.ERROR,
        MeasurementResult.INCONCLUSIVE,
        MeasurementResult.SUCCESS,
    ):
        found = [value for one, value in each if one is result]
        if found:
            break
    return Measurement(
        result=result,
        value=found[0],
        gap=Gap.NAN if result is MeasurementResult.ERROR else None,
        broke=_broken(check, result, lambda one: one.holds(found[0])),
    )


def _broken(check: Check, result: MeasurementResult, holds: Callable[[Condition], bool]) -> str:
    if result is not MeasurementResult.FAILURE:
        return ""
    return check.fails_by if check.failure is not None and holds(check.failure) else f"wanted {check.success}"


def _by_argo(check: Check, values: tuple[float, ...]) -> Measurement:
    value = values[0] if values else None
    try:
        result = check.result_of(values)
        return Measurement(result=result, value=value, broke=_broken(check, result, lambda one: one.holds_of(values)))
    except Unanswered as error:
        gap = Gap.ABSENT if values else Gap.EMPTY
        return Measurement(result=MeasurementResult.ERROR, value=value, gap=gap, said=f"{error}")


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasurementTally:
    """What the measurements of one check came to so far."""

    measurements: int = 0
    counted: int = 0
    """Since the canary last grew, without errors."""
    failures: int = 0
    """All there were, in a row or not."""
    successes: int = 0
    """In a row, up to the last."""
    errors: int = 0
    """In a row, up to the last."""
    inconclusive: int = 0
    gave_up: bool = False
    """True once more errors in a row came than allowed: unknown to the end."""
    last: MeasurementResult | None = None

    def seen(self, result: MeasurementResult, error_limit: int) -> "MeasurementTally":
        """With one more measurement."""
        errors = self.errors + 1 if result is MeasurementResult.ERROR else 0
        return replace(
            self,
            measurements=self.measurements + 1,
            counted=self.counted + (result is not MeasurementResult.ERROR),
            failures=self.failures + (result is MeasurementResult.FAILURE),
            successes=self.successes + 1 if result is MeasurementResult.SUCCESS else 0,
            errors=errors,
            inconclusive=self.inconclusive + (result is MeasurementResult.INCONCLUSIVE),
            gave_up=self.gave_up or errors > error_limit,
            last=result,
        )

    def anew(self) -> "MeasurementTally":
        """For a canary that grew: successes in a row and the count are asked of it again, failures stay."""
        return replace(self, successes=0, counted=0)


PAIRS: Mapping[MeasurementResult, Pair] = {
    MeasurementResult.SUCCESS: Pair(canary=Counts(bad=0, total=1)),
    MeasurementResult.FAILURE: Pair(canary=Counts(bad=1, total=1)),
    MeasurementResult.INCONCLUSIVE: Pair(stable=Counts(bad=0, total=1)),
    MeasurementResult.ERROR: Pair(stable=Counts(bad=1, total=1)),
}
"""How a measurement travels in a journaled window: a conclusive one as the canary's one event, bad where it failed;
one that was not as stable's, bad where there was no number."""


def result_of(pair: Pair) -> MeasurementResult | None:
    """The measurement that travels as this pair; None for any other pair."""
    return next((result for result, one in PAIRS.items() if one == pair), None)


def due(last: datetime | None, now: datetime, check: Check, tally: MeasurementTally) -> bool:
    """True where it is time to measure again. Argo Rollouts asks again sooner after an error, and stops when done."""
    if last is None:
        return True
    if check.is_argo and check.phase(tally) is not CheckPhase.RUNNING:
        return False
    pause = AFTER_ERROR if check.is_argo and tally.last is MeasurementResult.ERROR else check.config.interval
    return now - last >= pause

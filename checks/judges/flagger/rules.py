"""Rules: ticks that fail or pass, counted all together.

As `pkg/controller/scheduler.go` and `scheduler_metrics.go` of https://github.com/fluxcd/flagger at 15bd6ad5 have it: a
tick asks every metric, one that is bad or has no number fails the tick, failed ticks add up and are never forgiven.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

from davy.checks.judges.threshold.rules import Measurement, MeasurementResult, asked, in_digits
from davy.pipeline.config.sections.thresholds import FlaggerConfig, ThresholdConfig
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.verdict import Gap


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeCheck:
    """One metric and the range it must stay in."""

    config: ThresholdConfig
    low: float
    high: float

    @classmethod
    def of(cls, config: ThresholdConfig) -> "RangeCheck":
        """Raises ValueError where there is no range, or none that a value can be in."""
        if config.min is None and config.max is None:
            raise ValueError("a check in Flagger's style needs `min` or `max`")
        low = -math.inf if config.min is None else config.min
        high = math.inf if config.max is None else config.max
        if low > high:
            raise ValueError(f"`min` ({low:g}) is above `max` ({high:g})")
        return cls(config=config, low=low, high=high)

    def asked(self, canary: tuple[str, ...], stable: tuple[str, ...]) -> str | None:
        """The query with the pods' names put in; None where it asks for a side that has no pods."""
        return asked(self.config.query, canary, stable)

    def words(self) -> str:
        """`at least 99`, `from 1 to 5`."""
        if math.isinf(self.high):
            return f"at least {self.low:.15g}"
        return f"at most {self.high:.15g}" if math.isinf(self.low) else f"from {self.low:.15g} to {self.high:.15g}"


def shown(check: RangeCheck, value: float) -> str:
    """The value in six digits, or in as many as its result can be seen from."""
    return in_digits(value, lambda one: check.low <= one <= check.high)


def measured(check: RangeCheck, values: Sequence[float]) -> Measurement:
    """Of several values the last counts. No value and NaN are failures here, as in Flagger; the bounds pass."""
    if not values:
        return Measurement(result=MeasurementResult.FAILURE, gap=Gap.EMPTY)
    value = values[-1]
    if math.isnan(value):
        return Measurement(result=MeasurementResult.FAILURE, value=value, gap=Gap.NAN)
    return Measurement(
        result=MeasurementResult.SUCCESS if check.low <= value <= check.high else MeasurementResult.FAILURE, value=value
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticks:
    """The ticks so far."""

    ticks: int = 0
    failed: int = 0
    """All there were: Flagger's failedChecks."""
    good: int = 0
    """Since the canary last grew."""

    def ticked(self, *, is_good: bool) -> "Ticks":
        """With one more tick."""
        return replace(self, ticks=self.ticks + 1, failed=self.failed + (not is_good), good=self.good + is_good)

    def anew(self) -> "Ticks":
        """For a canary that grew: the good ticks are asked of it again, the failed ones stay."""
        return replace(self, good=0)

    def has_failed(self, config: FlaggerConfig) -> bool:
        """True from the tick on that used up the threshold. Flagger itself acts on it one interval later."""
        return self.failed >= config.threshold

    def is_good(self, config: FlaggerConfig) -> bool:
        """True where there were enough good ticks to go on."""
        return self.good >= config.iterations

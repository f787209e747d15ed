"""Evidence: what has been counted of it so far, and the evidence in that. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from enum import StrEnum
from itertools import islice
from typing import assert_never

from davy.checks.statistics.mixtures import BETTER_GRID, WORSE_GRID, Lot, Mixture, log_e_burn, log_e_health, log_mean
from davy.checks.statistics.ratio_sequence import RatioSequence
from davy.checks.statistics.two_sample import HIGHER_ODDS, TwoSample
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.text.shares import rest
from davy.pipeline.core.verdict import NOTHING, Counts, Pair


class Comparison(StrEnum):
    """How the two sides of a window are compared."""

    CONDITIONAL = "conditional"
    """Given all bad events of the window; the common rate cancels. For events that are rare."""
    TWO_SAMPLE = "two_sample"
    """By both sides' rates; finds smaller differences where a tenth of all events or more are bad."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric as it is judged."""

    name: str
    objective: float | None = None
    """Share of good events promised, 0 to 1."""
    weight: float = 1.0
    """Above 0."""
    dispersion: float = 1.0
    bad_words: str = "failed"
    """What a bad event did: `failed`, `took over 500ms`."""
    bound: str = ""
    """Of a histogram: the bucket bound whose counts are its bad events."""
    bounds: tuple[str, ...] = ()
    """Of a histogram: every bound that evidence is taken at; its evidence against the canary is the mean over them."""
    evidence: Comparison = Comparison.CONDITIONAL
    against: str = "stable"
    """What it is compared with, for people. Empty: with nothing, and its objective alone promotes."""


class Lots:
    """Windows one after the other. With one more it is a new value that shares the ones before, so none is copied."""

    __slots__ = ("_count", "_held")

    def __init__(self, held: list[Lot] | None = None) -> None:
        self._held = held or []
        self._count = len(self._held)

    def plus(self, lot: Lot) -> "Lots":
        """With one more at the end."""
        # Another value may have put its own behind these.
        held = self._held if len(self._held) == self._count else self._held[: self._count]
        held.append(lot)
        return Lots(held)

    def __iter__(self) -> Iterator[Lot]:
        return islice(self._held, self._count)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Lots) and list(self) == list(other)

    def __hash__(self) -> int:
        return hash(self._count)


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """What has been seen of one metric."""

    metric: Metric
    worse: tuple[Mixture | TwoSample, ...]
    """One, or of a histogram one for each bound."""
    ratio: RatioSequence = field(default_factory=RatioSequence)
    better: Mapping[float, Mixture | TwoSample] = field(default_factory=dict)
    """By the ratio to exclude."""
    lots: Lots = field(default_factory=Lots)
    """Kept, so that another ratio to exclude can be asked about later."""
    canary: Counts = NOTHING
    stable: Counts = NOTHING
    """At the same moments: of windows in which the canary served. What stable did meanwhile is no comparison."""
    bad_events: int = 0
    """Of the canary; of a histogram those above the lowest of its bounds."""
    bad_windows: int = 0
    """Windows with such an event."""

    @classmethod
    def opened(cls, metric: Metric, tolerate: float) -> "Track":
        """Nothing seen yet."""
        return cls(metric=metric, worse=(_against(metric.evidence, tolerate),) * max(1, len(metric.bounds)))

    def seen(self, pair: Pair) -> "Track":
        """With one more window. Without requests on either side the relative part says nothing of it."""
        both = pair.canary.total > 0 and pair.stable.total > 0
        lot = _lot(pair, pair.canary.bad, pair.stable.bad) if both else None
        bad = max([pair.canary.bad, *pair.canary.above.values()]) if self.metric.bounds else pair.canary.bad
        return Track(
            metric=self.metric,
            worse=self._worse(pair, lot) if lot else self.worse,
            ratio=self.ratio.seen(lot) if lot else self.ratio,
            better={against: form.seen(lot) for against, form in self.better.items()} if lot else self.better,
            lots=self.lots.plus(lot) if lot else self.lots,
            canary=self.canary + pair.canary,
            stable=self.stable + pair.stable if pair.canary.total else self.stable,
            bad_events=self.bad_events + bad,
            bad_windows=self.bad_windows + (bad > 0),
        )

    def _worse(self, pair: Pair, lot: Lot) -> tuple[Mixture | TwoSample, ...]:
        if not self.metric.bounds:
            return (self.worse[0].seen(lot),)
        at_bounds = [self._at(bound, pair) for bound in self.metric.bounds]
        return tuple([form.seen(at) if at else form for form, at in zip(self.worse, at_bounds, strict=True)])

    def _at(self, bound: str, pair: Pair) -> Lot | None:
        """The window at one bound; None where a side was not counted there, for that is not zero."""
        canary, stable = self._above(bound, pair.canary), self._above(bound, pair.stable)
        return None if canary is None or stable is None else _lot(pair, canary, stable)

    def _above(self, bound: str, counts: Counts) -> int | None:
        return counts.above.get(bound, counts.bad if bound == self.metric.bound else None)

    def log_e_worse(self) -> float:
        """Log evidence that the canary is worse than tolerated; of a histogram the mean over its bounds."""
        return log_mean([form.log_e(self.metric.dispersion) for form in self.worse])

    def worst_bound(self) -> str:
        """Of a histogram, the bound with the most evidence against the canary; empty for a counter."""
        told = zip(self.worse, self.metric.bounds, strict=False)
        return max(told, key=lambda one: one[0].log_e(self.metric.dispersion), default=(None, ""))[1]

    def excluding(self, against: float) -> "Track":
        """Ready to be asked whether the canary is less than `against` times worse."""
        if against in self.better:
            return self
        form = _excluding(self.metric.evidence, against)
        for lot in self.lots:
            form = form.seen(lot)
        return replace(self, better={**self.better, against: form})

    def log_e_burn(self, burn: float) -> float:
        """Log evidence that the canary burns its error budget faster than `burn`."""
        if self.metric.objective is None:
            return 0.0
        rate = burn * rest(self.metric.objective)
        return log_e_burn(self.canary.bad, self.canary.total, rate, self.metric.dispersion)

    def log_e_promote(self, against: float) -> float:
        """Log evidence for promotion: the mean of the relative and the absolute kind, where there is an objective."""
        relative = self.better[against].log_e(self.metric.dispersion)
        if self.metric.objective is None:
            return relative
        rate = rest(self.metric.objective)
        absolute = log_e_health(self.canary.bad, self.canary.total, rate, self.metric.dispersion)
        if not self.metric.against:
            return absolute
        return log_mean([relative, absolute])


def _lot(pair: Pair, canary_bad: int, stable_bad: int) -> Lot:
    canary, stable = pair.canary.total, pair.stable.total
    return Lot(canary_bad, canary_bad + stable_bad, canary / (canary + stable), canary, stable)


def _against(form: Comparison, tolerate: float) -> Mixture | TwoSample:
    """Evidence that the canary is worse than tolerated, with nothing seen yet."""
    match form:
        case Comparison.CONDITIONAL:
            return Mixture.against(tolerate, WORSE_GRID)
        case Comparison.TWO_SAMPLE:
            return TwoSample.against(tolerate, HIGHER_ODDS)
        case _:
            assert_never(form)


def _excluding(form: Comparison, worse: float) -> Mixture | TwoSample:
    """Evidence that the canary is less than `worse` times worse, with nothing seen yet."""
    match form:
        case Comparison.CONDITIONAL:
            return Mixture.against(worse, BETTER_GRID)
        case Comparison.TWO_SAMPLE:
            return TwoSample.against(worse, BETTER_GRID)
        case _:
            assert_never(form)

"""Rules: each metric gets a label, the labels make a score, the score a verdict.

The rule of `NetflixACAJudge-v1.0`, https://github.com/spinnaker/kayenta at a69573be, `kayenta-judge`.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

from davy.checks.statistics.mann_whitney import blurred, cles, fences, mean_ratio, shift
from davy.pipeline.core.fast_dataclass import dataclass

TOLERANCE = 0.25
"""The part of the estimated shift that the interval must lie beyond; fixed in Kayenta's judge."""
CONFIDENCE = 0.98
NO_DATA_LIMIT = 50.0
"""Percent of metrics without data at which the score is 0."""


class Direction(StrEnum):
    """Which way a metric gets worse."""

    INCREASE = "increase"
    DECREASE = "decrease"
    EITHER = "either"


class NanStrategy(StrEnum):
    """What a missing point means."""

    REMOVE = "remove"
    REPLACE = "replace"
    """It is 0, and a metric with no point at all passes."""


class Measure(StrEnum):
    """How large an effect is."""

    MEAN_RATIO = "meanRatio"
    CLES = "cles"

    @property
    def neutral(self) -> float:
        """The effect of a canary like its baseline: Kayenta's default for every limit."""
        return 1.0 if self is Measure.MEAN_RATIO else 0.5


class Label(StrEnum):
    """What became of one metric."""

    PASS = "Pass"  # noqa: S105 - Kayenta's word
    HIGH = "High"
    LOW = "Low"
    NO_DATA = "Nodata"
    NO_DATA_FAILS = "NodataFailMetric"
    ERROR = "Error"
    """There was no spread to measure by, or a point was infinite."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Effects from which a metric counts as lower or higher."""

    decrease: float
    increase: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Yardstick:
    """How one metric is judged."""

    name: str
    groups: tuple[str, ...] = ()
    direction: Direction = Direction.EITHER
    nan: NanStrategy = NanStrategy.REMOVE
    critical: bool = False
    muted: bool = False
    """Judged and shown, and no part of the score."""
    must_have_data: bool = False
    measure: Measure = Measure.MEAN_RATIO
    allowed: Limits | None = None
    """None: the measure's neutral effect."""
    severe: Limits | None = None
    """Kayenta's criticalDecrease and criticalIncrease: from here on a critical metric fails the canary."""
    outlier_factor: float | None = None
    """Interquartile ranges outside of which points are left out; None keeps all."""

    def limits(self, said: Limits | None) -> Limits:
        """What was said, or the neutral effect."""
        return said or Limits(decrease=self.measure.neutral, increase=self.measure.neutral)


@dataclass(frozen=True, slots=True, kw_only=True)
class Classified:
    """One metric, judged."""

    name: str
    label: Label
    groups: tuple[str, ...] = ()
    critical: bool = False
    """True where it fails the whole canary."""
    muted: bool = False
    effect: float = 1.0
    """By the metric's measure; not a number where a mean ratio has no meaning."""
    points: tuple[int, int] = (0, 0)
    """Of canary and baseline, after cleaning."""

    @property
    def fails(self) -> bool:
        """True where it counts against the canary."""
        return self.label in (Label.HIGH, Label.LOW, Label.NO_DATA_FAILS)


def cleaned(values: Iterable[float], yardstick: Yardstick) -> tuple[float, ...]:
    """Points without NaN and, where asked for, without outliers."""
    match yardstick.nan:
        case NanStrategy.REMOVE:
            kept = tuple(value for value in values if not math.isnan(value))
        case NanStrategy.REPLACE:
            kept = tuple(0.0 if math.isnan(value) else value for value in values)
    if yardstick.outlier_factor is None or not kept:
        return kept
    low, high = fences(kept, yardstick.outlier_factor)
    return tuple(value for value in kept if low <= value <= high)


def classified(
    yardstick: Yardstick,
    canary: Iterable[float],
    baseline: Iterable[float],
    *,
    tolerance: float = TOLERANCE,
    confidence: float = CONFIDENCE,
) -> Classified:
    """The metric's label. Points may be NaN; they need not be paired."""
    first, second = cleaned(canary, yardstick), cleaned(baseline, yardstick)
    points = len(first), len(second)
    if not first or not second:
        return _without(yardstick, points)
    if sorted(first) == sorted(second) or len({*first, *second}) == 1:
        return _labelled(yardstick, Label.PASS, 1.0, points)
    if len(set(first)) == len(set(second)) == 1:
        first, second = blurred(first), blurred(second)
    effect = mean_ratio(first, second) if yardstick.measure is Measure.MEAN_RATIO else cles(first, second)
    try:
        label = compared(yardstick, first, second, effect, tolerance=tolerance, confidence=confidence)
    except ValueError:
        return _labelled(yardstick, Label.ERROR, effect, points, critical=yardstick.critical)
    severe = yardstick.limits(yardstick.severe)
    critical = yardstick.critical and (
        (label is Label.HIGH and not effect < severe.increase) or (label is Label.LOW and not effect > severe.decrease)
    )
    return _labelled(yardstick, label, effect, points, critical=critical)


def compared(
    yardstick: Yardstick,
    canary: Sequence[float],
    baseline: Sequence[float],
    effect: float,
    *,
    tolerance: float,
    confidence: float,
) -> Label:
    """HIGH, LOW or PASS. An effect that is not a number is not asked. Raises ValueError where all points are tied."""
    found = shift(canary, baseline, confidence)
    beyond = tolerance * abs(found.estimate)
    allowed = yardstick.limits(yardstick.allowed)
    if yardstick.direction is not Direction.DECREASE and found.low > beyond and not effect < allowed.increase:
        return Label.HIGH
    if yardstick.direction is not Direction.INCREASE and found.high < -beyond and not effect > allowed.decrease:
        return Label.LOW
    return Label.PASS


def _without(yardstick: Yardstick, points: tuple[int, int]) -> Classified:
    if yardstick.nan is NanStrategy.REPLACE:
        return _labelled(yardstick, Label.PASS, 1.0, points)
    if yardstick.must_have_data and not yardstick.critical:
        return _labelled(yardstick, Label.NO_DATA_FAILS, 1.0, points)
    return _labelled(yardstick, Label.NO_DATA, 1.0, points, critical=yardstick.critical)


def _labelled(
    yardstick: Yardstick, label: Label, effect: float, points: tuple[int, int], *, critical: bool = False
) -> Classified:
    return Classified(
        name=yardstick.name,
        label=label,
        groups=yardstick.groups,
        critical=critical,
        muted=yardstick.muted,
        effect=effect,
        points=points,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """What all metrics came to, 0 to 100."""

    value: float
    groups: Mapping[str, float]
    """By group; one without any data scores 0 here and counts as 100 in the whole."""
    because: str = ""
    """Why the whole is 0, where a rule says so whatever the groups scored."""


def scored(results: Iterable[Classified], weights: Mapping[str, float]) -> Score:
    """The weighted score. `weights`: percent by group; groups without one share what is left equally."""
    counted = [one for one in results if not one.muted]
    labels: dict[str, list[Label]] = {}
    for one in counted:
        for group in one.groups:
            labels.setdefault(group, []).append(one.label)
    scores = {group: group_score(found) for group, found in labels.items()}
    shown = {group: score or 0.0 for group, score in scores.items()}
    fatal = [one for one in counted if one.critical and one.label is not Label.PASS]
    if fatal:
        return Score(value=0.0, groups=shown, because=f"{fatal[0].name} is critical and was {fatal[0].label}")
    # Kayenta itself does not count errors here, and so passes a canary of which nothing could be judged.
    empty = sum(one.label in (Label.NO_DATA, Label.ERROR) for one in counted)
    if counted and 100 * empty / len(counted) >= NO_DATA_LIMIT:
        unjudged = sum(one.label is Label.ERROR for one in counted)
        why = "could not be judged" if unjudged == empty else "have no data"
        why += " or could not be judged" if 0 < unjudged < empty else ""
        return Score(value=0.0, groups=shown, because=f"{empty} of {len(counted)} metrics {why}")
    return Score(value=_whole(scores, weights), groups=shown)


def group_score(labels: Iterable[Label]) -> float | None:
    """Percent of the group's metrics that pass; None where none of them has data."""
    known = [label for label in labels if label not in (Label.NO_DATA, Label.ERROR)]
    return known.count(Label.PASS) / len(known) * 100 if known else None


def _whole(scores: Mapping[str, float | None], weights: Mapping[str, float]) -> float:
    unweighted = [group for group in scores if group not in weights]
    rest = (100 - sum(weights.values())) / len(unweighted) if unweighted else 0.0
    whole = 0.0
    for group, score in scores.items():
        whole += (100.0 if score is None else score) * (weights.get(group, rest) / 100)
    return float(Decimal(repr(whole)).quantize(Decimal("0.01"), ROUND_HALF_UP))


def blamed(results: Iterable[Classified]) -> str:
    """The metric that a failing score is told by: a critical one, one that fails, one that says nothing."""
    counted = [one for one in results if not one.muted]
    first = [one.name for one in counted if one.critical] + [one.name for one in counted if one.fails]
    mute = [one.name for one in counted if one.label in (Label.NO_DATA, Label.ERROR)]
    return next(iter([*first, *mute]), "")


class Mark(StrEnum):
    """What a score means."""

    PASS = "Pass"  # noqa: S105 - Kayenta's word
    MARGINAL = "Marginal"
    FAIL = "Fail"


def marked(score: float, pass_at: float, marginal_at: float) -> Mark:
    """The limits count as reached."""
    return Mark.PASS if score >= pass_at else Mark.MARGINAL if score >= marginal_at else Mark.FAIL

"""Verdict: what was counted, and what a judge makes of it."""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from enum import StrEnum

from davy.pipeline.core.fast_dataclass import dataclass


class Decision(StrEnum):
    """What a judge says of the canary at one look."""

    ROLL_BACK = "roll_back"
    """Evidence that the canary is worse than tolerated."""
    PROMOTE = "promote"
    """Evidence that the canary is good enough to go to the next step, or all the way."""
    GO_ON = "go_on"
    """Not enough evidence for either; look again."""
    UNKNOWN = "unknown"
    """The question could not be answered; see `Verdict.gaps`. Never promotes."""


class Gap(StrEnum):
    """Why a number is missing. Six different things; none is success or failure."""

    ABSENT = "absent"
    """No series matches the selector."""
    EMPTY = "empty"
    """Series are there and fresh, but no request was counted in the window."""
    STALE = "stale"
    """The newest sample is older than two scrapes."""
    NAN = "nan"
    """The value is not a number."""
    EXCESS = "excess"
    """More good events, or more bad ones, were counted than events at all."""
    UNREACHABLE = "unreachable"
    """The metrics server did not answer, or answered with an error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Events of one side over one span of time: whole numbers, `0 <= bad <= total`."""

    bad: int
    total: int
    above: Mapping[str, int] = field(default_factory=dict)
    """Of a histogram: by bucket bound in seconds (`0.25`), how many were above it; `bad` is the one at the SLO's."""

    def __add__(self, other: "Counts") -> "Counts":
        if not self.above and not other.above:
            return Counts(bad=self.bad + other.bad, total=self.total + other.total)
        # A bound that one of both was not counted at is no zero there: it is dropped.
        counted = [one.above for one in (self, other) if one.total]
        bounds = [bound for bound in {**self.above, **other.above} if all(bound in above for above in counted)]
        above = {bound: self.above.get(bound, 0) + other.above.get(bound, 0) for bound in bounds}
        return Counts(bad=self.bad + other.bad, total=self.total + other.total, above=above)

    @property
    def rate(self) -> float:
        """Share of bad events, 0 where there were none at all."""
        return self.bad / self.total if self.total else 0.0


NOTHING = Counts(bad=0, total=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Both sides' counts of one metric in one window."""

    canary: Counts = NOTHING
    stable: Counts = NOTHING


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What was counted in `(start, end]`, by metric. Journaled; folding the windows gives the evidence back."""

    start: datetime
    end: datetime
    counts: Mapping[str, Pair] = field(default_factory=dict)
    dispersion: Mapping[str, float] = field(default_factory=dict)
    """By metric, what the likelihood ratios of all windows are tempered by; said with the first one of a rollout."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Where one metric stands, cumulative over the rollout."""

    metric: str
    canary: Counts
    stable: Counts
    log_e_roll_back: float = 0.0
    """Natural log of the evidence that the canary is worse than tolerated."""
    log_e_promote: float = 0.0
    """Natural log of the evidence that it is good enough for this step."""
    ratio: tuple[float, float] | None = None
    """95 % confidence sequence of canary rate over stable rate, valid at every look."""
    gap: Gap | None = None
    """Why this window held nothing, where it did."""
    value: float | None = None
    """For a threshold check: what the query answered."""
    dispersion: float = 1.0
    """What its likelihood ratios were tempered by; 1 where bad events come one by one."""
    share: float = 0.0
    """Its part of the evidence against the canary, 0 to 1; the largest is the one to blame."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One look of a judge."""

    at: datetime
    decision: Decision
    sentence: str
    """For the release engineer: one sentence or two, with the numbers."""
    judge: str = "sequential"
    evidence: tuple[Evidence, ...] = ()
    log_e_roll_back: float = 0.0
    """The weighted mean over metrics and burn that is held against `roll_back_at`."""
    log_e_burn: float = 0.0
    roll_back_at: float = 0.0
    """Natural log of 1/alpha."""
    promote_at: float = 0.0
    """Natural log of 1/beta; every metric's `log_e_promote` must reach it."""
    blame: str = ""
    """The metric that carries most of the evidence against the canary."""
    gaps: Mapping[str, Gap] = field(default_factory=dict)
    """By metric, what could not be read."""
    windows: tuple[Window, ...] = ()
    """What this look added; none where nothing new was scraped."""
    notes: tuple[str, ...] = ()
    """What a person should know beside it: the server's warnings, a fallback that was taken. Each is said once."""

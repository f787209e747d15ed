"""Canary: they are journaled, and the machine's state is a fold over them."""

from dataclasses import field
from datetime import datetime, timedelta

from davy.pipeline.core.endings import Ending
from davy.pipeline.core.events.event import Event
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.verdict import Verdict
from davy.pipeline.core.workload import Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class StepPlan:
    """One step as the rollout will take it."""

    weight: float
    """Percent wished."""
    pods: int
    """Canary pods that give it."""
    share: float
    """Percent that these pods reach."""
    at_least: timedelta
    worse: float
    at_most: timedelta | None = None
    approve: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Restore:
    """What davy changes on the Deployment for the rollout and puts back as it was. None: was not set."""

    images: dict[str, str]
    """By container, stable's image."""
    strategy: str
    """The `spec.strategy` as compact JSON."""
    min_ready_seconds: int | None = None
    progress_deadline_seconds: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CanaryPolicy:
    """What the machine decides by: the configuration as resolved against the Deployment, with absolute deadlines."""

    steps: tuple[StepPlan, ...]
    replicas: int
    warmup: timedelta
    ready_within: timedelta
    promote_within: timedelta
    bake: timedelta
    deadline: datetime
    on_inconclusive: str = "hold"
    on_lost: str = "roll_back"
    on_interrupt: str = "roll_back"


@dataclass(frozen=True, slots=True, kw_only=True)
class CanaryStarted(Event):
    """Written before the first patch."""

    release: str
    workload: Workload
    images: dict[str, str]
    """By container, the canary's image by digest."""
    stable_hash: str
    """Kubernetes' own `pod-template-hash` of the stable side."""
    restore: Restore
    policy: CanaryPolicy
    runner: str = ""
    rules: str = ""
    """By which rules it is judged: a line of JSON of the judge's own, kept as it is. Empty: no counts are judged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepEntered(Event):
    """Written before the canary is grown to `pods`."""

    step: int
    """From 0."""
    pods: int
    because: str = ""
    by: str = ""
    """Who asked, where it was a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepReached(Event):
    """All pods of the step are Ready; from here its time counts."""

    step: int
    pods: int
    weight: float
    """Percent reached: canary pods of all serving pods."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PodsSeen(Event):
    """Pod counts changed. Shown, not journaled."""

    stable: int
    canary: int
    canary_ready: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PodTrouble(Event):
    """A canary pod that cannot work, in its own words."""

    pod: str
    kind: str
    """`crash_loop`, `image_pull`, `never_ready`, `out_of_memory`, `config_error`, `unschedulable`."""
    words: str
    """Message, exit code and last log lines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged(Event):
    """A look of the judge."""

    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked(Event):
    """A person's word: `promote`, `abort` or `hold`."""

    what: str
    by: str
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionStarted(Event):
    """Written before the strategy is given back."""

    because: str
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FullyShifted(Event):
    """Every pod is of the new version; the bake begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackStarted(Event):
    """Written before the rollback patch."""

    because: str
    how: str = ""
    """Which strategy it uses, and why."""
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RolledBack(Event):
    """No canary pod is in any endpoint any more, and stable is whole."""

    took: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Held(Event):
    """The rollout stays where it is, and no runner moves it."""

    because: str
    weight: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed(Event):
    """Another runner took over."""

    runner: str
    lost_since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CanaryFinished(Event):
    """The rollout's end; everything that was changed for it is back as it was, except where it is held."""

    ending: Ending
    sentence: str
    weights: tuple[float, ...] = field(default=())
    """The shares reached, in their order."""

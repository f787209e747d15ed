"""Events: everything shown, stored or counted is a fold over these. One frozen class each, versioned as JSON."""

from dataclasses import field
from datetime import datetime, timedelta
from enum import StrEnum

from davy.pipeline.endings import Ending
from davy.pipeline.model import Image, Revision, Verdict, Workload
from davy.pipeline.value import dataclass

VERSION = 1


class Stage(StrEnum):
    """The parts of a release, in their order."""

    SOURCE = "source"
    BUDGET = "budget"
    """Only where `checks.gate` asks for it."""
    BUILD = "build"
    TEST = "test"
    CANARY = "canary"


class Result(StrEnum):
    """How a stage or a suite ended."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened, and when (aware, UTC)."""

    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseStarted(Event):
    """A release, or one part of it as a command of its own, began."""

    release: str
    service: str
    rehearsal: bool = False
    runner: str = ""
    """Who runs it: `user@host`, or the CI job's link."""
    part: str = ""
    """The command that runs one part alone: `build`, `test`; empty for a release."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRead(Event):
    """Git was asked."""

    revision: Revision


@dataclass(frozen=True, slots=True, kw_only=True)
class StageStarted(Event):
    """A stage began."""

    stage: Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class StageFinished(Event):
    """A stage ended; `note` is one line for people."""

    stage: Stage
    result: Result
    took: timedelta
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine(Event):
    """A line that a build or a test printed, already redacted."""

    source: str
    """`build checkout`, `test unit`."""
    line: str


class BuildAction(StrEnum):
    """What becomes of an image."""

    BUILD = "build"
    REUSE = "reuse"
    """The registry has it under its key."""
    UNKNOWN = "unknown"
    """The registry was not asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildStarted(Event):
    """A builder began with an image."""

    label: str
    """What people call the image: `checkout`, `base[PYTHON=3.12]`."""
    because: str = ""
    """Why it could not be reused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageBuilt(Event):
    """An image is in the registry."""

    image: Image
    took: timedelta
    cached: bool = False
    """True where no layer had to be made."""
    label: str = ""
    key: str = ""
    """Of its content, 64 hex digits; empty in events of older versions."""
    action: BuildAction = BuildAction.BUILD
    because: str = ""

    @property
    def is_reused(self) -> bool:
        """The registry had it: no builder was asked. Events of older versions have no key; there `cached` says it."""
        return self.action is BuildAction.REUSE if self.key else self.cached


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildFailed(Event):
    """An image was not built, by a fault of its own or of one that it is built from."""

    label: str
    why: str
    log: str = ""
    """Path of the kept log; empty where no build began."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseTold:
    """One test case, as far as a person at the end of a run wants to know it. Already redacted."""

    name: str
    """`classname::name`."""
    result: str = "passed"
    """`passed`, `failed`, `error`, or `flaky`: passed, and had failed before."""
    words: str = ""
    """The first lines of its failure."""
    took: timedelta = timedelta(0)
    attempts: int = 1
    quarantined: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteFinished(Event):
    """A suite ended."""

    suite: str
    result: Result
    took: timedelta
    passed: int = 0
    failed: int = 0
    errors: int = 0
    skipped: int = 0
    because: str = ""
    """Where it failed: in one line, why."""
    log: str = ""
    """Path of the kept log; of the folder of logs where it ran in several parts."""
    flaky: int = 0
    """Of the passed: those that failed before, in this run."""
    quarantined: int = 0
    """Bad ones that fail nothing."""
    parts: int = 1
    link: str = ""
    """Where a person can look at it: a cloud's own page."""
    told: tuple[CaseTold, ...] = ()
    """What failed, was held or flaky; the first of them."""
    more: int = 0
    """Such cases beyond those told."""
    slowest: CaseTold | None = None
    notes: tuple[str, ...] = ()
    """What of its reports was cut or mended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartStarted(Event):
    """A part of a suite was given to a runner. Shown live, and not in logs."""

    suite: str
    part: str
    """`chrome-windows/2-of-8`; empty where the suite runs whole."""
    attempt: int = 1
    waiting: int = 0
    """Parts that no runner has yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartFinished(Event):
    """A part of a suite ended."""

    suite: str
    part: str
    result: Result
    took: timedelta
    attempt: int = 1
    because: str = ""
    fault: bool = False
    """True where its place failed it, and not the test."""
    again: bool = False
    """True where it is tried once more."""
    link: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned(Event):
    """Something that is worth a person's eye and stops nothing."""

    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseFinished(Event):
    """The end. `sentence` says it with its numbers, `remedy` what to do next."""

    ending: Ending
    sentence: str
    took: timedelta
    remedy: str = ""


# From here on the canary's: they are journaled, and the machine's state is a fold over them.


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

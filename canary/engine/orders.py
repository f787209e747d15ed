"""Orders: what a runner is told to do."""

from collections.abc import Mapping

from davy.pipeline.core.events import CanaryPolicy
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.workload import Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """A new rollout. Preflight is the caller's."""

    release: str
    workload: Workload
    images: Mapping[str, str]
    """By container, the canary's image by digest."""
    policy: CanaryPolicy
    """Its deadline is by the runner's own clock, as it is when the rollout is begun."""
    runner: str
    rules: str = ""
    """The judge's, as text; kept in the journal for whoever replays it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume:
    """Go on with the one in the journal."""

    runner: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Enforce:
    """Carry out `on_lost` where a runner vanished; else nothing."""

    runner: str


Order = Start | Resume | Enforce

"""Moves: everything the machine can want done. A closed union, each move safe to repeat."""

from davy.canary.ports.platform import Speed
from davy.pipeline.core.endings import Ending
from davy.pipeline.core.fast_dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Begin:
    """The first act: the new version, held at the first step's pods."""

    pods: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Grow:
    """Make room for the step's canary pods."""

    step: int
    pods: int
    because: str
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldStill:
    """Freeze the target: the pods wanted are there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrive:
    """All pods of the step are Ready: its time counts from now. Nothing is written to the target."""

    step: int
    pods: int
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Nothing to do now; `why` is for people."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Promote:
    """Give the settings back and let the platform finish."""

    because: str
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StartBake:
    """Every pod is of the new version: watch it for a while. Nothing is written to the target."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RollBack:
    """Template and settings as they were, in one act."""

    because: str
    speed: Speed
    bad_pods: int
    how: str
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BeBack:
    """No canary pod serves and stable is whole. Nothing is written to the target."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settle:
    """Put back what is not yet as it was and take the marks away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldHere:
    """Leave the rollout where it is, paused, with nobody moving it, and end."""

    because: str
    ending: Ending
    pause: bool = True
    """False where the target is no longer ours to write to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    """The end."""

    ending: Ending
    sentence: str


Move = Begin | Grow | HoldStill | Arrive | Wait | Promote | StartBake | RollBack | BeBack | Settle | HoldHere | Finish

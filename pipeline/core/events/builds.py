"""Events of builds."""

from datetime import timedelta
from enum import StrEnum

from davy.pipeline.core.artifacts import Image
from davy.pipeline.core.events.event import Event
from davy.pipeline.core.fast_dataclass import dataclass


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

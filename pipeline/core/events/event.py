"""Event: what every event is, and the registry that knows each by its name: an event may live in any module."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from davy.pipeline.core.fast_dataclass import dataclass

VERSION = 1
_KINDS: "dict[str, type[Event]]" = {}
KINDS: "Mapping[str, type[Event]]" = MappingProxyType(_KINDS)
"""Every event whose module was imported, by the name that the journal and the JSON lines hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened, and when (aware, UTC). A class that is made from it is in the registry."""

    at: datetime

    def __init_subclass__(cls) -> None:
        """Raises TypeError for a name that another module's event has: what is written could mean either."""
        # A slotted class is made twice; the second one is what everybody knows.
        known = _KINDS.setdefault(cls.__name__, cls)
        if known.__module__ != cls.__module__:
            raise TypeError(f"two events are called {cls.__name__}: in {known.__module__} and in {cls.__module__}")
        _KINDS[cls.__name__] = cls

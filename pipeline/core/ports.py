"""Ports to what every part of a release needs: the time, the work tree and its commits, the archive of runs."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

Say = Callable[[str], None]
"""Takes one line that a child printed."""


def unheard(_: str) -> None:
    """Says nothing to anybody."""


class Clock(Protocol):
    """The only place time comes from."""

    def now(self) -> datetime:
        """Aware UTC: for what is written down. It may be set, forward and back, while a command runs."""
        ...

    def elapsed(self) -> timedelta:
        """Time since some fixed moment, for every wait and interval. Nobody sets it; a suspended machine's counts."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait; comes back early when `interrupted` turns true."""
        ...

    def interrupted(self) -> bool:
        """True once Ctrl-C or SIGTERM came."""
        ...

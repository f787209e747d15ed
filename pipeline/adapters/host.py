"""Host: the clocks and the network of the machine that a client runs on. A simulation has its own."""

import http.client
import time
from collections.abc import Callable

from davy.pipeline.value import dataclass


def _dial(name: str, port: int | None, timeout: float) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(name, port, timeout=timeout)


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """What a client asks of its machine."""

    wall: Callable[[], float] = time.time
    """Seconds since the epoch, by a clock that people and time servers set."""
    monotonic: Callable[[], float] = time.monotonic
    dial: Callable[[str, int | None, float], http.client.HTTPConnection] = _dial
    """A connection to this name and port, not yet open, with this many seconds for each answer. For plain HTTP."""


HOST = Host()
"""The real one."""

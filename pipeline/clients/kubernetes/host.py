"""Host: the clocks and the network of the machine that a client of Kubernetes runs on. A simulation has its own."""

import http.client
import ssl
import time
from collections.abc import Callable

from davy.pipeline.clients.http.wire import Wire
from davy.pipeline.clients.kubernetes import call
from davy.pipeline.clients.kubernetes.access import Access
from davy.pipeline.core.fast_dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """What a client asks of its machine."""

    wall: Callable[[], float] = time.time
    """Seconds since the epoch, by a clock that people and time servers set."""
    monotonic: Callable[[], float] = time.monotonic
    connected: Callable[[Access, ssl.SSLContext | None, float], Wire] = call.connected
    asked: Callable[[Access, Wire, call.ApiRequest], http.client.HTTPResponse] = call.asked


HOST = Host()
"""The real one."""

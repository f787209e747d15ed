"""Exchange: a limit on a whole question and its answer, for a server that sends a byte now and then without end.

urllib3 limits the wait for each byte. Here a clock runs beside the whole exchange; when it is over, the connection is
shut down under whoever reads from it.
"""

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

T = TypeVar("T")
TIMES = 3
"""The whole may take so many times what one byte may."""
_own = threading.local()


class Expired(OSError):
    """The answer did not come to its end in time."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"no whole answer within {seconds:g} s")


class Exchange:
    """One question and its answer, over whatever connections it takes."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.expired = False
        self._lock = threading.Lock()
        self._used: list[socket.socket] = []

    def uses(self, held: Any) -> None:
        """It goes over this socket, too. A connection lets its own go while the answer is still read from it."""
        if not isinstance(held, socket.socket):
            return
        with self._lock:
            self._used.append(held)
        if self.expired:
            _shut(held)

    def expire(self) -> None:
        """Its time is over."""
        with self._lock:
            self.expired = True
            for held in self._used:
                _shut(held)


@contextmanager
def within(seconds: float) -> Iterator[Exchange]:
    """Whatever is asked here, in this thread, is over after so long. Within another one, that one's limit holds.

    Raises Expired, whatever the reader was told by the connection that was shut.
    """
    outer: Exchange | None = getattr(_own, "exchange", None)
    if outer is not None:
        yield outer
        return
    whole = Exchange(seconds)
    timer = threading.Timer(seconds, whole.expire)
    timer.daemon = True
    timer.start()
    _own.exchange = whole
    try:
        yield whole
    except Exception as error:  # Whatever a reader makes of a connection that was shut under it.
        if whole.expired:
            raise Expired(seconds) from error
        raise
    finally:
        _own.exchange = None
        timer.cancel()
    if whole.expired:  # An answer without a length seems to end well when its connection is shut.
        raise Expired(seconds)


def limited(pool: urllib3.PoolManager) -> urllib3.PoolManager:
    """The same, whose connections can be limited so."""
    pool.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
    return pool


def _shut(held: socket.socket) -> None:
    with contextlib.suppress(OSError):
        # Not the TLS socket's own way, which takes its state away from whoever reads from it.
        socket.socket.shutdown(held, socket.SHUT_RDWR)


def _held(found: T) -> T:
    whole: Exchange | None = getattr(_own, "exchange", None)
    if whole is not None:
        whole.uses(found)
    return found


class _Connection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        """As it is, and known to the exchange before a proxy or a handshake is waited for."""
        return _held(super()._new_conn())

    def connect(self) -> None:
        """As it is, and known to the exchange. A handshake has a limit of its own."""
        super().connect()
        _held(self.sock)

    def request(self, *args: Any, **more: Any) -> None:
        """As it is; of a connection that is there already it is the first that is heard."""
        _held(self.sock)
        super().request(*args, **more)


class _SecureConnection(_Connection, HTTPSConnection):
    """The same over TLS: what `_Connection` calls as it is, is HTTPSConnection's own."""


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _SecureConnection

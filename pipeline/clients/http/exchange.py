"""Exchange: a limit on a whole question and its answer, for a server that sends a byte now and then without end.

urllib3 limits the wait for each byte. Here a clock runs beside the whole exchange; when it is over, the connection is
shut down under whoever reads from it.
"""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

T = TypeVar("T")
TIMES = 3
"""The whole may take so many times what one byte may."""
PIECE = 256 * 2**10
"""Bytes of what is too large for a limit on the whole: each piece has it."""
_own = threading.local()


class Expired(OSError):
    """The answer did not come to its end in time."""

    def __init__(self, seconds: float, what: str = "no whole answer") -> None:
        super().__init__(f"{what} within {seconds:g} s")


class Exchange:
    """One question and its answer, over whatever connections it takes."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.what = "no whole answer"
        """That there is when its time is over."""
        self.expired = False
        self._ends = 0.0
        self._timer: threading.Timer | None = None
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

    @contextmanager
    def running(self) -> Iterator[None]:
        """Its clock runs, from the beginning. Raises Expired, whatever the reader was told by a connection shut."""
        self.renew()
        self._wait(self.seconds)
        try:
            yield
        except Exception as error:  # Whatever a reader makes of a connection that was shut under it.
            if self.expired:
                raise Expired(self.seconds, self.what) from error
            raise
        finally:
            with self._lock:
                timer, self._timer = self._timer, None
            if timer:
                timer.cancel()
        if self.expired:  # An answer without a length seems to end well when its connection is shut.
            raise Expired(self.seconds, self.what)

    def renew(self) -> None:
        """So much came or went that the clock runs from the beginning again."""
        self._ends = time.monotonic() + self.seconds

    def _wait(self, seconds: float) -> None:
        self._timer = threading.Timer(seconds, self._look)
        self._timer.daemon = True
        self._timer.start()

    def _look(self) -> None:
        """It may have been renewed meanwhile, or be over."""
        with self._lock:
            if self._timer is None:
                return
            left = self._ends - time.monotonic()
            if left > 0:
                self._wait(left)
                return
            self.expired = True
            for held in self._used:
                _shut(held)


@contextmanager
def within(seconds: float) -> Iterator[Exchange]:
    """Whatever is asked here, in this thread, is over after so long. Within another one, that one's limit holds.

    Raises Expired.
    """
    outer: Exchange | None = getattr(_own, "exchange", None)
    if outer is not None:
        yield outer
        return
    whole = Exchange(seconds)
    _own.exchange = whole
    try:
        with whole.running():
            yield whole
    finally:
        _own.exchange = None


def sent(body: bytes, whole: Exchange) -> Iterator[bytes]:
    """A large body, piece by piece: the limit is each piece's, and behind the last one the answer's."""
    left = memoryview(body)
    while left:
        whole.renew()
        yield bytes(left[:PIECE])
        left = left[PIECE:]
    whole.renew()


class Paced:
    """An answer's body while it is on its way: the limit is each piece's, however long its reader takes between two."""

    def __init__(self, response: urllib3.BaseHTTPResponse, whole: Exchange) -> None:
        """`whole`: the exchange that it came by, which is over."""
        self.status = response.status
        self._response, self._whole = response, whole
        whole.what = f"less than {PIECE // 2**10} KiB"

    def read(self, size: int) -> bytes:
        """So much of it, less at its end alone. Raises Expired, and as urllib3 does."""
        found = bytearray()
        while len(found) < size:
            with self._whole.running():
                piece = self._response.read(min(PIECE, size - len(found)))
            if not piece:
                break
            found += piece
        return bytes(found)


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

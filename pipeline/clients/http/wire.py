"""Wire: a connection whose every wait ends at one deadline, and whose answers are bounded in bytes.

A timeout of a socket is for one wait alone: a server that sends a byte a second would hold its reader for ever.
"""

import http.client
import io
import socket
import ssl
import threading
import time
import weakref
from typing import Any

from davy.pipeline.clients.http.proxies import Proxy

MOST_OF_A_HEAD = 2**17
"""Bytes of what a proxy may answer to CONNECT."""
NEVER = float("inf")


class Overflow(Exception):
    """More came than anything that is asked for can be."""


class TunnelRefused(OSError):
    """The proxy answered CONNECT with something else than yes."""

    def __init__(self, proxy: Proxy, status: int) -> None:
        super().__init__(f"the proxy {proxy} answered CONNECT with {status}")
        self.status = status


class Wire:
    """A connected socket, plain or under TLS."""

    def __init__(self, sock: Any, ends: float, below: "Wire | None" = None) -> None:
        """`below`: the wire that this one's bytes travel on, where TLS lies within TLS."""
        self._sock, self._below = sock, below
        # Whoever forgets a wire leaves no open socket behind. Not `__del__`: of things that know each other, the
        # socket's own may come first, and complain.
        self._forgotten = weakref.finalize(self, sock.close)
        self._forgotten.atexit = False
        self._ends, self._wait = ends, NEVER
        self._most: float = MOST_OF_A_HEAD

    def until(self, ends: float, *, wait: float = NEVER, most: float = NEVER) -> None:
        """From now on: all ends at `ends` by the monotonic clock, each wait within `wait` seconds, after `most` bytes.

        Past that, TimeoutError and Overflow are raised.
        """
        self._ends, self._wait, self._most = ends, wait, most
        if self._below is not None:
            self._below.until(ends, wait=wait)

    def sendall(self, data: bytes) -> None:
        """All of it. Raises TimeoutError, OSError."""
        left = memoryview(data)
        while left:
            self._sock.settimeout(self._left())
            left = left[self._sock.send(left) :]

    def recv_into(self, buffer: Any) -> int:
        """As a socket's; what came counts. Raises TimeoutError, Overflow, OSError."""
        self._sock.settimeout(self._left())
        count: int = self._sock.recv_into(buffer)
        self._most -= count
        if self._most < 0:
            raise Overflow
        return count

    def recv(self, size: int) -> bytes:
        """As a socket's."""
        buffer = bytearray(size)
        return bytes(buffer[: self.recv_into(buffer)])

    def settimeout(self, seconds: float | None) -> None:
        """For who takes it for a socket: the deadline stands."""

    def makefile(self, mode: str, *_: object) -> io.BufferedReader:  # noqa: ARG002 - a socket's shape
        """What `http.client` reads from."""
        return io.BufferedReader(_Raw(self))

    def close(self) -> None:
        """Whatever state it is in."""
        self._forgotten()
        if self._below is not None:
            self._below.close()

    def secured(self, tls: ssl.SSLContext, name: str) -> "Wire":
        """TLS on it, with a certificate for the name. Raises OSError."""
        if isinstance(self._sock, ssl.SSLSocket) or self._below is not None:
            from urllib3.util.ssltransport import SSLTransport  # noqa: PLC0415 - behind a proxy under TLS alone

            self._most = NEVER
            return Wire(SSLTransport(self, tls, server_hostname=name), self._ends, self)  # type: ignore[arg-type]
        self._sock.settimeout(self._left())
        return Wire(tls.wrap_socket(self._sock, server_hostname=_encoded(name)), self._ends)

    def _left(self) -> float | None:
        """Seconds for the next wait. Raises TimeoutError where none is left."""
        left = min(self._wait, self._ends - time.monotonic())
        if left <= 0:
            raise TimeoutError
        return None if left == NEVER else left


class _Raw(io.RawIOBase):
    def __init__(self, wire: Wire) -> None:
        super().__init__()
        self._wire = wire

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._wire.recv_into(buffer)


def dialled(host: str, port: int, ends: float) -> Wire:
    """Connected to the first of its addresses that takes it. Raises OSError; gaierror for a name that nobody knows."""
    last: OSError = ConnectionError(f"{host} has no address")
    for family, kind, number, _, address in _addresses(host, port, ends):
        left = ends - time.monotonic()
        if left <= 0:
            raise TimeoutError
        sock = socket.socket(family, kind, number)
        try:
            sock.settimeout(left)
            sock.connect(address)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            sock.close()
            last = error
        else:
            return Wire(sock, ends)
    raise last


def _encoded(name: str) -> str | bytes:
    """As bytes, a name in plain letters needs none of the tables of all other ones."""
    return name.encode() if name.isascii() else name


def _addresses(host: str, port: int, ends: float) -> list[Any]:
    """Asked in a thread: a resolver takes its own time, and knows no deadline."""
    found: list[Any] = []
    wrong: list[Exception] = []

    def ask() -> None:
        try:
            found.extend(socket.getaddrinfo(_encoded(host), port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            wrong.append(error)

    asker = threading.Thread(target=ask, daemon=True)
    asker.start()
    asker.join(max(0.0, ends - time.monotonic()))
    if wrong:
        error = wrong[0]
        raise error if isinstance(error, OSError) else socket.gaierror(socket.EAI_NONAME, "no name of a host")
    if asker.is_alive():
        raise TimeoutError
    return found


def tunnelled(proxy: Proxy, host: str, port: int, ends: float) -> Wire:
    """Through a proxy by CONNECT. Raises OSError; TunnelRefused where it says no."""
    wire = to_proxy(proxy, ends)
    try:
        place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        own = f"Proxy-Authorization: {proxy.authorization}\r\n" if proxy.authorization else ""
        wire.sendall(f"CONNECT {place} HTTP/1.1\r\nHost: {place}\r\nUser-Agent: davy\r\n{own}\r\n".encode())
        answer = http.client.HTTPResponse(wire, method="CONNECT")  # type: ignore[arg-type]
        answer.begin()
        if answer.status // 100 != 2:
            raise TunnelRefused(proxy, answer.status)
    except BaseException:
        wire.close()
        raise
    return wire


def to_proxy(proxy: Proxy, ends: float) -> Wire:
    """Connected to the proxy itself. Raises OSError."""
    wire = dialled(proxy.host, proxy.port, ends)
    if not proxy.tls:
        return wire
    try:
        return wire.secured(ssl.create_default_context(), proxy.host)
    except BaseException:
        wire.close()
        raise

"""Call: one request and its answer on a wire, bounded in size."""

import http.client
import ssl
from collections.abc import Iterator
from urllib.parse import urlsplit

from davy.pipeline.clients.http.proxies import PORTS
from davy.pipeline.clients.http.wire import Overflow, Wire, dialled, to_proxy, tunnelled
from davy.pipeline.clients.kubernetes import answers
from davy.pipeline.clients.kubernetes.access import Access
from davy.pipeline.core.fast_dataclass import dataclass

JSON = "application/json"
MOST = 2**25
"""Bytes of an answer: a page of a list is the largest that is asked for; etcd holds no object above 2 MiB."""
MOST_OF_A_TEXT = 2**23
"""Bytes of a log; of a longer one the beginning is kept."""
MOST_OF_A_FAILURE = 2**16
SLACK = 2**20
"""Bytes of head, chunks and what else is no body."""
LONGEST_LINE = 2**20
"""Bytes of a line of a stream; of a longer one the beginning is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiRequest:
    """One request, ready to be sent as often as it takes."""

    method: str
    target: str
    timeout: float
    data: bytes | None = None
    kind: str = JSON
    accept: str = JSON
    repeatable: bool = True
    """False: not sent again once it may have been carried out."""
    cut: bool = False
    """True: of an answer that is too long the beginning will do."""

    @property
    def most(self) -> int:
        """Bytes of its answer."""
        return MOST_OF_A_TEXT if self.cut else MOST

    def __str__(self) -> str:
        return f"{self.method} {urlsplit(self.target).path}"


def connected(access: Access, tls: ssl.SSLContext | None, ends: float) -> Wire:
    """A wire to the API server, by its proxy where there is one; `tls` for https. Raises OSError."""
    place, proxy = urlsplit(access.server), access.proxy
    host, port = place.hostname or "", place.port or PORTS[place.scheme]
    if tls is None:
        return to_proxy(proxy, ends) if proxy else dialled(host, port, ends)
    wire = tunnelled(proxy, host, port, ends) if proxy else dialled(host, port, ends)
    try:
        return wire.secured(tls, access.server_name or host)
    except BaseException:
        wire.close()
        raise


def asked(access: Access, wire: Wire, ask: ApiRequest) -> http.client.HTTPResponse:
    """The request sent, and the head of its answer. Raises OSError, HTTPException, ValueError."""
    wire.sendall(_head(access, ask) + (ask.data or b""))
    response = http.client.HTTPResponse(wire, method=ask.method)  # type: ignore[arg-type] # all it asks of a socket
    response.begin()
    return response


def body_of(access: Access, response: http.client.HTTPResponse, ask: ApiRequest) -> bytes:
    """The body, whole; of a log or a failure as much as is wanted. Raises Overflow, Unreachable, and as `asked`."""
    encoding = response.headers.get("Content-Encoding") or "identity"
    if encoding.lower() != "identity":
        # Nobody asked for it, and to unpack it would be to believe its size.
        raise answers.strange(str(ask), f"a body in an encoding not asked for ({encoding[:40]})", access)
    most = ask.most if 200 <= response.status < 300 else MOST_OF_A_FAILURE
    body = response.read(most + 1)
    if len(body) > most:
        if most == MOST:
            raise Overflow
        return body[:most]
    if response.length:
        raise http.client.IncompleteRead(body, response.length)
    if not response.isclosed():
        response.read(1)  # The end of the last chunk, or of the connection.
    return body


def lines_of(response: http.client.HTTPResponse) -> Iterator[str]:
    """As they come. Raises OSError, HTTPException."""
    whole = True
    while line := response.readline(LONGEST_LINE):
        if whole:
            yield line.decode(errors="replace").rstrip("\r\n")
        whole = line.endswith(b"\n")


def _head(access: Access, ask: ApiRequest) -> bytes:
    """All of the request but its body: a list of headers, for one may stand there several times."""
    place, proxy = urlsplit(access.server), access.proxy
    host = place.netloc.rpartition("@")[2]
    where = place.path.rstrip("/") + ask.target
    lines = [("Host", host), ("Accept", ask.accept), ("Accept-Encoding", "identity"), ("User-Agent", "davy")]
    if ask.data is not None:
        lines += [("Content-Type", ask.kind), ("Content-Length", str(len(ask.data)))]
    if proxy and place.scheme == "http":
        where = f"http://{host}{where}"
        lines += [("Proxy-Authorization", proxy.authorization)] if proxy.authorization else []
    lines += access.headers()
    said = "".join(f"{name}: {value}\r\n" for name, value in lines)
    return f"{ask.method} {where} HTTP/1.1\r\n{said}\r\n".encode()

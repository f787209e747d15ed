"""A proxy that counts: what one client asks of the real API server, and how many bytes come back, streams included."""

import http.client
from collections import Counter
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from urllib.parse import urlsplit

from .proxy import Proxy, kept

LONGEST = 3600.0
"""Seconds that a stream may say nothing."""
PART = 2**16


class CountingProxy(Proxy):
    """Forwards everything to `upstream` as it comes. Speaks plain HTTP on its own side."""

    def __init__(self, upstream: str) -> None:
        super().__init__(upstream, self._handler(), longest=LONGEST)
        self.requests: Counter[str] = Counter()
        """By method and path, a watch marked as one."""
        self.received: Counter[str] = Counter()
        """Bytes of their answers, heads included, by the same."""

    def asked(self, what: str) -> None:
        with self.lock:
            self.requests[what] += 1

    def came(self, what: str, size: int) -> None:
        with self.lock:
            self.received[what] += size

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        return type("Handler", (_Forwarder,), {"proxy": self})


class _Forwarder(BaseHTTPRequestHandler):
    """One connection of the client, with one of its own to the server."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    proxy: CountingProxy

    def log_message(self, *_: object) -> None:
        return

    def setup(self) -> None:
        super().setup()
        self.beyond = self.proxy.connection()

    def finish(self) -> None:
        self.beyond.close()
        super().finish()

    def handle(self) -> None:
        with suppress(OSError):  # The client hung up in the middle of a stream.
            super().handle()

    def forward(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = dict(kept(self.headers.items()))
        what = asked_for(self.command, self.path)
        self.proxy.asked(what)
        self.beyond.request(self.command, self.path, body=body or None, headers=headers)
        with self.beyond.getresponse() as answer:
            self.head(answer, what)
            self.relay(answer, what)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = forward  # noqa: N815 - the package's names

    def head(self, answer: http.client.HTTPResponse, what: str) -> None:
        self.send_response_only(answer.status)
        heads = kept(answer.getheaders())
        size = answer.headers.get("Content-Length")
        heads.append(("Transfer-Encoding", "chunked") if size is None else ("Content-Length", size))
        for name, value in heads:
            self.send_header(name, value)
        self.end_headers()
        self.proxy.came(what, sum(len(name) + len(value) + 4 for name, value in heads))

    def relay(self, answer: http.client.HTTPResponse, what: str) -> None:
        chunked = answer.headers.get("Content-Length") is None
        while part := answer.read1(PART):
            self.proxy.came(what, len(part))
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part) if chunked else part)
        if chunked:
            self.wfile.write(b"0\r\n\r\n")


def asked_for(method: str, path: str) -> str:
    """The request in a few words."""
    parts = urlsplit(path)
    verb = "WATCH" if "watch=true" in parts.query or "watch=1" in parts.query else method
    return f"{verb} {parts.path}"

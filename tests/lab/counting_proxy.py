"""A proxy that counts: what one client asks of the real API server, and how many bytes come back, streams included."""

import http.client
import ssl
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "host"}
LONGEST = 3600.0
"""Seconds that a stream may say nothing."""
PART = 2**16


class CountingProxy:
    """Forwards everything to `upstream` as it comes. Speaks plain HTTP on its own side."""

    def __init__(self, upstream: str) -> None:
        self.upstream = urlsplit(upstream)
        self.requests: Counter[str] = Counter()
        """By method and path, a watch marked as one."""
        self.received: Counter[str] = Counter()
        """Bytes of their answers, heads included, by the same."""
        self.lock = threading.Lock()
        self.tls = ssl.create_default_context()
        # The lab's own server on this machine; its certificate is not what is measured.
        self.tls.check_hostname = False
        self.tls.verify_mode = ssl.CERT_NONE
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    @contextmanager
    def running(self) -> Iterator["CountingProxy"]:
        thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.server.shutdown()
            self.server.server_close()
            thread.join()

    def asked(self, what: str) -> None:
        with self.lock:
            self.requests[what] += 1

    def came(self, what: str, size: int) -> None:
        with self.lock:
            self.received[what] += size

    def connection(self) -> http.client.HTTPConnection:
        host, port = self.upstream.hostname or "", self.upstream.port
        if self.upstream.scheme == "https":
            return http.client.HTTPSConnection(host, port, context=self.tls, timeout=LONGEST)
        return http.client.HTTPConnection(host, port, timeout=LONGEST)

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
        kept = {name: value for name, value in self.headers.items() if name.lower() not in HOP_BY_HOP}
        what = asked_for(self.command, self.path)
        self.proxy.asked(what)
        self.beyond.request(self.command, self.path, body=body or None, headers=kept)
        with self.beyond.getresponse() as answer:
            self.head(answer, what)
            self.relay(answer, what)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = forward  # noqa: N815 - the package's names

    def head(self, answer: http.client.HTTPResponse, what: str) -> None:
        self.send_response_only(answer.status)
        heads = [(name, value) for name, value in answer.getheaders() if name.lower() not in HOP_BY_HOP]
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

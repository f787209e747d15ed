"""A proxy between a client and a real server of the lab, plain HTTP on its own side: what all such have in common."""

import http.client
import ssl
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self
from urllib.parse import urlsplit

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "host"}


class Proxy:
    """Forwards to `upstream`. `longest`: seconds that it waits for a word of the server."""

    def __init__(self, upstream: str, handler: type[BaseHTTPRequestHandler], *, longest: float) -> None:
        self.upstream, self.longest = urlsplit(upstream), longest
        self.lock = threading.Lock()
        self.tls = ssl.create_default_context()
        # The lab's own server on this machine; its certificate is not what is tested.
        self.tls.check_hostname = False
        self.tls.verify_mode = ssl.CERT_NONE
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    @contextmanager
    def running(self) -> Iterator[Self]:
        thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.server.shutdown()
            self.server.server_close()
            thread.join()

    def connection(self) -> http.client.HTTPConnection:
        """To the real server."""
        host, port = self.upstream.hostname or "", self.upstream.port
        if self.upstream.scheme == "https":
            return http.client.HTTPSConnection(host, port, context=self.tls, timeout=self.longest)
        return http.client.HTTPConnection(host, port, timeout=self.longest)


def kept(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Those that concern more than one connection."""
    return [(name, value) for name, value in headers if name.lower() not in HOP_BY_HOP]

"""A proxy that misbehaves on request: stands before the real API server or Prometheus and causes their faults."""

import json
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

from .proxy import Proxy, kept

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


@dataclass(kw_only=True)
class Fault:
    """What happens to the next requests that match."""

    times: int
    status: int
    method: str = ""
    path: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    before: bool = True
    """False: the request reaches the real server, and only its answer is lost and replaced."""

    def matches(self, method: str, path: str) -> bool:
        return self.times > 0 and self.method in ("", method) and self.path in path


class FaultyProxy(Proxy):
    """Forwards everything to `upstream` until told otherwise. Thread-safe."""

    def __init__(self, upstream: str) -> None:
        super().__init__(upstream, self._handler(), longest=60)
        self.faults: list[Fault] = []
        self.silent_until = 0.0
        self.dead = False
        self.requests: list[tuple[str, str]] = []
        self.answers: list[tuple[str, str, int]] = []
        """What the real server was asked, and its status."""

    def answer(self, status: int, *, times: int, **match: object) -> None:
        """The next `times` matching requests are answered with `status`."""
        with self.lock:
            self.faults.append(Fault(times=times, status=status, **match))  # type: ignore[arg-type]

    def wait_for(self, method: str, path: str, within: float = 120) -> None:
        """Until such a request was made."""
        ends = time.monotonic() + within
        while not any(method == each[0] and path in each[1] for each in self.requests):
            assert time.monotonic() < ends, f"no {method} {path} within {within} s"
            time.sleep(0.02)

    def silence(self, seconds: float) -> None:
        """Nothing is answered at all for so long; then the connections are cut."""
        self.silent_until = time.monotonic() + seconds

    def kill(self) -> None:
        """Every connection is cut at once, until `revive`."""
        self.dead = True

    def revive(self) -> None:
        self.dead = False

    def mute(self) -> bool:
        """True where this request gets no answer; waits out the silence first."""
        began_in_silence = time.monotonic() < self.silent_until
        while time.monotonic() < self.silent_until:
            time.sleep(0.05)
        return self.dead or began_in_silence

    def _fault(self, method: str, path: str) -> Fault | None:
        with self.lock:
            self.requests.append((method, path))
            for fault in self.faults:
                if fault.matches(method, path):
                    fault.times -= 1
                    return fault
        return None

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                return

            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if proxy.mute():
                    self.close_connection = True
                    return
                fault = proxy._fault(self.command, self.path)
                if fault and fault.before:
                    self.reply(fault.status, fault.headers, status_body(fault.status))
                    return
                connection = proxy.connection()
                try:
                    headers = dict(kept(self.headers.items()))
                    connection.request(self.command, self.path, body=body or None, headers=headers)
                    answer = connection.getresponse()
                    data = answer.read()
                    proxy.answers.append((self.command, self.path, answer.status))
                finally:
                    connection.close()
                if fault:
                    self.reply(fault.status, fault.headers, status_body(fault.status))
                    return
                self.reply(answer.status, dict(kept(answer.getheaders())), data)

            def reply(self, status: int, headers: dict[str, str], data: bytes) -> None:
                self.send_response_only(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        for method in METHODS:
            setattr(Handler, f"do_{method}", Handler.handle_any)
        return Handler


def status_body(code: int) -> bytes:
    """As Kubernetes says it."""
    document = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "message": f"made up: {code}"}
    return json.dumps(document).encode()

"""The HTTP server, and how it stops without losing a request.

On SIGTERM Kubernetes takes the pod out of the Service, but every node learns of it a
little later. So: say "not ready", go on serving for a while, end kept connections with
the next answer, finish what is in flight, and only then stop.
https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import FrameType

from .app import App

BACKLOG = 1024
IDLE_SECONDS = 5
LAST_REQUESTS_SECONDS = 10
LARGEST_BODY = 64 * 1024


class Server(ThreadingHTTPServer):
    """One thread per connection; a burst waits in the backlog and is not refused."""

    request_queue_size = BACKLOG
    daemon_threads = True  # idle kept connections must not hold up the end
    app: App

    def __init__(self, address: tuple[str, int], app: App) -> None:
        self.app = app
        self._in_flight = 0
        self._changed = threading.Condition()
        super().__init__(address, Handler)

    def enter(self) -> None:
        with self._changed:
            self._in_flight += 1

    def leave(self) -> None:
        with self._changed:
            self._in_flight -= 1
            self._changed.notify_all()

    def process_request(self, request: object, client_address: object) -> None:
        """A connection is in flight from its acceptance, before its thread runs."""
        self.enter()
        super().process_request(request, client_address)  # type: ignore[arg-type]

    def wait_for_last_requests(self, seconds: float) -> bool:
        """Wait for the requests in flight; say whether all were answered in time."""
        with self._changed:
            return self._changed.wait_for(lambda: self._in_flight == 0, seconds)


class Handler(BaseHTTPRequestHandler):
    """Reads requests from one connection and writes what the app answers."""

    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS
    disable_nagle_algorithm = True
    wbufsize = -1  # headers and body leave in one packet
    server: Server

    def handle(self) -> None:
        """Serve the connection; while it waits for a next request it is not in flight."""
        self._holds = True
        self.close_connection = True
        try:
            self.handle_one_request()
            while not self.close_connection:
                self._let_go()
                self.handle_one_request()
        except ConnectionError:
            pass  # the client has gone away: nobody is left to answer
        finally:
            self._let_go()

    def parse_request(self) -> bool:
        """A request line has come: from here on the connection is in flight again."""
        if not self._holds:
            self._holds = True
            self.server.enter()
        return super().parse_request()

    def _let_go(self) -> None:
        if self._holds:
            self._holds = False
            self.server.leave()

    def do_GET(self) -> None:
        self._reply()

    def do_POST(self) -> None:
        self._reply()

    def _reply(self) -> None:
        app = self.server.app
        length = self.headers.get("Content-Length", "0")
        if not length.isdigit() or int(length) > LARGEST_BODY:
            self.send_error(413)
            return
        answer = app.answer(self.command, self.path, self.rfile.read(int(length)))
        self.send_response_only(answer.code)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.send_header("X-Version", app.settings.version)
        self.send_header("X-Pod", app.settings.pod)
        if app.is_draining or self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        """Say nothing per request: the counters do."""


def serve(app: App) -> None:
    """Serve until SIGTERM, then drain and return."""
    server = Server(("", app.settings.port), app)
    asked_to_stop = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        asked_to_stop.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    loop = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1})
    loop.start()
    say(f"serving {app.settings.version} on port {server.server_port}")
    asked_to_stop.wait()
    drain(server, app)
    loop.join()
    say("stopped")


def drain(server: Server, app: App) -> None:
    """Go on serving until the word has spread, then finish what is in flight."""
    app.is_draining = True
    say(f"draining for {app.settings.drain_seconds:g} s")
    time.sleep(app.settings.drain_seconds)
    server.shutdown()
    _accept_the_waiting(server)
    if not server.wait_for_last_requests(LAST_REQUESTS_SECONDS):
        say("some requests took too long and were cut off")
    server.server_close()


def _accept_the_waiting(server: Server) -> None:
    """Take what the backlog still holds: closing the socket would reset it."""
    server.socket.settimeout(0)
    while True:
        try:
            connection, client = server.socket.accept()
        except (BlockingIOError, InterruptedError):
            return
        connection.settimeout(IDLE_SECONDS)
        server.process_request(connection, client)


def say(text: str) -> None:
    print(f"checkout: {text}", file=sys.stderr, flush=True)

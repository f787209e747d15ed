"""Feeds: a real stream of a server on this machine, heard in a thread."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from davy.canary.platforms.kubernetes.watches.feeds import LASTS, SILENT, ThreadFeed
from davy.pipeline.clients.kubernetes.api import METADATA, KubeApi
from davy.pipeline.clients.kubernetes.kubeconfig import Access

QUERY = {"watch": "true", "resourceVersion": "7"}


@dataclass
class Server:
    """Sends its lines one by one, each when it is let go."""

    url: str = ""
    status: int = 200
    lines: tuple[str, ...] = ()
    next: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    asked: list[tuple[str, str]] = field(default_factory=list)
    rounds: list[tuple[str, ...]] = field(default_factory=list)
    """Streams before that, each ended by the server."""
    connections: int = 0


@pytest.fixture
def server() -> Iterator[Server]:
    told = Server()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            return

        def setup(self) -> None:
            super().setup()
            told.connections += 1

        def do_GET(self) -> None:
            told.asked.append((self.path, self.headers["Accept"]))
            if told.rounds:
                self.whole(told.rounds.pop(0))
                return
            self.send_response(told.status)
            self.end_headers()
            self.wfile.flush()
            if told.status != 200:
                self.wfile.write(json.dumps({"kind": "Status", "message": "no"}).encode())
                return
            for line in told.lines:
                told.next.acquire(timeout=10)
                self.wfile.write(line.encode() + b"\n")
                self.wfile.flush()
            told.next.acquire(timeout=10)

        def whole(self, lines: tuple[str, ...]) -> None:
            """A stream that the server ends as it should."""
            body = "".join(f"{line}\n" for line in lines).encode()
            self.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            self.wfile.write((b"%x\r\n%s\r\n" % (len(body), body) if body else b"") + b"0\r\n\r\n")
            self.close_connection = False

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    told.url = f"http://127.0.0.1:{httpd.server_address[1]}"
    yield told
    told.next.release(20)
    httpd.shutdown()
    httpd.server_close()
    thread.join()


def until(true: Callable[[], bool]) -> None:
    ends = time.monotonic() + 10
    while not true():
        assert time.monotonic() < ends, "did not come true in ten seconds"
        threading.Event().wait(0.01)


def feed_of(server: Server) -> ThreadFeed:
    return ThreadFeed(KubeApi(Access(server=server.url)), "/things", QUERY, METADATA)


def test_it_is_open_before_the_first_line_and_over_after_the_last(server: Server) -> None:
    server.lines = ("one", "two")
    feed = feed_of(server)
    until(lambda: feed.is_open)
    assert (feed.taken(), feed.is_over) == ([], False)
    server.next.release(3)
    until(lambda: feed.is_over)
    assert (feed.is_open, feed.is_refused, feed.taken(), feed.taken()) == (False, False, ["one", "two"], [])


def test_it_asks_for_what_is_wanted_and_for_an_end_some_time(server: Server) -> None:
    feed = feed_of(server)
    until(lambda: feed.is_open)
    ((target, accept),) = server.asked
    assert (target.partition("?")[0], accept) == ("/things", METADATA)
    assert {"watch=true", "resourceVersion=7", f"timeoutSeconds={LASTS}"} == set(target.partition("?")[2].split("&"))


@pytest.mark.parametrize(("status", "refused"), [(403, True), (500, False), (410, False), (404, False)])
def test_a_server_that_does_not_agree_ends_it_and_raises_nothing(server: Server, status: int, refused: bool) -> None:
    server.status = status
    feed = feed_of(server)
    until(lambda: feed.is_over)
    assert (feed.is_open, feed.is_refused, feed.taken()) == (False, refused, [])


def test_where_no_server_is_it_is_over() -> None:
    feed = ThreadFeed(KubeApi(Access(server="http://127.0.0.1:9")), "/things", QUERY, METADATA)
    until(lambda: feed.is_over)
    assert not feed.is_refused


def test_one_that_was_closed_keeps_no_line_that_comes_later(server: Server) -> None:
    server.lines = ("late", "later")
    feed = feed_of(server)
    until(lambda: feed.is_open)
    feed.close()
    server.next.release(3)
    until(lambda: feed.is_over)
    assert feed.taken() == []


def told(version: int) -> str:
    return json.dumps({"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": str(version)}}})


def test_where_the_server_ends_it_it_goes_on_from_there_on_the_same_connection(server: Server) -> None:
    server.rounds = [(told(8), told(11)), (), (told(15),)]
    feed = feed_of(server)
    until(lambda: len(server.asked) == 4)
    begun = [dict(one.split("=") for one in target.partition("?")[2].split("&")) for target, _ in server.asked]
    assert [one["resourceVersion"] for one in begun] == ["7", "11", "11", "15"]
    assert (server.connections, feed.is_open, feed.is_over) == (1, True, False)
    assert feed.taken() == [told(8), told(11), told(15)]


def test_one_that_falls_silent_is_over_though_its_connection_is_there(server: Server) -> None:
    began = time.monotonic()
    feed = feed_of(server)
    until(lambda: feed.is_over)
    assert SILENT <= time.monotonic() - began < SILENT + 2
    assert not feed.is_open

"""The API client against a server that misbehaves."""

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from davy.pipeline.clients.kubernetes.api import KubeApi, RefusedRequest
from davy.pipeline.clients.kubernetes.kubeconfig import Access
from davy.pipeline.core.errors import Conflict, Forbidden, Missing, Unreachable


@dataclass
class Server:
    """Answers as told, in turn; the last answer stays."""

    url: str = ""
    turns: list[Any] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)


def status(code: int, message: str = "said so", **details: Any) -> tuple[int, dict[str, str], Any]:
    return code, {}, {"kind": "Status", "message": message, "details": details}


@pytest.fixture
def server() -> Iterator[Server]:
    told = Server()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            told.seen.append(f"{self.command} {self.path}")
            told.headers.append(dict(self.headers))
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            told.bodies.append(json.loads(body) if body else None)
            turn = told.turns.pop(0) if len(told.turns) > 1 else told.turns[0]
            if turn == "hang up":
                self.close_connection = True
                return
            if isinstance(turn, float):
                time.sleep(turn)
                turn = (200, {}, {"late": True})
            code, headers, document = turn
            data = json.dumps(document).encode()
            if "Date" in headers:
                self.send_response_only(code)
            else:
                self.send_response(code)
            for name, value in {"Content-Length": str(len(data)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815

        def log_message(self, *args: object) -> None:
            pass

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *args: object) -> None:
            pass

    with Quiet(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever, args=(0.01,))
        thread.start()
        told.url = f"http://127.0.0.1:{http.server_port}"
        yield told
        http.shutdown()
        thread.join()


@pytest.fixture
def slept() -> list[float]:
    return []


@pytest.fixture
def api(server: Server, slept: list[float]) -> Iterator[KubeApi]:
    access = Access(server=server.url, token="hush-hush", context="lab")
    client = KubeApi(access, timeout=0.3, patience=1.0, sleep=slept.append)
    yield client
    client.close()


OK = (200, {}, {"ok": True})


def test_a_conflict_is_told_at_once_and_not_tried_again(server: Server, api: KubeApi) -> None:
    server.turns = [status(409, "the object has been modified")]
    with pytest.raises(Conflict, match="the object has been modified"):
        api.replace("/x", {})
    assert len(server.seen) == 1


def test_being_turned_away_is_waited_out_as_long_as_the_server_asks(
    server: Server, api: KubeApi, slept: list[float]
) -> None:
    server.turns = [(429, {"Retry-After": "3"}, {}), OK]
    assert api.create("/x", {"a": 1}) == {"ok": True}
    assert 2.4 <= slept[0] <= 3.6


@pytest.mark.parametrize("code", [500, 502, 503, 504])
def test_a_failure_of_the_server_is_tried_again_where_that_is_safe(server: Server, api: KubeApi, code: int) -> None:
    server.turns = [status(code), status(code), OK]
    assert api.patch("/x", []) == {"ok": True}
    assert len(server.seen) == 3


def test_a_create_is_not_sent_twice_after_a_failure_of_the_server(server: Server, api: KubeApi) -> None:
    server.turns = [status(500), OK]
    with pytest.raises(Unreachable, match="500"):
        api.create("/x", {})
    assert len(server.seen) == 1


def test_a_create_is_not_sent_twice_after_a_lost_answer(server: Server, api: KubeApi) -> None:
    server.turns = ["hang up", OK]
    with pytest.raises(Unreachable):
        api.create("/x", {})
    assert len(server.seen) == 1


def test_a_create_that_knows_its_own_is_sent_again(server: Server, api: KubeApi) -> None:
    server.turns = ["hang up", status(503), OK]
    assert api.create("/x", {}, repeatable=True) == {"ok": True}


def test_a_lost_answer_to_a_patch_is_no_matter(server: Server, api: KubeApi) -> None:
    server.turns = ["hang up", OK]
    assert api.patch("/x", []) == {"ok": True}


def test_a_server_that_does_not_answer_in_time_is_asked_again(server: Server, api: KubeApi) -> None:
    server.turns = [0.6, OK]
    assert api.get("/x") == {"ok": True}


def test_a_server_that_never_answers_is_given_up_with_a_remedy(server: Server, api: KubeApi) -> None:
    server.turns = [0.7]
    with pytest.raises(Unreachable, match="no answer in time") as caught:
        api.get("/x")
    assert "readyz" in caught.value.remedy


def test_a_server_that_is_not_there_is_told_at_once(slept: list[float]) -> None:
    api = KubeApi(Access(server="http://127.0.0.1:1"), sleep=slept.append)
    with pytest.raises(Unreachable, match=r"Nothing listens at 127\.0\.0\.1:1: the connection was refused"):
        api.create("/x", {})
    assert not slept


def test_a_server_that_comes_back_is_found_again(server: Server, api: KubeApi) -> None:
    server.turns = [OK]
    api.get("/x")
    server.turns = ["hang up", "hang up", OK]
    assert api.get("/x") == {"ok": True}


@pytest.mark.parametrize(
    ("code", "kind"), [(401, Forbidden), (403, Forbidden), (404, Missing), (422, RefusedRequest), (400, RefusedRequest)]
)
def test_each_refusal_has_its_own_error_and_says_what_to_do(
    server: Server, api: KubeApi, code: int, kind: type[Exception]
) -> None:
    server.turns = [status(code, "because")]
    with pytest.raises(kind) as caught:
        api.get("/x")
    assert caught.value.remedy  # type: ignore[attr-defined]
    assert len(server.seen) == 1


def test_the_causes_of_a_refusal_are_told(server: Server, api: KubeApi) -> None:
    server.turns = [status(422, "invalid", causes=[{"message": "testing value failed"}])]
    with pytest.raises(RefusedRequest, match="invalid; testing value failed"):
        api.patch("/x", [])


@pytest.mark.parametrize("code", [401, 403, 404, 409, 422, 418])
def test_an_error_shows_neither_the_token_nor_a_whole_body(server: Server, api: KubeApi, code: int) -> None:
    server.turns = [status(code, "x" * 10_000)]
    with pytest.raises(Exception) as caught:  # noqa: PT011 -- whichever it is
        api.get("/x")
    assert len(str(caught.value)) < 700
    assert "hush" not in str(caught.value)
    assert "hush" not in repr(api.access)
    assert server.headers[0]["Authorization"] == "Bearer hush-hush"


def test_the_clock_is_the_servers(server: Server, api: KubeApi) -> None:
    server.turns = [(200, {"Date": "Mon, 05 Jan 2026 09:00:00 GMT"}, {})]
    api.get("/x")
    assert abs(api.server_now() - datetime(2026, 1, 5, 9, tzinfo=UTC)) < timedelta(seconds=2)


def test_fresh_credentials_are_fetched_once_when_the_old_ones_ran_out(server: Server) -> None:
    fresh = Access(server=server.url, token="new")
    api = KubeApi(Access(server=server.url, token="old", sign_in=lambda: fresh))
    server.turns = [status(401), OK]
    assert api.get("/x") == {"ok": True}
    assert [headers["Authorization"] for headers in server.headers] == ["Bearer old", "Bearer new"]
    api.close()


def test_deleting_what_is_gone_is_no_error(server: Server, api: KubeApi) -> None:
    server.turns = [status(404)]
    api.delete("/x")


def test_a_streams_lines_come_one_by_one_and_silence_is_told(server: Server, api: KubeApi) -> None:
    server.turns = [(200, {}, "a line")]
    assert list(api.lines("/x")) == ['"a line"']
    server.turns = [0.5]
    with pytest.raises(TimeoutError):
        list(api.lines("/x", quiet=0.1))

"""WebDriver: the door that a suite's tests go through to a cloud. It signs in, marks, waits its turn, and remembers."""

import contextlib
import json
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

import requests

from davy.pipeline.adapters.cloudapi import ANSWER, CONNECT, LONGEST, CloudApi, waited
from davy.pipeline.adapters.sessionstart import STARTS, asked_until_clear, refused
from davy.pipeline.adapters.turns import Turns
from davy.pipeline.errors import DavyError, Unusable
from davy.pipeline.ports import Say
from davy.pipeline.testing import capabilities, dialects
from davy.pipeline.testing.capabilities import Wish
from davy.pipeline.testing.hubanswers import Answer, Meaning

HOP = {"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "proxy-authorization", "host"} | {
    "authorization",
    "content-length",
    "content-encoding",
    "accept-encoding",
}
"""Headers that end at the door."""
MOST_BODY = 256 * 2**20


@dataclass(slots=True, kw_only=True)
class Session:
    """A session that was started through the door."""

    id: str
    real: bool
    ended: bool = False
    told: bool = False
    """True where the test has set its result itself."""
    parked: bool = False
    """True where the test ended it, and it is kept until its result is known."""


class Door:
    """Open for one try of a suite. `url` is what the tests are given; nobody else on the machine can guess it."""

    def __init__(
        self,
        api: CloudApi,
        wish: Wish,
        turns: Turns,
        *,
        say: Say,
        noted: Callable[[Session], None] = lambda _: None,
    ) -> None:
        """`noted`: told of every session that began or ended."""
        self.api, self.wish, self.turns = api, wish, turns
        self.sessions: dict[str, Session] = {}
        self.error: DavyError | None = None
        """Why no session can be had, where that is so."""
        self.faults: list[str] = []
        """Sentences: where the cloud failed, and not the test."""
        self._say, self._noted = say, noted
        self.starting = 0
        """Starts under way."""
        self._closed = threading.Event()
        self._lock = threading.Lock()
        self._secret = secrets.token_urlsafe(12)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Asked", (_Asked,), {"door": self}))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True)

    def __enter__(self) -> "Door":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        """The WebDriver endpoint."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/{self._secret}/wd/hub"

    @property
    def prefix(self) -> str:
        """Before every path that is answered."""
        return f"/{self._secret}/wd/hub"

    def close(self) -> None:
        """Start no more sessions; who waits for one is told no."""
        self._closed.set()

    def started(self, body: dict[str, Any]) -> requests.Response | tuple[int, dict[str, Any]]:
        """A new session: the cloud's answer, or an error in WebDriver's own form."""
        try:
            wanted = capabilities.asked(self.api.cloud, body, self.wish)
        except Unusable as error:
            self._say(f"davy: {error.what}")
            return refusal(400, "invalid argument", f"{error.what} {error.remedy}")
        real = capabilities.is_real_device(wanted["capabilities"]["alwaysMatch"])
        if not self._turn():
            return refusal(500, "session not created", "davy is ending: no session is started any more.")
        session: Session | None = None
        self._counted(1)
        try:
            answer, read = asked_until_clear(self.api, wanted, self._closed.is_set, self._say)
            if read.meaning is Meaning.STARTED:
                session = self._begun(read, real=real)
            return self._told(answer, read)
        finally:
            self._counted(-1)
            if session is None:
                self.turns.done()

    def _counted(self, change: int) -> None:
        with self._lock:
            self.starting += change

    def _turn(self) -> bool:
        while not self._closed.is_set():
            if self.turns.taken(0.2):
                return True
            self._unpark()
        return False

    def _unpark(self) -> None:
        """Let a session go that only waits for its result: another test needs its turn."""
        with self._lock:
            waiting = next((one for one in self.sessions.values() if one.parked and not one.ended), None)
            if waiting is None:
                return
            waiting.parked = False
        self._say(f"davy: session {waiting.id} ends without a result: its turn is needed")
        self.end(waiting)

    def _begun(self, read: Answer, *, real: bool) -> Session:
        session = Session(id=read.session, real=real)
        with self._lock:
            self.sessions[session.id] = session
        self._noted(session)
        where = dialects.page(self.api.cloud, session.id)
        self._say(f"davy: session {session.id} on {self.api.cloud.title}{f': {where}' if where else ''}")
        if self._closed.is_set():
            self.end(session)
        return session

    def _told(self, answer: requests.Response | None, read: Answer) -> requests.Response | tuple[int, dict[str, Any]]:
        words = self.api.said(read.words)
        title = self.api.cloud.title
        if read.meaning is not Meaning.STARTED:
            self.error = self.error or refused(self.api, read)
            if self.error is None and not self._closed.is_set():
                self.faults.append(f"{title} started no session: {words or _status_words(answer)}")
        if self.error is not None and read.meaning is not Meaning.STARTED:
            self.close()
            return refusal(500, "session not created", self.error.what)
        if answer is None:
            return refusal(500, "session not created", f"{title} did not answer.")
        return answer

    def ended(self, session: Session) -> bool:
        """The test has ended it; False where it is kept until its result is known, which only it can be told."""
        script = dialects.result_script(self.api.cloud, passed=True)
        if session.real and script and not session.told and not self._closed.is_set():
            session.parked = True
            return False
        return True

    def forget(self, session: Session) -> None:
        """It is over: its turn is free."""
        with self._lock:
            if session.ended:
                return
            session.ended = True
        self.turns.done()
        self._noted(session)

    def end(self, session: Session) -> None:
        """End it as its test would."""
        with contextlib.suppress(requests.RequestException):
            url = f"{self.api.cloud.at.hub}/session/{session.id}"
            self.api.session.delete(url, timeout=(CONNECT, ANSWER))
        self.forget(session)

    def lost(self, session: Session, status: int) -> None:
        """The cloud failed in the middle of it."""
        self.faults.append(f"{self.api.cloud.title} answered {status or 'nothing'} within session {session.id}")


def refusal(status: int, kind: str, words: str) -> tuple[int, dict[str, Any]]:
    """An error as https://www.w3.org/TR/webdriver2/#errors has it."""
    return status, {"value": {"error": kind, "message": words, "stacktrace": ""}}


def _status_words(answer: requests.Response | None) -> str:
    return f"HTTP {answer.status_code}" if answer is not None else "no answer"


class _Asked(BaseHTTPRequestHandler):
    """One connection of a test's WebDriver client."""

    door: Door
    protocol_version = "HTTP/1.1"
    timeout = 900
    # A reply goes out in two writes; with Nagle's algorithm the second waits 40 ms for the first one's receipt.
    disable_nagle_algorithm = True

    def handle_one_request(self) -> None:
        """As it is, but a client that went away is no error."""
        try:
            super().handle_one_request()
        except OSError:
            self.close_connection = True

    def do_GET(self) -> None:
        """Any command."""
        self._command()

    do_POST = do_DELETE = do_PUT = do_GET  # noqa: N815 - names that the server looks for

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the server has it
        """Nothing: the suite's log is the test's."""

    def _command(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        if size > MOST_BODY:
            self.close_connection = True
            self._reply(*refusal(413, "invalid argument", "The request is larger than 256 MiB."))
            return
        body = self.rfile.read(size)
        path = self.path.removeprefix(self.door.prefix)
        if path == self.path or not path.startswith(("/session", "/status")):
            self._reply(*refusal(404, "unknown command", "This is no path of WebDriver."))
        elif self.command == "POST" and path.rstrip("/") == "/session":
            tree = dialects.parsed(body)
            self._answer(self.door.started(tree if isinstance(tree, dict) else {}))
        else:
            self._forwarded(path, body)

    def _forwarded(self, path: str, body: bytes) -> None:
        parts = path.split("/")
        session = self.door.sessions.get(parts[2]) if len(parts) > 2 else None
        if session is None and path != "/status":
            self._reply(*refusal(404, "invalid session id", "No such session was started through this door."))
            return
        if session is not None:
            if self._closes(session, len(parts)):
                return
            self._listen(session, path, body)
        answer = self._sent(path, body)
        if session is not None and (answer is None or _failed(answer)):
            self.door.lost(session, answer.status_code if answer is not None else 0)
        if session is not None and self.command == "DELETE" and len(parts) == 3:
            self.door.forget(session)
        self._answer(answer if answer is not None else refusal(502, "unknown error", "The cloud did not answer."))

    def _closes(self, session: Session, depth: int) -> bool:
        """True where the end of a session is answered here, because the session is kept."""
        if self.command != "DELETE" or depth != 3:
            return False
        if self.door.ended(session):
            return False
        self._reply(200, {"value": None})
        return True

    def _listen(self, session: Session, path: str, body: bytes) -> None:
        if path.endswith(("/execute/sync", "/execute")):
            script = dialects.inner(dialects.parsed(body), "script")
            if isinstance(script, str) and dialects.tells_result(self.door.api.cloud, script):
                session.told = True

    def _sent(self, path: str, body: bytes) -> requests.Response | None:
        headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP}
        for tried in range(1, STARTS + 1):
            try:
                answer = self.door.api.session.request(
                    self.command,
                    self.door.api.cloud.at.hub + path,
                    data=body or None,
                    headers=headers,
                    timeout=(CONNECT, LONGEST),
                    allow_redirects=False,
                )
            except requests.RequestException:
                return None
            # Too many requests: this one was not looked at, so it may be sent again.
            if answer.status_code != 429 or tried == STARTS:
                return answer
            self.door.api.pause(waited(tried, answer))
        return None

    def _answer(self, answer: requests.Response | tuple[int, dict[str, Any]]) -> None:
        if isinstance(answer, tuple):
            self._reply(*answer)
            return
        kind = answer.headers.get("Content-Type", "application/json; charset=utf-8")
        self._write(answer.status_code, answer.content, kind)

    def _reply(self, status: int, tree: dict[str, Any]) -> None:
        self._write(status, json.dumps(tree).encode(), "application/json; charset=utf-8")

    def _write(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-cache")
        self.end_headers()
        self.wfile.write(body)


def _failed(answer: requests.Response) -> bool:
    """True where a gateway answered and not the browser's driver."""
    return answer.status_code in (429, 502, 503, 504) or (
        answer.status_code == 500 and dialects.inner(dialects.parsed(answer.content), "value") is None
    )

"""Proxy connection: one connection of a test's client to the door, command by command."""

import json
import re
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler
from typing import Any, Protocol
from urllib.parse import unquote

import requests

from davy.pipeline.suites.clouds import vendors
from davy.pipeline.suites.runners.webdriver.api import CONNECT, JSON, LONGEST, CloudApi, waited
from davy.pipeline.suites.runners.webdriver.session import Session
from davy.pipeline.suites.runners.webdriver.session_start import STARTS

HOP = {"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "proxy-authorization", "host"} | {
    "authorization",
    "content-length",
    "content-type",
    "content-encoding",
    "accept-encoding",
}
"""Headers that end at the door."""
MOST_ENCODED = 4
"""Times that a path may be encoded anew within itself before it is taken for what it is."""
MOST_BODY = 256 * 2**20


# Only what WebDriver and its extensions are made of; what is encoded is an element's name or a property, never a way.
PATH = re.compile(r"/status|/session/?|/session/[A-Za-z0-9._~:@-]+(?:/[A-Za-z0-9._~:@!$&'()*+,=%-]+)*/?(?:\?[!-~]*)?")


def is_of_webdriver(path: str) -> bool:
    """True for what leads to a session or asks for one; False for what may lead out of it, however it is written."""
    if not PATH.fullmatch(path):
        return False
    way = path.partition("?")[0]
    for _ in range(MOST_ENCODED):
        if any(part in (".", "..") for part in re.split(r"[/\\;]", way)) or "//" in way:
            return False
        way, before = unquote(way), way
        if way == before:
            return way.isprintable() and "\\" not in way
    return False


def refusal(status: int, kind: str, words: str) -> tuple[int, dict[str, Any]]:
    """An error as https://www.w3.org/TR/webdriver2/#errors has it."""
    return status, {"value": {"error": kind, "message": words, "stacktrace": ""}}


class Door(Protocol):
    """What the door is for a connection; see the proxy."""

    @property
    def api(self) -> CloudApi:
        """How the cloud is asked."""

    @property
    def prefix(self) -> str:
        """Before every path that is answered."""

    @property
    def sessions(self) -> Mapping[str, Session]:
        """Those that were started, by id."""

    def started(self, body: dict[str, Any]) -> requests.Response | tuple[int, dict[str, Any]]:
        """A new session: the cloud's answer, or an error in WebDriver's own form."""

    def ended(self, session: Session) -> bool:
        """The test has ended it; False where it is kept until its result is known."""

    def forget(self, session: Session) -> None:
        """It is over: its turn is free."""

    def lost(self, session: Session, status: int) -> None:
        """The cloud failed in the middle of it."""


class Talk(BaseHTTPRequestHandler):
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
        if path == self.path or not is_of_webdriver(path):
            self._reply(*refusal(404, "unknown command", "This is no path of WebDriver."))
        elif path.rstrip("/") == "/session":
            self._asked_for_one(body)
        else:
            self._forwarded(path, body)

    def _asked_for_one(self, body: bytes) -> None:
        if self.command != "POST":
            self._reply(*refusal(405, "unknown method", "A session is asked for by POST."))
            return
        tree = vendors.parsed(body)
        self._answer(self.door.started(tree if isinstance(tree, dict) else {}))

    def _forwarded(self, path: str, body: bytes) -> None:
        parts = path.partition("?")[0].rstrip("/").split("/")
        session = self.door.sessions.get(parts[2]) if len(parts) > 2 else None
        if session is None and not (path == "/status" and self.command == "GET"):
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
            script = vendors.inner(vendors.parsed(body), "script")
            if isinstance(script, str) and vendors.tells_result(self.door.api.cloud, script):
                session.told = True

    def _sent(self, path: str, body: bytes) -> requests.Response | None:
        headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP}
        # WebDriver speaks nothing else; not every client says so in full, and some say it without a body.
        headers["Content-Type"] = JSON
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
        answer.status_code == 500 and vendors.inner(vendors.parsed(answer.content), "value") is None
    )

"""Proxy: the door that a suite's tests go through to a cloud. It signs in, marks, waits its turn, and remembers."""

import contextlib
import secrets
import threading
from collections.abc import Callable
from http.server import ThreadingHTTPServer
from types import TracebackType
from typing import Any

import requests

from davy.pipeline.core.errors import DavyError, Unusable
from davy.pipeline.core.ports import Say
from davy.pipeline.suites.clouds import capabilities, vendors
from davy.pipeline.suites.clouds.capabilities import SessionWish
from davy.pipeline.suites.clouds.hub_answers import HubAnswer, Meaning
from davy.pipeline.suites.runners.slots import Turns
from davy.pipeline.suites.runners.webdriver.api import ANSWER, CONNECT, CloudApi
from davy.pipeline.suites.runners.webdriver.proxy_connection import Talk, refusal
from davy.pipeline.suites.runners.webdriver.session import Session
from davy.pipeline.suites.runners.webdriver.session_start import asked_until_clear, refused


class Door:
    """Open for one try of a suite. `url` is what the tests are given; nobody else on the machine can guess it."""

    def __init__(
        self,
        api: CloudApi,
        wish: SessionWish,
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
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("OwnTalk", (Talk,), {"door": self}))
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

    def _begun(self, read: HubAnswer, *, real: bool) -> Session:
        session = Session(id=read.session, real=real)
        with self._lock:
            self.sessions[session.id] = session
        self._noted(session)
        where = vendors.page(self.api.cloud, session.id)
        self._say(f"davy: session {session.id} on {self.api.cloud.title}{f': {where}' if where else ''}")
        if self._closed.is_set():
            self.end(session)
        return session

    def _told(
        self, answer: requests.Response | None, read: HubAnswer
    ) -> requests.Response | tuple[int, dict[str, Any]]:
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
        script = vendors.result_script(self.api.cloud, passed=True)
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


def _status_words(answer: requests.Response | None) -> str:
    return f"HTTP {answer.status_code}" if answer is not None else "no answer"

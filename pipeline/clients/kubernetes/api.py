"""API: JSON over one kept connection, with deadlines, bounded retries and errors that say what to do."""

import http.client
import random
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from davy.pipeline.clients.http.wire import NEVER, Overflow, Wire
from davy.pipeline.clients.kubernetes import answers, call, faults
from davy.pipeline.clients.kubernetes.access import Access, Doc
from davy.pipeline.clients.kubernetes.answers import ApiAnswer, Gone, RefusedRequest
from davy.pipeline.clients.kubernetes.call import JSON, MOST_OF_A_FAILURE, SLACK, ApiRequest
from davy.pipeline.clients.kubernetes.host import HOST, Host
from davy.pipeline.clients.kubernetes.paths import is_list, target
from davy.pipeline.core.errors import DavyError, Missing
from davy.pipeline.core.json import tree

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
_PART = "application/json;as={};g=meta.k8s.io;v=v1, application/json;q=0.9"
METADATA, METADATA_LIST = _PART.format("PartialObjectMetadata"), _PART.format("PartialObjectMetadataList")
"""Ask for things without what is in them; a server that cannot do that gives the whole.

https://kubernetes.io/docs/reference/using-api/api-concepts/
"""
IDLE = 30.0
"""Seconds after which a kept connection is not trusted with another request: balancers drop idle ones silently."""
WHOLE = 2.0
"""So many timeouts may one try take, from the name of the server to the last byte of its answer."""
PAGE = 250
"""Things of a list that are asked for at once."""
MOST_PAGES = 100
EARLY = timedelta(seconds=10)
"""Credentials that end sooner are fetched anew before they are refused."""
A_LIFETIME = timedelta(days=36500).total_seconds()
"""A clock that is off by more is none."""

__all__ = ["JSON_PATCH", "MERGE_PATCH", "ApiAnswer", "KubeApi", "RefusedRequest"]

AGAIN = frozenset({429, 500, 502, 503, 504})


class KubeApi:
    """One API server, for one thread. `again()` gives another thread its own."""

    def __init__(
        self,
        access: Access,
        *,
        timeout: float = 5.0,
        patience: float = 15.0,
        sleep: Callable[[float], None] = time.sleep,
        host: Host = HOST,
    ) -> None:
        """`timeout`: seconds for each wait, and `WHOLE` as many for one try.

        `patience`: seconds after which a failed try is the last. `host`: the machine that it runs on.
        """
        self._kept: Wire | None = None
        self._streamed: Wire | None = None
        """Of a stream that was heard to its end: good for the next one."""
        self.access = access
        self._timeout, self._patience, self._sleep, self._host = timeout, patience, sleep, host
        self._used = 0.0
        self._tls: ssl.SSLContext | None = None
        self._ahead = 0.0
        self._heard = False
        """Whether it ever answered: one that did and is gone restarts, one that did not is not there."""

    def again(self) -> "KubeApi":
        """A client of its own for another thread."""
        return KubeApi(self.access, timeout=self._timeout, patience=self._patience, sleep=self._sleep, host=self._host)

    def close(self) -> None:
        """Drop the kept connections."""
        for wire in (self._kept, self._streamed):
            if wire is not None:
                wire.close()
        self._kept = self._streamed = None

    def server_now(self) -> datetime:
        """Now by the clock of the API server that answered last (its Date header, good to a second)."""
        return datetime.fromtimestamp(self._host.wall() + self._ahead, UTC)

    # ---- the verbs ----

    def metadata(self, path: str) -> Doc:
        """An object's metadata alone."""
        return self.request("GET", path, accept=METADATA)

    def get(self, path: str, query: Mapping[str, Any] | None = None, accept: str = JSON) -> Doc:
        """A thing, or a whole list, page by page. Raises Missing, Forbidden, Unreachable; so do the others."""
        if not is_list("GET", path):
            return self.request("GET", path, query=query, accept=accept)
        try:
            return self._listed(path, query, accept)
        except Gone:
            return self._listed(path, query, accept)

    def _listed(self, path: str, query: Mapping[str, Any] | None, accept: str) -> Doc:
        """https://kubernetes.io/docs/reference/using-api/api-concepts/#retrieving-large-results-sets-in-chunks"""
        found: list[Doc] = []
        more: dict[str, Any] = {"limit": PAGE}
        for _ in range(MOST_PAGES):
            page = self.request("GET", path, query={**(query or {}), **more}, accept=accept)
            found += answers.items(page, f"GET {path}", self.access)
            meta = page.get("metadata")
            mark = meta.get("continue") if isinstance(meta, dict) else None
            if not mark:
                return {**page, "items": found}
            more["continue"] = str(mark)
        raise answers.strange(f"GET {path}", f"a list of more than {PAGE * MOST_PAGES} things", self.access)

    def create(self, path: str, body: Doc, *, repeatable: bool = False) -> Doc:
        """Raises Conflict where it exists. `repeatable`: sent again after a lost answer, for who can tell its own."""
        return self.request("POST", path, body=body, query={"fieldManager": "davy"}, repeatable=repeatable)

    def replace(self, path: str, body: Doc, accept: str = JSON) -> Doc:
        """With a `resourceVersion` in it: raises Conflict where the object changed; after a lost answer too."""
        return self.request("PUT", path, body=body, query={"fieldManager": "davy"}, accept=accept)

    def patch(self, path: str, body: list[Doc] | Doc, kind: str = JSON_PATCH) -> Doc:
        """A patch that may be repeated. Raises Refused where a `test` fails."""
        return self.request("PATCH", path, body=body, content_type=kind, query={"fieldManager": "davy"})

    def delete(self, path: str, propagation: str = "Background") -> None:
        """Nothing where it is gone already."""
        try:
            self.request("DELETE", path, query={"propagationPolicy": propagation})
        except Missing:
            return

    def request(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        content_type: str = JSON,
        query: Mapping[str, Any] | None = None,
        accept: str = JSON,
        timeout: float | None = None,
        repeatable: bool | None = None,
    ) -> Doc:
        """The JSON answer. `repeatable` False (POST by default): not sent again once it may have been carried out."""
        data = None if body is None else tree.compact(body).encode()
        answer = self._tried(
            ApiRequest(
                method=method,
                target=target(path, query),
                timeout=timeout or self._timeout,
                data=data,
                kind=content_type,
                accept=accept,
                repeatable=method != "POST" if repeatable is None else repeatable,
            )
        )
        answers.refuse(method, path, answer, self.access)
        if method == "DELETE" and not answer.body:
            return {}
        return answers.document(answer, f"{method} {path}", self.access)

    def text(self, path: str, query: Mapping[str, Any] | None = None) -> str:
        """The plain-text answer: a log."""
        answer = self._tried(ApiRequest(method="GET", target=target(path, query), timeout=self._timeout, cut=True))
        answers.refuse("GET", path, answer, self.access)
        return answer.body.decode(errors="replace")

    def lines(
        self,
        path: str,
        query: Mapping[str, Any] | None = None,
        *,
        quiet: float = 30.0,
        accept: str = JSON,
        begun: Callable[[], None] = lambda: None,
    ) -> Iterator[str]:
        """Lines of a stream on a connection of its own, until it ends. After `quiet` seconds of silence: TimeoutError.

        One try: who follows a stream knows where to take it up again. `begun` is told once the server has agreed, which
        may be long before the first line. Raises OSError on a broken one.
        """
        wire, self._streamed = self._streamed or self._connected(self._host.monotonic() + self._timeout), None
        ended = False
        try:
            wire.until(self._host.monotonic() + max(quiet, self._timeout * WHOLE), wait=quiet, most=SLACK)
            ask = ApiRequest(method="GET", target=target(path, query), timeout=quiet, accept=accept)
            response = self._host.asked(self.access, wire, ask)
            if not 200 <= response.status < 300:
                body = response.read(MOST_OF_A_FAILURE)
                answers.refuse("GET", path, ApiAnswer(status=response.status, body=body), self.access)
            wire.until(NEVER, wait=quiet)
            begun()
            yield from call.lines_of(response)
            ended = response.isclosed() and not response.will_close
        except (http.client.HTTPException, ValueError, Overflow) as error:
            raise ConnectionError(str(error)) from error
        finally:
            if ended:
                self._streamed = wire
            else:
                wire.close()

    @property
    def has_streamed(self) -> bool:
        """True after a stream that the server ended, as it should, and that may be gone on from."""
        return self._streamed is not None

    # ---- tries ----

    def _tried(self, ask: ApiRequest) -> ApiAnswer:
        began, pause, renewed = self._host.monotonic(), 0.1, False
        while True:
            last, sent = self._host.monotonic() - began >= self._patience, False
            self._renew()
            ends = self._host.monotonic() + ask.timeout * WHOLE
            try:
                wire = self._ready(ask, ends)
                sent = True
                answer = self._exchanged(wire, ask, ends)
            except Overflow as error:
                self.close()
                raise answers.strange(str(ask), "more than it can have to say", self.access) from error
            except DavyError:
                self.close()
                raise
            except faults.BROKEN as error:
                self.close()
                if last or self._is_final(error) or (sent and not ask.repeatable):
                    faults.give_up(error, str(ask), self._host.monotonic() - began, self.access)
                wait = pause
            else:
                self._heard = True
                if answer.status == 401 and self.access.sign_in and not renewed:
                    renewed = True
                    self._sign_in(self.access.sign_in)
                    continue
                # 429 says that the request was turned away at the door, so it may be sent again whatever it was.
                if answer.status not in AGAIN or last or (answer.status != 429 and not ask.repeatable):
                    return answer
                wait = max(pause, min(answer.retry_after or 0.0, 10.0))
            self._sleep(wait * random.uniform(0.8, 1.2))  # noqa: S311 -- spreads clients, guards nothing
            pause = min(pause * 2, 2.0)

    def _is_final(self, error: Exception) -> bool:
        return faults.is_final(error) or (faults.is_refusal(error) and not self._heard)

    def _renew(self) -> None:
        """Credentials that a plugin gave are fetched anew when they end, and not only once they were refused."""
        ends, sign_in = self.access.expires, self.access.sign_in
        if sign_in is not None and ends is not None and ends - EARLY <= datetime.now(UTC):
            self._sign_in(sign_in)

    def _sign_in(self, sign_in: Callable[[], Access]) -> None:
        self.close()
        self.access, self._tls = sign_in(), None

    def _ready(self, ask: ApiRequest, ends: float) -> Wire:
        """The kept connection where it may be trusted, else a new one, connected: a failure here has sent nothing."""
        if self._kept is not None and (self._host.monotonic() - self._used > IDLE or not ask.repeatable):
            self.close()
        if self._kept is None:
            self._kept = self._connected(min(ends, self._host.monotonic() + ask.timeout))
        return self._kept

    def _connected(self, ends: float) -> Wire:
        if self._tls is None and self.access.server.startswith("https:"):
            self._tls = self.access.tls()
        return self._host.connected(self.access, self._tls, ends)

    def _exchanged(self, wire: Wire, ask: ApiRequest, ends: float) -> ApiAnswer:
        wire.until(ends, wait=ask.timeout, most=ask.most + SLACK)
        response = self._host.asked(self.access, wire, ask)
        body = call.body_of(self.access, response, ask)
        self._used = self._host.monotonic()
        self._heed(response.headers.get("Date"))
        if response.will_close or not response.isclosed():
            self.close()
        return ApiAnswer(
            status=response.status, body=body, retry_after=answers.seconds(response.headers.get("Retry-After"))
        )

    def _heed(self, date: str | None) -> None:
        second = answers.instant(date or "")
        # The header is cut to whole seconds: half of one is the best guess.
        ahead = A_LIFETIME if second is None else second + 0.5 - self._host.wall()
        if abs(ahead) < A_LIFETIME:
            self._ahead = ahead

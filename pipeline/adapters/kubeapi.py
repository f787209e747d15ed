"""Kubernetes API: JSON over one kept connection, with timeouts, bounded retries and errors that say what to do."""

import http.client
import json
import random
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Never
from urllib.parse import quote, urlencode, urlsplit

from davy.pipeline.adapters.kubeanswers import Answer, Refused, fail
from davy.pipeline.adapters.kubeconfig import Access, Doc
from davy.pipeline.errors import Missing, Unreachable
from davy.pipeline.excerpt import excerpt
from davy.pipeline.value import dataclass

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
JSON = "application/json"
METADATA = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
"""Asks for an object without what is in it. https://kubernetes.io/docs/reference/using-api/api-concepts/"""

IDLE = 30.0
"""Seconds after which a kept connection is not trusted with another request: balancers drop idle ones silently."""

__all__ = ["JSON_PATCH", "MERGE_PATCH", "Answer", "KubeApi", "Refused"]

AGAIN = frozenset({429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ask:
    """One request, ready to be sent as often as it takes."""

    method: str
    target: str
    timeout: float
    data: bytes | None = None
    kind: str = JSON
    accept: str = JSON
    repeatable: bool = True
    """False: not sent again once it may have been carried out."""


class _Tls(http.client.HTTPSConnection):
    """Lets the certificate be for another name than the address (`tls-server-name`)."""

    def __init__(self, host: str, *, port: int | None, timeout: float, tls: ssl.SSLContext, name: str | None) -> None:
        super().__init__(host, port, timeout=timeout, context=tls)
        self._tls, self._name = tls, name or host

    def connect(self) -> None:
        http.client.HTTPConnection.connect(self)
        self.sock = self._tls.wrap_socket(self.sock, server_hostname=self._name)


class KubeApi:
    """One API server, for one thread. `again()` gives another thread its own."""

    def __init__(
        self,
        access: Access,
        *,
        timeout: float = 5.0,
        patience: float = 15.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`timeout`: seconds for one try. `patience`: seconds after which a failed try is the last."""
        self._kept: http.client.HTTPConnection | None = None
        self.access = access
        self._timeout, self._patience, self._sleep = timeout, patience, sleep
        self._used = 0.0
        self._tls: ssl.SSLContext | None = None
        self._ahead = 0.0

    def again(self) -> "KubeApi":
        """A client of its own for another thread."""
        return KubeApi(self.access, timeout=self._timeout, patience=self._patience, sleep=self._sleep)

    def close(self) -> None:
        """Drop the kept connection."""
        if self._kept is not None:
            self._kept.close()
            self._kept = None

    def __del__(self) -> None:
        """A client that nobody has any more leaves no open socket behind."""
        self.close()

    def server_now(self) -> datetime:
        """Now by the clock of the API server that answered last (its Date header, good to a second)."""
        return datetime.fromtimestamp(time.time() + self._ahead, UTC)

    # ---- the verbs ----

    def metadata(self, path: str) -> Doc:
        """An object's metadata alone; a server that cannot do that gives the whole object."""
        return self.request("GET", path, accept=f"{METADATA}, {JSON};q=0.9")

    def get(self, path: str, query: Mapping[str, Any] | None = None) -> Doc:
        """Raises Missing, Forbidden, Unreachable; so do the others."""
        return self.request("GET", path, query=query)

    def create(self, path: str, body: Doc, *, repeatable: bool = False) -> Doc:
        """Raises Conflict where it exists. `repeatable`: sent again after a lost answer, for who can tell its own."""
        return self.request("POST", path, body=body, query={"fieldManager": "davy"}, repeatable=repeatable)

    def replace(self, path: str, body: Doc) -> Doc:
        """With a `resourceVersion` in it: raises Conflict where the object changed; after a lost answer too."""
        return self.request("PUT", path, body=body, query={"fieldManager": "davy"})

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
        timeout: float | None = None,
        repeatable: bool | None = None,
        accept: str = JSON,
    ) -> Doc:
        """The JSON answer. `repeatable` False (POST by default): not sent again once it may have been carried out."""
        data = None if body is None else json.dumps(body, separators=(",", ":")).encode()
        answer = self._tried(
            _Ask(
                method=method,
                target=_target(path, query),
                timeout=timeout or self._timeout,
                data=data,
                kind=content_type,
                accept=accept,
                repeatable=method != "POST" if repeatable is None else repeatable,
            )
        )
        if answer.status >= 300:
            fail(method, path, answer, self.access)
        document: Doc = json.loads(answer.body) if answer.body else {}
        return document

    def text(self, path: str, query: Mapping[str, Any] | None = None) -> str:
        """The plain-text answer: a log."""
        answer = self._tried(_Ask(method="GET", target=_target(path, query), timeout=self._timeout))
        if answer.status >= 300:
            fail("GET", path, answer, self.access)
        return answer.body.decode(errors="replace")

    def lines(self, path: str, query: Mapping[str, Any] | None = None, *, quiet: float = 30.0) -> Iterator[str]:
        """Lines of a stream on a connection of its own, until it ends. After `quiet` seconds of silence: TimeoutError.

        One try: who follows a stream knows where to take it up again. Raises OSError on a broken one.
        """
        connection = self._connection(quiet)
        try:
            connection.request("GET", self._path(_target(path, query)), headers=self._headers(None))
            response = connection.getresponse()
            if response.status >= 300:
                fail("GET", path, Answer(status=response.status, body=response.read(65536)), self.access)
            for line in response:
                yield line.decode(errors="replace").rstrip("\r\n")
        except http.client.HTTPException as error:
            raise ConnectionError(str(error)) from error
        finally:
            connection.close()

    # ---- tries ----

    def _tried(self, ask: _Ask) -> Answer:
        began, pause, renewed = time.monotonic(), 0.1, False
        while True:
            last, sent = time.monotonic() - began >= self._patience, False
            try:
                connection = self._ready(ask)
                sent = True
                answer = self._exchanged(connection, ask)
            except (OSError, http.client.HTTPException) as error:
                self.close()
                if last or isinstance(error, ssl.SSLCertVerificationError) or (sent and not ask.repeatable):
                    self._give_up(ask, error, time.monotonic() - began)
                wait = pause
            else:
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

    def _sign_in(self, sign_in: Callable[[], Access]) -> None:
        self.close()
        self.access, self._tls = sign_in(), None

    def _ready(self, ask: _Ask) -> http.client.HTTPConnection:
        """The kept connection where it may be trusted, else a new one, connected: a failure here has sent nothing."""
        if self._kept is not None and (time.monotonic() - self._used > IDLE or not ask.repeatable):
            self.close()
        if self._kept is None:
            connection = self._connection(ask.timeout)
            connection.connect()
            self._kept = connection
        if self._kept.sock is not None:
            self._kept.sock.settimeout(ask.timeout)
        return self._kept

    def _connection(self, timeout: float) -> http.client.HTTPConnection:
        place = urlsplit(self.access.server)
        host = place.hostname or ""
        if place.scheme == "http":
            return http.client.HTTPConnection(host, place.port, timeout=timeout)
        if self._tls is None:
            self._tls = self.access.tls()
        return _Tls(host, port=place.port, timeout=timeout, tls=self._tls, name=self.access.server_name)

    def _exchanged(self, connection: http.client.HTTPConnection, ask: _Ask) -> Answer:
        headers = {**self._headers(ask.kind if ask.data else None), "Accept": ask.accept}
        connection.request(ask.method, self._path(ask.target), body=ask.data, headers=headers)
        response = connection.getresponse()
        body = response.read()
        self._used = time.monotonic()
        self._heed(response.headers.get("Date"))
        if response.will_close:
            self.close()
        return Answer(status=response.status, body=body, retry_after=_seconds(response.headers.get("Retry-After")))

    def _path(self, target: str) -> str:
        return urlsplit(self.access.server).path.rstrip("/") + target

    def _headers(self, kind: str | None) -> dict[str, str]:
        headers = {"Accept": JSON, "User-Agent": "davy"}
        if kind:
            headers["Content-Type"] = kind
        if authorization := self.access.authorization():
            headers["Authorization"] = authorization
        return headers

    def _heed(self, date: str | None) -> None:
        if date:
            # The header is cut to whole seconds: half of one is the best guess.
            self._ahead = parsedate_to_datetime(date).timestamp() + 0.5 - time.time()

    def _give_up(self, ask: _Ask, error: Exception, spent: float) -> Never:
        raise Unreachable(
            f"The Kubernetes API server at {self.access.server} did not answer {ask.method} "
            f"{urlsplit(ask.target).path} "
            f"within {spent:.0f} s: {_why(error)}.",
            remedy="Check that the server runs and can be reached from here; `kubectl get --raw /readyz` asks it.",
        ) from error


def _target(path: str, query: Mapping[str, Any] | None) -> str:
    return quote(path, safe="/:") + (f"?{urlencode(query)}" if query else "")


def _seconds(header: str | None) -> float | None:
    try:
        return float(header) if header else None
    except ValueError:
        return None


def _why(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message})"
    return excerpt(str(error), 200) or type(error).__name__

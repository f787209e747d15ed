"""Session: one session with a Prometheus, which tells failures apart and tries again where that may help."""

import json
import math
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import requests
from prometheus_api_client.exceptions import PrometheusApiClientException
from prometheus_api_client.prometheus_connect import PrometheusConnect

from davy.checks.metrics.prometheus.answers import Reply, body_of, error_of, warnings_of
from davy.checks.metrics.prometheus.auth import Signing
from davy.checks.metrics.prometheus.credentials import Certified
from davy.checks.metrics.prometheus.paging import TooMuch, is_too_much
from davy.pipeline.clients.http.exchange import TIMES, Expired, within
from davy.pipeline.clients.http.silence import silence
from davy.pipeline.config.sections.servers import PrometheusConfig
from davy.pipeline.core.errors import DavyError, Forbidden, Unreachable, Unusable
from davy.pipeline.core.json import tree
from davy.pipeline.core.text.sanitize import masked

PAUSE_SECONDS = 0.3
LONGEST_PAUSE_SECONDS = 2.0
AGAIN = frozenset({408, 429, 500, 502, 503, 504})
BAD_QUERY = frozenset({400, 422})
REFUSED = frozenset({401, 403})
MOST_BYTES = 64 * 2**20
"""An answer larger than this is read in parts instead: as Python's values it takes several times that memory."""
T = TypeVar("T")


class _Refused(Exception):
    """An answer other than 200; what it was is kept by the session."""


class PrometheusSession:
    """One session. Not for two threads at once."""

    def __init__(
        self,
        server: PrometheusConfig,
        signing: Signing,
        *,
        secrets: Sequence[str] = (),
        most_bytes: int = MOST_BYTES,
        sleep: Callable[[float], None],
    ) -> None:
        self._url = signing.url
        self._signing = signing
        self._stamp = signing.stamp()
        self._timeout = server.timeout.total_seconds()
        self._attempts = server.retries + 1
        self._secrets = secrets
        self._most_bytes = most_bytes
        self._sleep = sleep
        self._session = signing.session()
        # The package has its own retries; ours tell more kinds of failure apart and are bounded.
        self._client = PrometheusConnect(self._url, session=self._session, timeout=math.ceil(self._timeout), retry=0)
        self._session.mount(self._url, Certified(server.tls_config.server_name))
        # `custom_query` hands out the result alone; what the server warned of is caught on the way.
        self._session.hooks["response"].append(self._seen)
        self.warnings: tuple[str, ...] = ()
        """Of the last answer."""
        self._unsaid: dict[str, None] = {}
        self._status = 0
        self._said = ""
        self._retry_after = ""

    def is_current(self) -> bool:
        """False where a certificate was renewed since."""
        return self._stamp == self._signing.stamp()

    def close(self) -> None:
        """Lets its connections go."""
        self._session.close()

    def heard(self) -> tuple[str, ...]:
        """What the server warned of since this was last asked."""
        said = tuple(self._unsaid)
        self._unsaid.clear()
        return said

    def posted(self, promql: str, at: float) -> Reply:
        """The data of an instant query at `at` (unix seconds). Raises TooMuch where it is larger than davy takes."""
        with within(TIMES * self._timeout):
            response = self._session.post(
                f"{self._url}/api/v1/query",
                data={"query": promql, "time": f"{at:.3f}", "timeout": f"{math.ceil(self._timeout)}s"},
                timeout=self._timeout,
                stream=True,
            )
            good = response.status_code == requests.codes.ok
            content = self._bounded(response)
        body = tree.parsed(content) if good else body_of(content)
        self._note(body, good=good)
        if not good:
            raise _Refused
        data: Reply = body["data"]
        return data

    def queried(self, promql: str, at: float) -> Any:
        """The result of an instant query at `at` (unix seconds)."""
        with within(TIMES * self._timeout):
            return self._client.custom_query(promql, params={"time": f"{at:.3f}"})

    def asked(self, what: str, ask: Callable[[], T]) -> T:
        """The answer, after a few attempts where another could help. Raises Unreachable, Forbidden, Unusable, TooMuch.

        `what`: the selector or query, for the sentence.
        """
        error: DavyError = self._away(what, "it did not answer")
        renewed = False
        for attempt in range(self._attempts):
            if attempt:
                self._sleep(self._pause(attempt))
            try:
                return self._once(what, ask)
            except _Again as again:
                error = again.error
            except Forbidden:
                # A bought token may have been taken back before its time; one more is bought.
                if renewed or self._status not in REFUSED or not self._signing.renewed():
                    raise
                renewed = True
                return self._last(what, ask)
        raise error

    def _last(self, what: str, ask: Callable[[], T]) -> T:
        try:
            return self._once(what, ask)
        except _Again as again:
            raise again.error from again.__cause__

    def _once(self, what: str, ask: Callable[[], T]) -> T:
        """One attempt. Raises _Again where another may help."""
        self._retry_after, self._status, self._said, self.warnings = "", 0, "", ()
        try:
            return ask()
        except (PrometheusApiClientException, _Refused) as cause:
            if is_too_much(self._status, self._said):
                raise TooMuch(self._said or f"HTTP {self._status}") from cause
            error = self._refusal(what)
            raise _Again(error) if self._status in AGAIN else error from cause
        except (requests.exceptions.JSONDecodeError, json.JSONDecodeError) as cause:
            raise self._away(what, "it answered with something that is no JSON") from cause
        except Expired as cause:
            # It was patient enough once: another try would take as long.
            raise self._away(what, str(cause)) from cause
        except requests.RequestException as cause:
            raise _Again(self._away(what, _words(cause, self._timeout, self._url))) from cause
        except (AttributeError, LookupError, RecursionError, TypeError, ValueError) as cause:
            raise self._away(what, "it answered with something that is no answer of Prometheus") from cause

    def _bounded(self, response: requests.Response) -> bytes:
        """The whole body. Raises TooMuch where it is larger than davy takes."""
        with response:
            kept = bytearray()
            for part in response.iter_content(2**16):
                kept += part
                if len(kept) > self._most_bytes:
                    raise TooMuch(f"an answer of more than {self._most_bytes / 2**20:g} MiB")
        return bytes(kept)

    def _seen(self, response: requests.Response, *_: object, stream: bool = False, **__: object) -> None:
        """The session's hook; a body that streams is noted once it is read."""
        self._status = response.status_code
        self._retry_after = response.headers.get("Retry-After", "")
        if not stream:
            self._note(body_of(response.content), good=response.status_code == requests.codes.ok)

    def _note(self, body: Reply, *, good: bool) -> None:
        if good:
            self.warnings = tuple(masked(said, self._secrets) for said in warnings_of(body))
            self._unsaid.update(dict.fromkeys(self.warnings))
        else:
            self._said = masked(error_of(body), self._secrets)

    def _pause(self, attempt: int) -> float:
        wished = float(self._retry_after) if self._retry_after.isdigit() else PAUSE_SECONDS * 2 ** (attempt - 1)
        return min(wished, LONGEST_PAUSE_SECONDS)

    def _refusal(self, what: str) -> DavyError:
        tried = f"Asked Prometheus at {self._url} for {what}"
        said = f": {self._said}" if self._said else ""
        if self._status in BAD_QUERY:
            return Unusable(f"{tried}; it cannot be used{said}.", remedy="Correct the selector or query.")
        if self._status in REFUSED:
            remedy = "Set checks.prometheus.basic_auth (or authorization, oauth2, sigv4, headers) to what may query."
            return Forbidden(f"{tried}; these credentials may not (HTTP {self._status}).", remedy=remedy)
        return self._away(what, f"it answered HTTP {self._status}{said}")

    def _away(self, what: str, happened: str) -> Unreachable:
        remedy = "See that it runs and that checks.prometheus.url is right."
        return Unreachable(f"Asked Prometheus at {self._url} for {what}; {happened}.", remedy=remedy)


class _Again(Exception):
    """A failure that another attempt may not see."""

    def __init__(self, error: DavyError) -> None:
        super().__init__(str(error))
        self.error = error


def _words(error: requests.RequestException, timeout: float, url: str) -> str:
    if isinstance(error, requests.Timeout):
        return f"no answer within {timeout:g} s"
    if isinstance(error, requests.exceptions.SSLError):
        return "its TLS certificate or handshake was refused"
    if isinstance(error, requests.exceptions.ContentDecodingError):
        return f"the request failed ({error})"
    if isinstance(error, requests.ConnectionError):
        return silence(
            error, url, requests.utils.select_proxy(url, requests.utils.get_environ_proxies(url)) or ""
        ).words
    return f"the request failed ({type(error).__name__})"

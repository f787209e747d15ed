"""Prometheus over its HTTP API: raw samples by range selectors, and instant queries."""

import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
from prometheus_api_client.exceptions import PrometheusApiClientException
from prometheus_api_client.prometheus_connect import PrometheusConnect
from requests.adapters import HTTPAdapter

from davy.checks.ports import Answer, Series
from davy.pipeline.errors import DavyError, Forbidden, Unreachable, Unusable

ATTEMPTS = 3
PAUSE_SECONDS = 0.3
LONGEST_PAUSE_SECONDS = 2.0
AGAIN = frozenset({408, 429, 500, 502, 503, 504})
BAD_QUERY = frozenset({400, 422})
Reply = Mapping[str, Any]


class Prometheus:
    """A Prometheus, or what speaks its API (Thanos, Mimir, VictoriaMetrics)."""

    def __init__(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        timeout: timedelta = timedelta(seconds=10),
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._url, auth = _without_credentials(url.rstrip("/"))
        self._timeout = timeout.total_seconds()
        self._sleep = sleep
        self._session = requests.Session()
        self._session.headers.update(headers or {})
        self._session.auth = auth
        # The package has its own retries; ours tell more kinds of failure apart and are bounded.
        self._client = PrometheusConnect(self._url, session=self._session, timeout=math.ceil(self._timeout), retry=0)
        self._session.mount(self._url, HTTPAdapter(max_retries=0))
        # `custom_query` hands out the result alone; what the server warned of is caught on the way.
        self._session.hooks["response"].append(self._heard)
        self._warnings: tuple[str, ...] = ()
        self._unsaid: dict[str, None] = {}
        self._status = 0
        self._said = ""
        self._retry_after = ""

    def samples(self, selector: str, start: datetime, end: datetime) -> tuple[Series, ...]:
        """Raw samples in `(start, end]`.

        An instant query of a range selector answers the samples themselves. The range excludes its left edge since
        Prometheus 3.0 and included it before, so the edge is cut here.
        """
        span = math.ceil((end - start).total_seconds() * 1000)
        if span <= 0:
            return ()
        series: tuple[Series, ...] = self._asked(
            selector, lambda: _series(self._posted(f"{selector}[{span}ms]", end), start.timestamp())
        )
        return series

    def samples_of(self, selectors: Sequence[str], start: datetime, end: datetime) -> tuple[tuple[Series, ...], ...]:
        """See the port."""
        return tuple(self.samples(selector, start, end) for selector in selectors)

    def heard(self) -> tuple[str, ...]:
        """See the port."""
        said = tuple(self._unsaid)
        self._unsaid.clear()
        return said

    def query(self, promql: str, at: datetime) -> Answer:
        """An instant query."""
        self._warnings = ()
        values = self._asked(promql, lambda: _values(self._client.custom_query(promql, params={"time": _time(at)})))
        return Answer(values=values, warnings=self._warnings)

    def _posted(self, promql: str, at: datetime) -> Reply:
        """By POST: a selector of 200 pods is too long for a URL."""
        response = self._session.post(
            f"{self._url}/api/v1/query",
            data={"query": promql, "time": _time(at), "timeout": f"{math.ceil(self._timeout)}s"},
            timeout=self._timeout,
        )
        if response.status_code != requests.codes.ok:
            raise _Refused
        data: Reply = response.json()["data"]
        return data

    def _heard(self, response: requests.Response, *_: object, **__: object) -> None:
        self._status = response.status_code
        self._retry_after = response.headers.get("Retry-After", "")
        self._said = _error_of(response)
        if response.status_code == requests.codes.ok:
            body = _json(response)
            self._warnings = tuple(str(w) for key in ("warnings", "infos") for w in body.get(key) or ())
            self._unsaid.update(dict.fromkeys(self._warnings))

    def _asked(self, what: str, ask: Callable[[], Any]) -> Any:
        """The answer, after a few attempts where another could help."""
        error: DavyError | None = None
        for attempt in range(ATTEMPTS):
            if attempt:
                self._sleep(self._pause(attempt))
            self._retry_after, self._status, self._said = "", 0, ""
            try:
                return ask()
            except (PrometheusApiClientException, _Refused) as cause:
                error = self._refusal(what)
                if self._status not in AGAIN:
                    raise error from cause
            except requests.exceptions.JSONDecodeError as cause:
                raise self._away(what, "it answered with something that is no JSON") from cause
            except requests.RequestException as cause:
                error = self._away(what, _words(cause, self._timeout))
            except (AttributeError, LookupError, TypeError, ValueError) as cause:
                raise self._away(what, "it answered with something that is no answer of Prometheus") from cause
        raise error or self._away(what, "it did not answer")

    def _pause(self, attempt: int) -> float:
        wished = float(self._retry_after) if self._retry_after.isdigit() else PAUSE_SECONDS * 2 ** (attempt - 1)
        return min(wished, LONGEST_PAUSE_SECONDS)

    def _refusal(self, what: str) -> DavyError:
        tried = f"Asked Prometheus at {self._url} for {what}"
        said = f": {self._said}" if self._said else ""
        if self._status in BAD_QUERY:
            return Unusable(f"{tried}; it cannot be used{said}.", remedy="Correct the selector or query.")
        if self._status in (401, 403):
            remedy = "Set checks.prometheus.headers to credentials that may query."
            return Forbidden(f"{tried}; these credentials may not (HTTP {self._status}).", remedy=remedy)
        return self._away(what, f"it answered HTTP {self._status}{said}")

    def _away(self, what: str, happened: str) -> Unreachable:
        remedy = "See that it runs and that checks.prometheus.url is right."
        return Unreachable(f"Asked Prometheus at {self._url} for {what}; {happened}.", remedy=remedy)


class _Refused(Exception):
    """An answer other than 200; what it was is kept by `_heard`."""


def _without_credentials(url: str) -> tuple[str, tuple[str, str] | None]:
    """The URL as it may be shown, and the user and password it held."""
    parts = urlsplit(url)
    if parts.username is None:
        return url, None
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=host)), (parts.username, parts.password or "")


def _time(at: datetime) -> str:
    return f"{at.timestamp():.3f}"


def _json(response: requests.Response) -> Mapping[str, Any]:
    try:
        body = json.loads(response.content)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _error_of(response: requests.Response) -> str:
    """What Prometheus says is wrong, shortened; never a body of another kind."""
    return str(_json(response).get("error", ""))[:300] if response.status_code != requests.codes.ok else ""


def _words(error: requests.RequestException, timeout: float) -> str:
    if isinstance(error, requests.Timeout):
        return f"no answer within {timeout:g} s"
    if isinstance(error, requests.exceptions.SSLError):
        return "its TLS certificate or handshake was refused"
    if isinstance(error, requests.ConnectionError):
        return "the connection failed"
    return f"the request failed ({type(error).__name__})"


def _series(reply: Reply, first: float) -> tuple[Series, ...]:
    found = []
    for one in reply["result"]:
        points = tuple((float(at), float(value)) for at, value in one.get("values", ()) if float(at) > first)
        if points:
            found.append(Series(labels=one["metric"], samples=points))
    return tuple(found)


def _values(result: Any) -> tuple[tuple[Mapping[str, str], float], ...]:
    """Of a vector, or of a scalar, which is one pair of time and value."""
    if isinstance(result, list) and len(result) == 2 and not isinstance(result[0], dict):
        return (({}, float(result[1])),)
    return tuple((one["metric"], float(one["value"][1])) for one in result)

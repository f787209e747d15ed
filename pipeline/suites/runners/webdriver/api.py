"""API: requests to a cloud, with its account, time limits and retries. What it says is shown without the key."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import IO, Any, Protocol
from urllib.parse import urlsplit

import requests

from davy.pipeline.clients.http.exchange import Expired, within
from davy.pipeline.clients.http.requests_transport import LimitedAdapter
from davy.pipeline.core.errors import Forbidden, Missing, Unreachable
from davy.pipeline.core.text.sanitize import washed
from davy.pipeline.suites.clouds.vendors import ACCOUNTS, Call, Cloud, parsed

TRIES = 6
CONNECT = 10.0
ANSWER = 60.0
"""Seconds without a byte; above the 45 s after which Sauce Labs redirects a start that waits."""
LONGEST = 660.0
"""Of a command to a session: Sauce Labs lets one run for up to ten minutes."""
LONGEST_WAIT = 30.0
AGAIN = (429, 500, 502, 503, 504)
JSON = "application/json; charset=utf-8"
"""Said in full: Selenium Grid 4 refuses JSON whose charset is not named."""
MOST_ANSWER = 256 * 2**20
"""Of an answer that is kept whole: a screenshot of a long page, a file that a browser fetched."""
ASSET_WITHIN = 900.0
"""Seconds for a video."""
MOST_ASSET = 512 * 2**20


class Body(Protocol):
    """What is sent as it is read, and anew at a retry."""

    @property
    def kind(self) -> str:
        """Its content type."""
        ...

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[bytes]: ...


class CloudApi:
    """Speaks to one cloud. May be used by several threads at once."""

    def __init__(self, cloud: Cloud, *, pause: Callable[[float], None] = time.sleep) -> None:
        self.cloud, self.pause = cloud, pause
        self._own = threading.local()

    def said(self, text: str) -> str:
        """What the cloud said, in one harmless line, without the key."""
        return washed(" ".join(text.split()), (self.cloud.key,))[:300]

    def called(self, call: Call, *, missing: int = 0, form: Body | None = None) -> Any:
        """The answer's JSON, after retries; `missing`: so often a 404 is asked again.

        Raises Forbidden, Missing, Unreachable.
        """
        return parsed(self.answered(call, missing=missing, form=form).content)

    def answered(
        self, call: Call, *, missing: int = 0, form: Body | None = None, accept: str = "*/*"
    ) -> requests.Response:
        """The answer, after retries. Raises Forbidden, Missing, Unreachable."""
        tried, absent = 0, 0
        while True:
            answer = self._once(call, form, accept)
            code = answer.status_code if answer is not None else 0
            absent += code == 404
            tried += 1
            again = answer is None or code in AGAIN or (code == 404 and absent <= missing)
            if not again or tried >= TRIES:
                return self._good(call, answer)
            self.pause(waited(tried, answer))

    def fetched(self, call: Call, into: IO[bytes], accept: str = "*/*") -> None:
        """Write the answer's bytes as they come. Raises as `answered`."""
        try:
            with within(ASSET_WITHIN):
                size = 0
                for chunk in self.answered(call, accept=accept).iter_content(2**16):
                    size += len(chunk)
                    if size > MOST_ASSET:
                        raise Unreachable(f"{self.cloud.title} sent more than 512 MiB for {_path(call)}.")
                    into.write(chunk)
        except (Expired, requests.RequestException) as error:
            raise Unreachable(f"{self.cloud.title} broke off {_path(call)}: {type(error).__name__}.") from error

    def _once(self, call: Call, form: Body | None, accept: str) -> requests.Response | None:
        try:
            return self.session.request(
                call.method,
                call.url,
                json=dict(call.body) if call.body is not None else None,
                data=form,
                headers={
                    "Accept": accept,
                    **(
                        {"Content-Type": form.kind} if form else {"Content-Type": JSON} if call.body is not None else {}
                    ),
                },
                timeout=(CONNECT, ANSWER),
                stream=accept != "*/*" or call.url.endswith(("mp4", "zip", "log", "xml")),
            )
        except requests.RequestException:
            return None

    def _good(self, call: Call, answer: requests.Response | None) -> requests.Response:
        if answer is None:
            raise Unreachable(f"{self.cloud.title} did not answer: {call.method} {_path(call)}.", remedy=_status(self))
        if answer.status_code < 300:
            return answer
        if answer.status_code in (401, 403):
            raise denied(self.cloud)
        words = self.said(answer.text[:500])
        sentence = f"{self.cloud.title} answered {answer.status_code} to {call.method} {_path(call)}: {words}"
        if answer.status_code == 404:
            raise Missing(sentence)
        raise Unreachable(sentence, remedy=_status(self))

    @property
    def session(self) -> requests.Session:
        """Of this thread: `requests` makes no promise to several."""
        if not hasattr(self._own, "session"):
            session = requests.Session()
            session.auth = _Account(self.cloud)
            session.mount("https://", LimitedAdapter(MOST_ANSWER))
            session.mount("http://", LimitedAdapter(MOST_ANSWER))
            self._own.session = session
        held: requests.Session = self._own.session
        return held


class _Account(requests.auth.AuthBase):
    """Signs requests to the cloud's own hosts and to no other; videos may lie elsewhere. Never looks into ~/.netrc."""

    def __init__(self, cloud: Cloud) -> None:
        self._basic = requests.auth.HTTPBasicAuth(cloud.user, cloud.key)
        self._signs = bool(cloud.user)
        self._hosts = {urlsplit(where).netloc for where in (cloud.at.hub, cloud.at.api) if where}

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._signs and urlsplit(request.url or "").netloc in self._hosts:
            self._basic(request)
        return request


def denied(cloud: Cloud) -> Forbidden:
    """No rights, with what to do."""
    user, key = ACCOUNTS[cloud.vendor]
    where = f" in ${user} and ${key}" if user else ""
    return Forbidden(
        f"{cloud.title} does not take the account {cloud.user or '(none)'} with the key it was given.",
        remedy=f"Check the user and the access key{where}, and the region: an account belongs to one.",
    )


def waited(tried: int, answer: requests.Response | None) -> float:
    """Seconds until the next try: what the cloud asks for, or twice as long each time."""
    asked = answer.headers.get("Retry-After", "") if answer is not None else ""
    return min(float(asked) if asked.isdigit() else 2.0 ** (tried - 1), LONGEST_WAIT)


def _path(call: Call) -> str:
    return "/" + call.url.split("://", 1)[-1].partition("/")[2].partition("?")[0]


def _status(api: CloudApi) -> str:
    return f"Look whether {api.cloud.title} has an outage; then run it again."

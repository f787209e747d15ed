"""Session start: a session asked of a hub until it begins or cannot: queues, redirects, faults that pass."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests

from davy.pipeline.core.errors import DavyError, Forbidden
from davy.pipeline.core.ports import Say
from davy.pipeline.suites.clouds import hub_answers
from davy.pipeline.suites.clouds.hub_answers import MOST_REDIRECTS, REDIRECTS, HubAnswer, Meaning
from davy.pipeline.suites.runners.webdriver.api import ANSWER, CONNECT, JSON, CloudApi, denied, waited

STARTS = 5
"""So often a start is tried where the cloud itself fails."""
RECHECK = 5.0
"""Seconds between looks whether the account has room again."""


def asked_until_clear(
    api: CloudApi, wanted: dict[str, Any], is_over: Callable[[], bool], say: Say
) -> tuple[requests.Response | None, HubAnswer]:
    """The hub's last answer, and what it means. Where there is no room it is asked again until `is_over`."""
    tries, told = 0, False
    while True:
        answer = _posted(api, wanted, is_over)
        read = hub_answers.read(answer.status_code, answer.content) if answer is not None else _silence()
        match read.meaning:
            case Meaning.WAIT:
                if not told:
                    say(f"davy: {api.cloud.title} has no room: {api.said(read.words)}; waiting")
                told = True
            case Meaning.AGAIN:
                tries += 1
                if tries >= STARTS:
                    return answer, read
            case _:
                return answer, read
        if is_over():
            return answer, read
        api.pause(waited(max(tries, 1), answer) if read.meaning is Meaning.AGAIN else RECHECK)


def refused(api: CloudApi, read: HubAnswer) -> DavyError | None:
    """Why this account can have no session; None where another try may."""
    match read.meaning:
        case Meaning.DENIED:
            return denied(api.cloud)
        case Meaning.SPENT:
            return Forbidden(
                f"{api.cloud.title} starts no session: the account has no minutes left. "
                f"It says: {api.said(read.words)}",
                remedy="Buy minutes or wait for the next period, or run this suite elsewhere.",
            )
        case _:
            return None


def _posted(api: CloudApi, wanted: dict[str, Any], is_over: Callable[[], bool]) -> requests.Response | None:
    """Ask for the session, through every redirect by which the cloud keeps a start waiting."""
    method, url = "POST", f"{api.cloud.at.hub}/session"
    answer = None
    for _ in range(MOST_REDIRECTS + 1):
        body = wanted if method == "POST" else None
        try:
            answer = api.session.request(
                method,
                url,
                json=body,
                headers={"Content-Type": JSON} if body else {},
                timeout=(CONNECT, ANSWER),
                allow_redirects=False,
            )
        except requests.RequestException:
            return None
        where = answer.headers.get("Location", "")
        if answer.status_code not in REDIRECTS or not where or is_over():
            return answer
        following = urljoin(url, where)
        # The key goes to the cloud's own host and to no other.
        if urlsplit(following).netloc != urlsplit(url).netloc:
            return answer
        url = following
        method = method if answer.status_code in (307, 308) else "GET"
    return answer


def _silence() -> HubAnswer:
    return HubAnswer(meaning=Meaning.AGAIN, words="no answer", capabilities={})

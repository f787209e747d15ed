"""Hub answers: what a hub's answer to `POST /session` means: a session, wait, try again, or give up."""

import re
from enum import Enum
from typing import Any

from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.suites.clouds.vendors import inner, parsed

REDIRECTS = (301, 302, 303, 307, 308)
MOST_REDIRECTS = 20
"""Sauce Labs holds a start for up to ten minutes and sends a redirect every 45 s: 14 at least, and some to spare."""
BUSY = re.compile(r"concurren|parallel|queue|too many (?:requests|sessions)|all .*slots|rate limit", re.IGNORECASE)
SPENT = re.compile(r"(?:no|out of|exceed\w*|insufficient|used)[^.]{0,60}(?:minutes|credits?)\b", re.IGNORECASE)
DENIED = re.compile(r"authenticat|access key|credentials", re.IGNORECASE)


class Meaning(Enum):
    """What to do about it."""

    STARTED = "started"
    WAIT = "wait"
    """The account's sessions are all in use: it is asked again until the suite's time is up."""
    AGAIN = "again"
    """The cloud failed; it is asked again a few times."""
    REFUSED = "refused"
    """The cloud says no, with reasons: the test gets its words."""
    DENIED = "denied"
    """These credentials are not taken."""
    SPENT = "spent"
    """The account has no minutes left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HubAnswer:
    """An answer, read."""

    meaning: Meaning
    session: str = ""
    words: str = ""
    """What the cloud said, on one line."""
    capabilities: dict[str, Any]


def read(status: int, body: bytes) -> HubAnswer:
    """What the answer means. W3C puts the session under `value`, the old protocol beside it."""
    tree = parsed(body)
    session = inner(tree, "value", "sessionId") or inner(tree, "sessionId")
    if status < 300 and isinstance(session, str) and session:
        capabilities = inner(tree, "value", "capabilities") or inner(tree, "value")
        return HubAnswer(
            meaning=Meaning.STARTED,
            session=session,
            capabilities=capabilities if isinstance(capabilities, dict) else {},
        )
    message = inner(tree, "value", "message") or inner(tree, "message") or inner(tree, "error")
    words = " ".join(str(message or "").split())[:300]
    return HubAnswer(meaning=_meaning(status, words, is_protocol=_is_protocol(tree)), words=words, capabilities={})


def _is_protocol(tree: object) -> bool:
    """True for an error in WebDriver's own form: a hub said it, and no proxy before it."""
    return isinstance(inner(tree, "value", "error"), str) or isinstance(inner(tree, "value", "message"), str)


def _meaning(status: int, words: str, *, is_protocol: bool) -> Meaning:
    if SPENT.search(words):
        return Meaning.SPENT
    if status == 429 or (status >= 400 and BUSY.search(words)):
        return Meaning.WAIT
    if status in (401, 403) or (status >= 400 and is_protocol and DENIED.search(words)):
        return Meaning.DENIED
    if status >= 500 and not is_protocol:
        return Meaning.AGAIN
    return Meaning.REFUSED if status >= 400 else Meaning.AGAIN

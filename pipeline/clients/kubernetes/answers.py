"""Answers: what a response means, as one error class per meaning, in the server's own words."""

import functools
import json
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Any, Never, TypeVar

from davy.pipeline.clients.kubernetes.access import Access, Doc
from davy.pipeline.clients.kubernetes.faults import PLAIN_TO_TLS, plain_to_tls
from davy.pipeline.clients.kubernetes.paths import deed
from davy.pipeline.core.errors import Conflict, Forbidden, Missing, Unreachable, Unusable
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.text.excerpt import excerpt

T = TypeVar("T", bound=type)

WELL = "Try again when it is well; `kubectl get --raw /readyz?verbose` says what ails it."
ODD = (KeyError, IndexError, TypeError, AttributeError, ValueError, OverflowError, RecursionError)
"""What reading a document of a wrong shape raises."""


class RefusedRequest(Unusable):
    """The API server understood the request and will not have it (422, 400): failed validation or a failed test."""


class Gone(Unreachable):
    """A list changed too much between two of its pages (410)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiAnswer:
    """A response, read to its end."""

    status: int
    body: bytes
    retry_after: float | None = None

    def said(self) -> str:
        """The Status' own message with its causes, cut to a length that fits a line or two."""
        try:
            status = json.loads(self.body)
        except (ValueError, RecursionError):
            return f"HTTP {self.status}"
        if not isinstance(status, dict):
            return f"HTTP {self.status}"
        details = status.get("details")
        found = details.get("causes") if isinstance(details, dict) else None
        causes = [
            str(cause.get("message") or "")
            for cause in (found if isinstance(found, list) else [])
            if isinstance(cause, dict)
        ]
        message = str(status.get("message") or f"HTTP {self.status}")
        return excerpt("; ".join([message, *filter(None, causes)]), 400)


def document(answer: ApiAnswer, what: str, access: Access) -> Doc:
    """The answer's JSON object. Raises Unreachable: whoever answered so is no API server that is well."""
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError) as error:
        raise strange(what, "something that is no JSON", access) from error
    if not isinstance(found, dict):
        raise strange(what, f"JSON that is no object but {type(found).__name__}", access)
    return found


def items(page: Doc, what: str, access: Access) -> list[Doc]:
    """Of one page of a list; null, as Go writes an empty one, is none. Raises Unreachable."""
    found = page.get("items", ())
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise strange(what, "a list whose items are none", access)
    return found


def strange(what: str, which: str, access: Access) -> Unreachable:
    """The error for an answer that cannot be one."""
    return Unreachable(
        f"The Kubernetes API server at {access.server} answered {what} with {which}.",
        remedy=f"Is it one, or a proxy's page? {WELL}",
    )


def understood(kind: T) -> T:
    """A class whose methods read documents: one of a wrong shape becomes Unreachable, for the answer was no answer.

    It is the border: what is behind it may lean on the shape that Kubernetes promises.
    """
    return understood_as()(kind)


def understood_as(**names: str) -> Callable[[T], T]:
    """The same; `names`: what a method is called in the sentence, where people know it by another name."""

    def border(kind: T) -> T:
        for name, method in list(vars(kind).items()):
            if callable(method) and not name.startswith("_"):
                setattr(kind, name, _understanding(method, names.get(name, name)))
        return kind

    return border


def _understanding(method: Callable[..., Any], name: str) -> Callable[..., Any]:
    @functools.wraps(method)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        try:
            return method(*args, **kwargs)
        except ODD as error:
            raise Unreachable(
                f"Kubernetes answered with a document that is not what it should be, for {name}: "
                f"{type(error).__name__} {excerpt(str(error), 100)}.",
                remedy=f"`kubectl get` of the same thing shows it. {WELL}",
            ) from error

    return guarded


def fail(method: str, path: str, answer: ApiAnswer, access: Access) -> Never:
    """One error class per meaning; the server's own words, never a whole body."""
    if answer.status == 400 and PLAIN_TO_TLS in answer.body:
        plain_to_tls(f"{method} {path}", access)
    said, what = answer.said(), f"{method} {path}"
    match answer.status:
        case 401:
            raise Forbidden(
                f"The Kubernetes API server at {access.server} does not accept these credentials ({what}).",
                remedy=f"Sign in again for context {access.context!r}; `kubectl auth whoami` shows who you are.",
            )
        case 403:
            raise _forbidden(what, said, method, path, access)
        case 404:
            raise Missing(
                f"Kubernetes has no such thing: {said}", remedy="Check name, namespace and the kubeconfig's context."
            )
        case 409:
            raise Conflict(f"{what} came too late: {said}", remedy="Someone else changed it; look, and try again.")
        case 410:
            raise Gone(f"{what} is gone: {said}", remedy="Ask again.")
        case 400 | 405 | 406 | 413 | 415 | 422:
            raise RefusedRequest(
                f"Kubernetes will not have {what}: {said}", remedy="See the message; nothing was changed."
            )
        case _:
            raise Unreachable(
                f"The Kubernetes API server at {access.server} answered {what} with {answer.status}: {said}",
                remedy=WELL,
            )


def _forbidden(what: str, said: str, method: str, path: str, access: Access) -> Forbidden:
    """Which right is missing, and what grants it."""
    done = deed(method, path)
    whose = f" as {access.as_user}" if access.as_user else ""
    if done is None:
        return Forbidden(f"Kubernetes refused {what}{whose}: {said}", remedy="Use other credentials.")
    space = f" -n {done.namespace}" if done.namespace else ""
    return Forbidden(
        f"These credentials may not {done}{whose}: {said}",
        remedy="Write your namespace and account into the Role and grant it: `kubectl apply -f docs/rbac.yaml`. "
        f"`kubectl auth can-i {done.verb} {done.resource}{space}` asks the same.",
    )


def refuse(method: str, path: str, answer: ApiAnswer, access: Access) -> None:
    """Raises what an answer means that is no success."""
    if not 200 <= answer.status < 300:
        fail(method, path, answer, access)


@functools.lru_cache(maxsize=8)
def instant(date: str) -> float | None:
    """A Date header as seconds since 1970; None: it is none. Many answers come within one second."""
    try:
        return parsedate_to_datetime(date).timestamp()
    except (ValueError, TypeError, OverflowError, OSError):
        return None


def seconds(header: str | None) -> float | None:
    """A Retry-After header that is a number."""
    try:
        return float(header) if header else None
    except ValueError:
        return None

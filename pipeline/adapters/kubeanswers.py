"""Kubernetes answers: what a response means, as one error class per meaning, in the server's own words."""

import json
from typing import Never

from davy.pipeline.adapters.kubeconfig import Access
from davy.pipeline.errors import Conflict, Forbidden, Missing, Unreachable, Unusable
from davy.pipeline.excerpt import excerpt
from davy.pipeline.value import dataclass


class Refused(Unusable):
    """The API server understood the request and will not have it (422, 400): failed validation or a failed test."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A response, read to its end."""

    status: int
    body: bytes
    retry_after: float | None = None

    def said(self) -> str:
        """The Status' own message with its causes, cut to a length that fits a line or two."""
        try:
            status = json.loads(self.body)
        except ValueError:
            return f"HTTP {self.status}"
        if not isinstance(status, dict):
            return f"HTTP {self.status}"
        causes = [str(cause.get("message", "")) for cause in (status.get("details") or {}).get("causes") or []]
        return excerpt("; ".join([str(status.get("message", f"HTTP {self.status}")), *filter(None, causes)]), 400)


def fail(method: str, path: str, answer: Answer, access: Access) -> Never:
    """One error class per meaning; the server's own words, never a whole body."""
    said, what = answer.said(), f"{method} {path}"
    match answer.status:
        case 401:
            raise Forbidden(
                f"The Kubernetes API server at {access.server} does not accept these credentials ({what}).",
                remedy=f"Sign in again for context {access.context!r}; `kubectl auth whoami` shows who you are.",
            )
        case 403:
            raise Forbidden(
                f"Kubernetes refused {what}: {said}",
                remedy="Grant the Role that the documentation shows, or use other credentials.",
            )
        case 404:
            raise Missing(
                f"Kubernetes has no such thing: {said}", remedy="Check name, namespace and the kubeconfig's context."
            )
        case 409:
            raise Conflict(f"{what} came too late: {said}", remedy="Someone else changed it; look, and try again.")
        case 400 | 405 | 406 | 413 | 415 | 422:
            raise Refused(f"Kubernetes will not have {what}: {said}", remedy="See the message; nothing was changed.")
        case _:
            raise Unreachable(
                f"The Kubernetes API server at {access.server} answered {what} with {answer.status}: {said}",
                remedy="Try again when it is well; `kubectl get --raw /readyz?verbose` says what ails it.",
            )

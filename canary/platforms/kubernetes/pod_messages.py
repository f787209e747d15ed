"""Pod messages: what a pod says of itself, and Kubernetes of it, for people, after the fact."""

from contextlib import suppress
from typing import Any

from davy.pipeline.clients.kubernetes.api import KubeApi
from davy.pipeline.core.errors import DavyError
from davy.pipeline.core.text.excerpt import excerpt

Doc = dict[str, Any]

LAST_LINES = 20


def last_words(api: KubeApi, path: str, events: str, name: str) -> str:
    """Log lines and warnings; whatever cannot be read is left out."""
    parts: list[str] = []
    with suppress(DavyError):
        parts = [part for status in _statuses(api.get(path)) for part in _log(api, path, status)]
    return "\n".join([*parts, *_warnings(api, events, name)])[-4000:]


def _log(api: KubeApi, path: str, status: Doc) -> list[str]:
    name, found = str(status["name"]), []
    wanted: dict[str, Any] = {"container": name, "tailLines": LAST_LINES}
    for query in ([{**wanted, "previous": "true"}] if status.get("restartCount") else []) + [wanted]:
        with suppress(DavyError):
            if text := api.text(f"{path}/log", query).strip():
                when = ", before its last restart" if "previous" in query else ""
                found.append(f"[{name}{when}]\n{text}")
    return found


def _warnings(api: KubeApi, path: str, name: str) -> list[str]:
    with suppress(DavyError):
        query = {"fieldSelector": f"involvedObject.name={name},type=Warning"}
        events = api.get(path, query)["items"]
        return [f"[event] {one.get('reason', '')}: {excerpt(str(one.get('message', '')))}" for one in events[-5:]]
    return []


def _statuses(pod: Doc) -> list[Doc]:
    status = pod.get("status", {})
    return [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]

"""Paths: what a request means, in the words that RBAC has for it."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote, urlencode

from davy.pipeline.core.fast_dataclass import dataclass

KNOWN = 256
"""Paths and queries of which is remembered what they mean: a rollout asks the same few again and again."""
VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """A verb on a kind of thing: `list pods`, `get pods/log`."""

    verb: str
    resource: str
    """With its group and subresource, as RBAC and `kubectl auth can-i` write it: `deployments.apps`, `pods/log`."""
    namespace: str = ""
    name: str = ""

    def __str__(self) -> str:
        named = f" {self.name}" if self.name else ""
        return f"{self.verb} {self.resource}{named}" + (f" in namespace {self.namespace}" if self.namespace else "")


@lru_cache(maxsize=KNOWN)
def deed(method: str, path: str) -> Deed | None:
    """What a request on an API path does; None where the path is none of a resource."""
    parts = [part for part in path.split("/") if part]
    if parts[:1] == ["api"]:
        group, parts = "", parts[2:]
    elif parts[:1] == ["apis"]:
        group, parts = (parts[1] if len(parts) > 1 else ""), parts[3:]
    else:
        return None
    namespace = ""
    if parts[:1] == ["namespaces"] and len(parts) > 2:
        namespace, parts = parts[1], parts[2:]
    if not parts:
        return None
    resource, name, part = (*parts, "", "")[:3]
    kind = resource + (f".{group}" if group else "") + (f"/{part}" if part else "")
    verb = VERBS.get(method) or ("get" if name else "list")
    return Deed(verb=verb, resource=kind, namespace=namespace, name=name)


def is_list(method: str, path: str) -> bool:
    """Whether the answer is a list of things, which comes in pages."""
    done = deed(method, path)
    return done is not None and done.verb == "list"


def target(path: str, query: Mapping[str, Any] | None) -> str:
    """Path and query as they are sent."""
    return _target(path, tuple((key, str(value)) for key, value in query.items()) if query else ())


@lru_cache(maxsize=KNOWN)
def _target(path: str, query: tuple[tuple[str, str], ...]) -> str:
    return quote(path, safe="/:") + (f"?{urlencode(query)}" if query else "")

"""Server: the API server of the simulated cluster: what it keeps, how it takes writes, what it answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Protocol
from urllib.parse import parse_qsl, unquote

from simulation.controller import Controller
from simulation.manifest import defaulted
from simulation.objects import Doc, Unfit, merged, patched, stamp, text
from simulation.pods import REVISION, Pod
from simulation.timeline import Timeline
from simulation.watches import Watches

SPACE = "namespaces/shop"
DEPLOYMENTS = f"/apis/apps/v1/{SPACE}/deployments"
DEPLOYMENT = f"{DEPLOYMENTS}/checkout"
SETS = f"/apis/apps/v1/{SPACE}/replicasets"
PODS = f"/api/v1/{SPACE}/pods"
SLICES = f"/apis/discovery.k8s.io/v1/{SPACE}/endpointslices"
MAPS = f"/api/v1/{SPACE}/configmaps"
LEASES = f"/apis/coordination.k8s.io/v1/{SPACE}/leases"
EVENTS = f"/api/v1/{SPACE}/events"
SCALERS = f"/apis/autoscaling/v2/{SPACE}/horizontalpodautoscalers"
BUDGETS = f"/apis/policy/v1/{SPACE}/poddisruptionbudgets"
REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"

LISTS = frozenset({DEPLOYMENTS, SETS, PODS, SLICES, MAPS, LEASES, EVENTS, SCALERS, BUDGETS})

MOST_OF_A_MAP = 1024 * 1024
"""https://kubernetes.io/docs/concepts/configuration/configmap/"""
LARGEST = 3 * 1024 * 1024
"""Bytes of a request body. https://github.com/kubernetes/kubernetes/blob/v1.34.0/staging/src/k8s.io/apiserver/pkg/server/config.go"""


@dataclass(frozen=True)
class Request:
    """One, as it came over the wire."""

    who: str
    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    kind: str = ""
    accept: str = ""

    @property
    def is_partial(self) -> bool:
        """Only the metadata is wanted."""
        return "as=PartialObjectMetadata" in self.accept


@dataclass(frozen=True)
class Reply:
    """What is sent back."""

    status: int
    body: bytes
    kind: str = "application/json"


class Witness(Protocol):
    """Who is told of what happened in the cluster, before anything else happens."""

    def wrote(self, who: str, path: str, before: Doc | None, after: Doc | None) -> None: ...

    def moved(self) -> None: ...


def parse_request(
    who: str, method: str, target: str, *, body: bytes | None = None, kind: str = "", accept: str = ""
) -> Request:
    return Request(who, method, *_parsed(target), body, kind, accept)


@lru_cache(maxsize=1000)
def _parsed(target: str) -> tuple[str, Mapping[str, str]]:
    path, _, query = target.partition("?")
    return unquote(path), dict(parse_qsl(query))


class Server:
    """One namespace with one Deployment."""

    def __init__(self, timeline: Timeline, witness: Witness, deployment: Doc) -> None:
        self._timeline, self._witness = timeline, witness
        self.revision = 1
        self._made = 0
        self.things: dict[str, Doc] = {}
        """By path: ConfigMaps, Leases, and what else is only kept."""
        self._texts: dict[str, bytes] = {}
        self.deployment = deployment
        self.controller: Controller
        self._lists: dict[str, tuple[int, str, bytes]] = {}
        self.watches = Watches(self)

    # ---- requests ----

    def answer(self, request: Request) -> Reply:
        """The whole of it, carried out."""
        try:
            return Reply(200 if request.method != "POST" else 201, self._answered(request))
        except Unfit as error:
            return refusal(error.status, error.reason, str(error))

    def _answered(self, request: Request) -> bytes:
        path, method = request.path, request.method
        if request.body is not None and len(request.body) > LARGEST:
            raise Unfit(413, "RequestEntityTooLarge", "Request entity too large: limit is 3145728")
        if method == "GET" and request.is_partial and (found := self.found(path)) is not None:
            return text({"kind": "PartialObjectMetadata", "metadata": found["metadata"]}).encode()
        if method == "GET":
            return self._shown(path, request.query)
        body = json.loads(request.body) if request.body else None
        match method:
            case "POST" if path == REVIEWS:
                return text({**body, "status": {"allowed": True}}).encode()
            case "POST":
                return self._post(request.who, path, body)
            case "PUT":
                return self._put(request.who, path, body)
            case "PATCH":
                return self._patch(request, body)
            case "DELETE":
                self.write(request.who, path, None)
                return text({"kind": "Status", "status": "Success"}).encode()
        raise Unfit(405, "MethodNotAllowed", f"{method} is not for {path}")

    def _shown(self, path: str, query: Mapping[str, str]) -> bytes:
        if path == DEPLOYMENT or path in self.things:
            return self._text(path)
        if path.startswith(PODS + "/"):
            return self._pod(path[len(PODS) + 1 :])
        if path in LISTS:
            version, body = self.listed(path, query)
            self.watches.remember(path, version, body)
            return self._page(body, query)
        raise Unfit(404, "NotFound", f"{path.rpartition('/')[2]} not found")

    def listed(self, path: str, query: Mapping[str, str]) -> tuple[str, bytes]:
        """A whole list, and its resourceVersion."""
        if path in (SETS, PODS, SLICES):
            return self._made_by_controllers(path)
        version = str(self.revision)
        there = [doc for name, doc in self.things.items() if name.startswith(path + "/")]
        items = [self.deployment] if path == DEPLOYMENTS else there
        if (name := query.get("fieldSelector", "").removeprefix("metadata.name=")) and "=" not in name:
            items = [doc for doc in items if doc["metadata"]["name"] == name]
        return version, text({"metadata": {"resourceVersion": version}, "items": items}).encode()

    def _page(self, body: bytes, query: Mapping[str, str]) -> bytes:
        """`limit` and `continue`."""
        limit, begin = int(query.get("limit", 0)), int(query.get("continue", 0))
        if not begin and (not limit or body.count(b'"metadata"') <= limit):
            return body
        whole = json.loads(body)
        items, meta = whole["items"], whole["metadata"]
        end = begin + limit if limit else len(items)
        more = {"continue": str(end), "remainingItemCount": len(items) - end} if end < len(items) else {}
        return text({"metadata": {**meta, **more}, "items": items[begin:end]}).encode()

    def _pod(self, rest: str) -> bytes:
        name, _, part = rest.partition("/")
        pod = next((one for one in self.controller.pods() if one.name == name), None)
        if pod is None:
            raise Unfit(404, "NotFound", f'pods "{name}" not found')
        if part == "log":
            return b"cannot find the price list\n" if pod.has_crashed(self._timeline.now) else b"serving\n"
        return text(pod.document(self._timeline.now)).encode()

    def _made_by_controllers(self, path: str) -> tuple[str, bytes]:
        """Lists of the controllers' objects, written once for every change."""
        state, known = self.controller.version, self._lists.get(path)
        if known is not None and known[0] == state:
            return known[1:]
        now, pods, version = self._timeline.now, self.controller.pods(), str(self.revision)
        match path.rpartition("/")[2]:
            case "replicasets":
                items: list[Any] = [each.document(self.uid) for each in self.controller.sets]
            case "pods":
                items = [pod.document(now) for pod in pods]
            case _:
                items = [self._slice(pods)]
        body = text({"metadata": {"resourceVersion": version}, "items": items}).encode()
        self._lists[path] = (state, version, body)
        return version, body

    def _slice(self, pods: list[Pod]) -> Doc:
        now = self._timeline.now
        return {
            "metadata": {"name": "checkout-1"},
            "ports": [{"name": "http", "port": 8080}],
            "endpoints": [pod.endpoint(now) for pod in pods],
        }

    # ---- what is kept ----

    @property
    def uid(self) -> str:
        return "uid-checkout"

    def found(self, path: str) -> Doc | None:
        return self.deployment if path == DEPLOYMENT else self.things.get(path)

    def write(self, who: str, path: str, after: Doc | None) -> Doc | None:
        """Keep it, tell the witness."""
        before = self.found(path)
        if before is None and after is None:
            raise Unfit(404, "NotFound", f"{path.rpartition('/')[2]} not found")
        if after is not None and before is not None and _same(before, after):
            return before
        self.revision += 1
        if after is None:
            del self.things[path]
        else:
            after = {**after, "metadata": self._stamped(before, after)}
            if path == DEPLOYMENT:
                self.deployment = after
            else:
                self.things[path] = after
        self._texts.pop(path, None)
        self._witness.wrote(who, path, before, after)
        if path == DEPLOYMENT:
            self.controller.awake()
        return after

    def noted(self) -> None:
        """What the Deployment controller writes after a round: status and revision."""
        controller, before, now = self.controller, self.deployment, self._timeline.now
        current = controller.current()
        sets = controller.sets
        status = {
            "observedGeneration": controller.observed,
            "replicas": sum(len(each.living()) for each in sets),
            "updatedReplicas": len(current.living()) if current else 0,
            "readyReplicas": sum(each.ready(now) for each in sets),
            "availableReplicas": sum(each.available(now) for each in sets),
        }
        notes = {**(before["metadata"].get("annotations") or {})}
        if current:
            notes[REVISION] = str(current.revision)
        self.revision += 1
        if status != before.get("status") or notes != before["metadata"].get("annotations"):
            meta = {**before["metadata"], "annotations": notes, "resourceVersion": str(self.revision)}
            self.deployment = {**before, "metadata": meta, "status": status}
            self._texts.pop(DEPLOYMENT, None)
        self._witness.moved()

    def _stamped(self, before: Doc | None, after: Doc) -> dict[str, Any]:
        meta = {**after["metadata"], "resourceVersion": str(self.revision)}
        if before is None:
            self._made += 1
            return {**meta, "uid": f"uid-{self._made}", "creationTimestamp": stamp(int(self._timeline.now))}
        if "generation" in before["metadata"]:
            changed = before["spec"] != after["spec"]
            meta["generation"] = before["metadata"]["generation"] + changed
        return meta

    def _text(self, path: str) -> bytes:
        known = self._texts.get(path)
        if known is None:
            known = self._texts[path] = text(self.found(path)).encode()
        return known

    def _post(self, who: str, folder: str, body: Doc) -> bytes:
        path = f"{folder}/{body['metadata']['name']}"
        if self.found(path) is not None:
            raise Unfit(409, "AlreadyExists", f"{path.rpartition('/')[2]} already exists")
        _valid(path, body)
        self.write(who, path, body)
        return self._text(path)

    def _put(self, who: str, path: str, body: Doc) -> bytes:
        before = self.found(path)
        if before is None:
            raise Unfit(404, "NotFound", f"{path.rpartition('/')[2]} not found")
        self._demand(before, body)
        _valid(path, body)
        self.write(who, path, body)
        return self._text(path)

    def _patch(self, request: Request, body: Any) -> bytes:
        before = self.found(request.path)
        if before is None:
            raise Unfit(404, "NotFound", f"{request.path.rpartition('/')[2]} not found")
        if "json-patch" in request.kind:
            after = patched(before, body)
        else:
            self._demand(before, body)
            after = merged(before, body)
        self.write(request.who, request.path, defaulted(after) if request.path == DEPLOYMENT else after)
        return self._text(request.path)

    def _demand(self, before: Doc, body: Doc) -> None:
        """Optimistic locking, where the request asks for it."""
        said = (body.get("metadata") or {}).get("resourceVersion")
        if said is not None and said != before["metadata"]["resourceVersion"]:
            raise Unfit(
                409, "Conflict", "the object has been modified; please apply your changes to the latest version"
            )


def refusal(status: int, reason: str, message: str) -> Reply:
    """A Status, as Kubernetes sends it."""
    said = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "reason": reason}
    return Reply(status, text({**said, "code": status}).encode())


def _same(before: Doc, after: Doc) -> bool:
    return before is after or {**before, "metadata": {**before["metadata"], "resourceVersion": ""}} == {
        **after,
        "metadata": {**after["metadata"], "resourceVersion": ""},
    }


def _valid(path: str, body: Doc) -> None:
    data = body.get("data") or {}
    if path.startswith(MAPS) and sum(len(value) for value in data.values()) > MOST_OF_A_MAP:
        raise Unfit(422, "Invalid", "ConfigMap is invalid: []: Too long: may not be more than 1048576 bytes")

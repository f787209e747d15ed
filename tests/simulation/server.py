"""Server: the API server of the simulated cluster: what it keeps, how it takes writes, what it answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Protocol

from simulation.controller import Controller
from simulation.exchange import (
    DEPLOYMENT,
    DEPLOYMENTS,
    LISTS,
    MAPS,
    PODS,
    REVIEWS,
    SETS,
    SLICES,
    Reply,
    Request,
    refusal,
)
from simulation.listing import Listing, written
from simulation.manifest import defaulted
from simulation.objects import Doc, Item, Unfit, merged, patched, stamp, text
from simulation.pods import REVISION, Pod
from simulation.timeline import Timeline
from simulation.watches import Watches

MOST_OF_A_MAP = 1024 * 1024
"""https://kubernetes.io/docs/concepts/configuration/configmap/"""
LARGEST = 3 * 1024 * 1024
"""Bytes of a request body. https://github.com/kubernetes/kubernetes/blob/v1.34.0/staging/src/k8s.io/apiserver/pkg/server/config.go"""


class Witness(Protocol):
    """Who is told of what happened in the cluster, before anything else happens."""

    def wrote(self, who: str, path: str, before: Doc | None, after: Doc | None) -> None: ...

    def moved(self) -> None: ...


class Server:
    """One namespace with one Deployment."""

    def __init__(self, timeline: Timeline, witness: Witness, deployment: Doc) -> None:
        self._timeline, self._witness = timeline, witness
        self.revision = 1
        self._made = 0
        self.things: dict[str, Doc] = {}
        """By path: ConfigMaps, Leases, and what else is only kept."""
        self._items: dict[str, Item] = {}
        self.deployment = deployment
        self.controller: Controller
        self._lists: dict[tuple[str, str], tuple[int, Listing]] = {}
        """By path and name, of which state and what was in it then."""
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
        if method == "GET" and request.is_partial and self.found(path) is not None:
            return self._remembered(path).partial
        if method == "GET":
            return self._shown(path, request.query)
        body = json.loads(request.body) if request.body else None
        match method:
            case "POST" if path == REVIEWS:
                return text({**body, "status": {"allowed": True}}).encode()
            case "POST":
                return self._post(request.who, path, body)
            case "PUT":
                whole = self._put(request.who, path, body)
                return whole.partial if request.is_partial else whole.text
            case "PATCH":
                return self._patch(request, body)
            case "DELETE":
                self.write(request.who, path, None)
                return text({"kind": "Status", "status": "Success"}).encode()
        raise Unfit(405, "MethodNotAllowed", f"{method} is not for {path}")

    def _shown(self, path: str, query: Mapping[str, str]) -> bytes:
        if path == DEPLOYMENT or path in self.things:
            return self._remembered(path).text
        if path.startswith(PODS + "/"):
            return self._pod(path[len(PODS) + 1 :])
        if path in LISTS:
            return _page(self.watches.listed(path, query), query)
        raise Unfit(404, "NotFound", f"{path.rpartition('/')[2]} not found")

    def _remembered(self, path: str) -> Item:
        """One thing; a watch of it may begin where it was read."""
        one = self._item(path)
        self.watches.remember(path.rpartition("/")[0], Listing(one.document["metadata"]["resourceVersion"], [one]))
        return one

    def listed(self, path: str, query: Mapping[str, str]) -> Listing:
        """A whole list; the same one as long as nothing in it changed."""
        own = path in (SETS, PODS, SLICES)
        name = "" if own else query.get("fieldSelector", "").removeprefix("metadata.name=")
        state, known = self.controller.version if own else self.revision, self._lists.get((path, name))
        if known is not None and known[0] == state:
            return known[1]
        items = self._made_by_controllers(path) if own else self._kept(path, name)
        made = Listing(str(self.revision), items)
        self._lists[path, name] = state, made
        return made

    def _kept(self, path: str, name: str) -> list[Item]:
        """By path of a list, and by name where there is one."""
        there = [DEPLOYMENT] if path == DEPLOYMENTS else [one for one in self.things if one.startswith(path + "/")]
        if name and "=" not in name:
            there = [one for one in there if one == f"{path}/{name}"]
        return [self._item(one) for one in there]

    def _pod(self, rest: str) -> bytes:
        name, _, part = rest.partition("/")
        pod = next((one for one in self.controller.pods() if one.name == name), None)
        if pod is None:
            raise Unfit(404, "NotFound", f'pods "{name}" not found')
        if part == "log":
            return b"cannot find the price list\n" if pod.has_crashed(self._timeline.now) else b"serving\n"
        return pod.item(self._timeline.now).text

    def _made_by_controllers(self, path: str) -> list[Item]:
        now, pods = self._timeline.now, self.controller.pods()
        match path.rpartition("/")[2]:
            case "replicasets":
                return [each.item(self.uid) for each in self.controller.sets]
            case "pods":
                return [pod.item(now) for pod in pods]
            case _:
                return [self._slice(pods)]

    def _slice(self, pods: list[Pod]) -> Item:
        now = self._timeline.now
        return Item(
            {
                "metadata": {"name": "checkout-1"},
                "ports": [{"name": "http", "port": 8080}],
                "endpoints": [pod.endpoint(now) for pod in pods],
            }
        )

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
        self._items.pop(path, None)
        self._witness.wrote(who, path, before, after)
        if path == DEPLOYMENT:
            self.controller.awake()
        return after

    def noted(self) -> None:
        """What the Deployment controller writes after a round: status and revision."""
        controller, before, now = self.controller, self.deployment, self._timeline.now
        current = controller.current()
        sets = controller.sets
        counts = [each.counted(now) for each in sets]
        status = {
            "observedGeneration": controller.observed,
            "replicas": sum(living for living, _, _ in counts),
            "updatedReplicas": next((counts[number][0] for number, each in enumerate(sets) if each is current), 0),
            "readyReplicas": sum(ready for _, ready, _ in counts),
            "availableReplicas": sum(available for _, _, available in counts),
        }
        notes = {**(before["metadata"].get("annotations") or {})}
        if current:
            notes[REVISION] = str(current.revision)
        self.revision += 1
        if status != before.get("status") or notes != before["metadata"].get("annotations"):
            meta = {**before["metadata"], "annotations": notes, "resourceVersion": str(self.revision)}
            self.deployment = {**before, "metadata": meta, "status": status}
            self._items.pop(DEPLOYMENT, None)
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

    def _item(self, path: str) -> Item:
        """What is kept there."""
        known = self._items.get(path)
        if known is None:
            known = self._items[path] = Item(self.found(path) or {})
        return known

    def _post(self, who: str, folder: str, body: Doc) -> bytes:
        path = f"{folder}/{body['metadata']['name']}"
        if self.found(path) is not None:
            raise Unfit(409, "AlreadyExists", f"{path.rpartition('/')[2]} already exists")
        _valid(path, body)
        self.write(who, path, body)
        return self._item(path).text

    def _put(self, who: str, path: str, body: Doc) -> Item:
        before = self.found(path)
        if before is None:
            raise Unfit(404, "NotFound", f"{path.rpartition('/')[2]} not found")
        self._demand(before, body)
        _valid(path, body)
        self.write(who, path, body)
        return self._item(path)

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
        return self._item(request.path).text

    def _demand(self, before: Doc, body: Doc) -> None:
        """Optimistic locking, where the request asks for it."""
        said = (body.get("metadata") or {}).get("resourceVersion")
        if said is not None and said != before["metadata"]["resourceVersion"]:
            raise Unfit(
                409, "Conflict", "the object has been modified; please apply your changes to the latest version"
            )


def _page(listing: Listing, query: Mapping[str, str]) -> bytes:
    """`limit` and `continue`."""
    limit, begin, items = int(query.get("limit", 0)), int(query.get("continue", 0)), listing.items
    end = begin + limit if limit else len(items)
    if not begin and end >= len(items):
        return listing.body
    more = {"continue": str(end), "remainingItemCount": len(items) - end} if end < len(items) else {}
    return written({"resourceVersion": listing.version, **more}, items[begin:end])


def _same(before: Doc, after: Doc) -> bool:
    return before is after or {**before, "metadata": {**before["metadata"], "resourceVersion": ""}} == {
        **after,
        "metadata": {**after["metadata"], "resourceVersion": ""},
    }


def _valid(path: str, body: Doc) -> None:
    data = body.get("data") or {}
    if path.startswith(MAPS) and sum(len(value) for value in data.values()) > MOST_OF_A_MAP:
        raise Unfit(422, "Invalid", "ConfigMap is invalid: []: Too long: may not be more than 1048576 bytes")

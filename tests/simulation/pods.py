"""Pods: pods and ReplicaSets of the simulated cluster, and what their documents look like."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from simulation.objects import Doc, Item, stamp, text

NEVER = float("inf")
APP = {"app": "checkout"}
HASH = "pod-template-hash"
_HASHES: dict[int, tuple[Doc, str]] = {}
"""By identity of a template, which never changes; the template is kept so that its identity is."""
REVISION = "deployment.kubernetes.io/revision"


@dataclass(frozen=True)
class Nature:
    """How pods of an image behave."""

    ready_after: float = 3.0
    """Seconds from being made to Ready; NEVER is possible."""
    crashes_after: float = NEVER
    unready_after: float = NEVER
    """From then on its readiness probe fails, without a crash."""


def template_hash(template: Doc) -> str:
    """What stands for Kubernetes' own."""
    known = _HASHES.get(id(template))
    if known is None or known[0] is not template:
        if len(_HASHES) > 1000:
            _HASHES.clear()
        known = _HASHES[id(template)] = (template, sha256(text(template).encode()).hexdigest()[:10])
    return known[1]


@dataclass(eq=False)
class Pod:
    """A pod, and when it changes."""

    name: str
    owner: ReplicaSet
    made_at: float
    nature: Nature
    gone_at: float = NEVER
    """When it is deleted for good; before that it is terminating."""
    deleted_at: float = NEVER
    _changes: tuple[float, ...] = ()
    _item: tuple[tuple[bool, bool, float], Item] | None = None
    """As it was written last, and what was true of it then."""

    def is_ready(self, now: float) -> bool:
        """Its readiness probe passes."""
        age, nature = now - self.made_at, self.nature
        return nature.ready_after <= age < nature.crashes_after and age < nature.unready_after

    def has_crashed(self, now: float) -> bool:
        return now - self.made_at >= self.nature.crashes_after

    @property
    def terminates(self) -> bool:
        return self.deleted_at is not NEVER

    def changes_at(self) -> tuple[float, ...]:
        """The moments at which it looks different by itself."""
        if not self._changes:
            nature, at = self.nature, self.made_at
            self._changes = at + nature.ready_after, at + nature.crashes_after, at + nature.unready_after
        return self._changes

    def item(self, now: float) -> Item:
        """As the API shows it, written once for every change."""
        looks = self.is_ready(now), self.has_crashed(now), self.deleted_at
        if self._item is None or self._item[0] != looks:
            self._item = looks, Item(self._document(now))
        return self._item[1]

    def _document(self, now: float) -> dict[str, Any]:
        owner, ready = self.owner, self.is_ready(now)
        since = self.made_at + (self.nature.ready_after if ready else 0.0)
        meta: dict[str, Any] = {
            "name": self.name,
            "namespace": "shop",
            "uid": f"uid-{self.name}",
            "labels": {**APP, HASH: owner.hash},
            "creationTimestamp": stamp(int(self.made_at)),
            "ownerReferences": [{"kind": "ReplicaSet", "name": owner.name, "uid": owner.uid, "controller": True}],
        }
        if self.terminates:
            meta["deletionTimestamp"] = stamp(int(self.deleted_at) + 1)
        containers = [{"name": one["name"], "image": one["image"]} for one in owner.containers]
        ready_condition = {"type": "Ready", "status": str(ready), "lastTransitionTime": stamp(int(since))}
        status = {"phase": "Running", "conditions": [ready_condition]}
        status["containerStatuses"] = [self._container(one["name"], now) for one in containers]
        return {"metadata": meta, "spec": {"containers": containers}, "status": status}

    def _container(self, name: str, now: float) -> Doc:
        if not self.has_crashed(now):
            return {"name": name, "restartCount": 0, "state": {"running": {}}}
        died = {"terminated": {"exitCode": 3, "reason": "Error"}}
        return {
            "name": name,
            "restartCount": 2,
            "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off restarting failed container"}},
            "lastState": died,
        }

    def endpoint(self, now: float) -> Doc:
        """As an EndpointSlice lists it."""
        ready = self.is_ready(now)
        conditions = {"ready": ready and not self.terminates, "serving": ready, "terminating": self.terminates}
        return {"conditions": conditions, "targetRef": {"kind": "Pod", "name": self.name}}


@dataclass(eq=False)
class ReplicaSet:
    """A ReplicaSet: `size` is its `spec.replicas`."""

    hash: str
    template: Doc
    made_at: float
    revision: int
    min_ready: int = 0
    size: int = 0
    desired: int = 0
    """Annotation `desired-replicas`: of the Deployment, when it was scaled last."""
    most: int = 0
    """Annotation `max-replicas`: the same with the surge."""
    notes: Mapping[str, str] = field(default_factory=dict)
    """The Deployment's annotations, copied."""
    pods: list[Pod] = field(default_factory=list)
    _item: tuple[tuple[int, int, Mapping[str, str]], Item] | None = None
    """As it was written last, and what was true of it then."""

    @property
    def name(self) -> str:
        return f"checkout-{self.hash}"

    @property
    def uid(self) -> str:
        return f"uid-{self.name}"

    @property
    def containers(self) -> list[dict[str, Any]]:
        return self.template["spec"]["containers"]  # type: ignore[no-any-return]

    @property
    def image(self) -> str:
        return str(self.containers[0]["image"])

    def living(self) -> list[Pod]:
        return [pod for pod in self.pods if not pod.terminates]

    def ready(self, now: float) -> int:
        return self.counted(now)[1]

    def available(self, now: float) -> int:
        return self.counted(now)[2]

    def counted(self, now: float) -> tuple[int, int, int]:
        """Pods that do not terminate, of them the Ready ones, and of those the ones that count as available."""
        living = ready = available = 0
        for pod in self.pods:
            if pod.deleted_at is NEVER:
                living += 1
                if pod.is_ready(now):
                    ready += 1
                    available += pod.made_at + pod.nature.ready_after + self.min_ready <= now
        return living, ready, available

    def item(self, owner_uid: str) -> Item:
        """As the API shows it, written once for every change."""
        looks = self.size, self.revision, self.notes
        if self._item is None or self._item[0] != looks:
            self._item = looks, Item(self._document(owner_uid))
        return self._item[1]

    def _document(self, owner_uid: str) -> dict[str, Any]:
        return {
            "metadata": {
                "name": self.name,
                "uid": self.uid,
                "labels": {**APP, HASH: self.hash},
                "annotations": {**self.notes, REVISION: str(self.revision)},
                "ownerReferences": [{"kind": "Deployment", "name": "checkout", "uid": owner_uid, "controller": True}],
            },
            "spec": {"replicas": self.size, "template": self.template},
        }

"""Replica sets: the ReplicaSets and pods that a Deployment's selector selects, read as seldom as is right.

What matters of a ReplicaSet never changes but for its revision, and that changes only on the one that has the
Deployment's template. So they are read when that one is not known, or a pod belongs to one that is not.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from davy.canary.platforms.kubernetes import documents
from davy.canary.platforms.kubernetes.watches.mirror import Listening, listed
from davy.pipeline.clients.kubernetes.api import KubeApi

Doc = dict[str, Any]

WHOLE_EVERY = 600.0
"""Seconds, then all ReplicaSets are read again, whatever is known of them."""
MOST_NAMED = 50
"""Hashes in one selector."""
DOUBTFUL_AFTER = 2.0
"""Seconds: pods are read again where the Deployment counts others for longer. Its own count is a little late, too."""


class ReplicaSets:
    """Those of one selector, by uid."""

    def __init__(self, api: KubeApi, listening: Listening, path: str, selector: str) -> None:
        """Nothing is read yet."""
        self._api, self._path, self._selector = api, path, selector
        self._monotonic, self._is_kept = listening.monotonic, listening.opened is not None
        self.stamp = 0
        """Another one whenever they may be others."""
        self._held: dict[str, Doc] = {}
        self._strangers: set[str] = set()
        """Owners of pods that no ReplicaSet here is."""
        self._read_at: float | None = None

    def of(self, deployment: Doc, pods: Sequence[Doc]) -> list[Doc]:
        """As they are, for this Deployment with these pods."""
        whole = self._read_at is None or not self._is_kept or self._monotonic() - self._read_at >= WHOLE_EVERY
        if whole:
            self._read_whole()
        lost = self._lost(pods)
        if not whole and (lost or not self._has_template(deployment)):
            self._read_others(deployment)
            if self._lost(pods):
                self._read_whole()
            lost = self._lost(pods)
        self._strangers |= lost
        return list(self._held.values())

    def _has_template(self, deployment: Doc) -> bool:
        own = [one for one in self._held.values() if documents.owner_uid(one) == documents.uid(deployment)]
        return bool(documents.template_hash_of(deployment, own))

    def _lost(self, pods: Sequence[Doc]) -> set[str]:
        """Owners of pods that are not known."""
        return {documents.owner_uid(pod) for pod in pods} - self._held.keys() - self._strangers

    def _read_whole(self) -> None:
        self._read_at = None
        items = self._api.get(self._path, {"labelSelector": self._selector})["items"]
        self._held = {documents.uid(one): one for one in items}
        self.stamp += 1
        self._strangers, self._read_at = set(), self._monotonic()

    def _read_others(self, deployment: Doc) -> None:
        """All but those that are known to have another template."""
        wanted = documents.images(deployment["spec"])
        known = [one for one in self._held.values() if documents.images(one["spec"]) != wanted]
        hashes = sorted({found for one in known if (found := documents.labels(one).get(documents.HASH, ""))})
        chosen = f"{self._selector},{documents.HASH} notin ({','.join(hashes[:MOST_NAMED])})"
        query = {"labelSelector": chosen if hashes else self._selector}
        self.stamp += 1
        self._held |= {documents.uid(one): one for one in self._api.get(self._path, query)["items"]}


class Offspring:
    """Of one selector."""

    def __init__(self, api: KubeApi, listening: Listening, namespace: str, selector: str) -> None:
        """Nothing is read yet."""
        self.selector = selector
        path, chosen = f"/api/v1/namespaces/{namespace}/pods", {"labelSelector": selector}
        self._pods = listed(api, listening, path, chosen)
        self._sets = ReplicaSets(api, listening, f"/apis/apps/v1/namespaces/{namespace}/replicasets", selector)
        self._monotonic = listening.monotonic
        self._differs: tuple[float, int] | None = None
        """Since when the Deployment counts others, and by which state of the pods."""

    @property
    def stamp(self) -> tuple[int, int]:
        """Another one whenever they may be others."""
        return self._pods.stamp, self._sets.stamp

    def of(self, deployment: Doc) -> dict[str, list[Doc]]:
        """What it selects, by the names that `readiness` asks for."""
        pods = self._pods.documents()
        sets = self._sets.of(deployment, pods)
        if self._is_doubtful(_ready(pods, sets) == _counted(deployment)):
            pods = self._pods.documents(anew=True)
            sets = self._sets.of(deployment, pods)
        return {"replica_sets": sets, "pods": pods}

    def _is_doubtful(self, agrees: bool) -> bool:
        """True where the Deployment has counted others for a while, and the pods have told nothing of it."""
        now, stamp = self._monotonic(), self._pods.stamp
        if agrees or self._differs is None or self._differs[1] != stamp:
            self._differs = None if agrees else (now, stamp)
            return False
        return now - self._differs[0] >= DOUBTFUL_AFTER and self._pods.age > DOUBTFUL_AFTER

    def forget(self) -> None:
        """Read the pods again before anything is said of them."""
        self._pods.forget()

    def close(self) -> None:
        """Hear nothing any more."""
        self._pods.close()


def _ready(pods: Sequence[Doc], sets: Sequence[Doc]) -> int:
    ids = {documents.uid(one) for one in sets}
    return sum(
        1
        for pod in pods
        if documents.owner_uid(pod) in ids and "deletionTimestamp" not in pod["metadata"] and _is_ready(pod)
    )


def _is_ready(pod: Doc) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or []
    return any(one.get("type") == "Ready" and one.get("status") == "True" for one in conditions)


def _counted(deployment: Mapping[str, Any]) -> int:
    """How many Kubernetes says are Ready: a second witness, on another stream."""
    return int((deployment.get("status") or {}).get("readyReplicas") or 0)

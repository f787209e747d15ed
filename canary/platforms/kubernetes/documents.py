"""Documents: what documents of a cluster say of a Deployment, its two sides and its pods. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from davy.canary.platforms.held_update import HELD_MIN_READY_SECONDS, PREFIX
from davy.canary.platforms.kubernetes import annotation_values
from davy.canary.platforms.kubernetes.annotation_values import Inscription, Version
from davy.canary.platforms.kubernetes.annotations import RESTORE, ROLLOUT
from davy.canary.ports.snapshot import Baseline, FailureKind, PodFailure, PodView, Snapshot
from davy.pipeline.core.events import Restore
from davy.pipeline.core.json import tree
from davy.pipeline.core.text.excerpt import excerpt
from davy.pipeline.core.workload import Workload

Doc = Mapping[str, Any]

REVISION = "deployment.kubernetes.io/revision"
HASH = "pod-template-hash"
HTTP = ("http", "web")
"""How the names of ports begin that speak it."""

PULL = frozenset({"ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError"})
"""`ErrImagePull` is not among them: the kubelet tries again after it, and says ImagePullBackOff when that failed too.

https://github.com/kubernetes/kubernetes/blob/v1.34.0/pkg/kubelet/images/types.go
"""
CONFIG = frozenset({"CreateContainerConfigError", "CreateContainerError", "RunContainerError", "PreCreateHookError"})


def snapshot_of(
    workload: Workload, *, deployment: Doc, replica_sets: Sequence[Doc], pods: Sequence[Doc], slices: Sequence[Doc]
) -> Snapshot:
    """The Deployment at one moment. Documents of others in the same namespace may be among those given."""
    spec = deployment["spec"]
    own_sets = [doc for doc in replica_sets if owner_uid(doc) == uid(deployment)]
    set_ids = {uid(doc) for doc in own_sets}
    own_pods = [doc for doc in pods if owner_uid(doc) in set_ids and _lives(doc)]
    template_hash = template_hash_of(deployment, own_sets)
    # `kubectl rollout undo` brings annotations of past rollouts back, but never a label or the hold. Who takes the
    # label away alone, or writes the labels anew, has ended no rollout: it is held as before.
    held = spec.get("minReadySeconds") == HELD_MIN_READY_SECONDS and RESTORE in annotations(deployment)
    marked = held or ROLLOUT in labels(deployment)
    said = Inscription()
    if marked:
        versions = [_version(document, template_hash) for document in own_sets]
        said = annotation_values.read(annotations(deployment), versions, tuple(images(spec)))
    seen = int(deployment.get("status", {}).get("observedGeneration", 0)) >= int(deployment["metadata"]["generation"])
    return Snapshot(
        workload=workload,
        replicas=int(spec.get("replicas", 1)),
        images=images(spec),
        hash=template_hash if seen else "",
        is_current=seen,
        is_frozen=bool(spec.get("paused", False)),
        size=_size(spec),
        own=own_settings(deployment),
        held=said.held,
        release=said.release,
        stable_hash=said.stable_hash,
        pods=_pod_views(own_pods, slices),
        marked=marked,
        traces=any(name.startswith(PREFIX) for name in (*labels(deployment), *annotations(deployment))),
        notes=said.notes,
    )


def _size(spec: Doc) -> int | None:
    """`maxSurge`, where it is no percentage."""
    surge = str((spec.get("strategy", {}).get("rollingUpdate") or {}).get("maxSurge", ""))
    return int(surge) if surge.isascii() and surge.isdecimal() and len(surge) <= 10 else None


def _version(replica_set: Doc, template_hash: str) -> Version:
    name, revision = labels(replica_set).get(HASH, ""), annotations(replica_set).get(REVISION, "")
    return Version(
        hash=name,
        images=images(replica_set["spec"]),
        revision=int(revision) if revision.isascii() and revision.isdecimal() and len(revision) < 20 else 0,
        is_current=name == template_hash,
    )


def baseline_of(
    name: str, *, deployment: Doc, replica_sets: Sequence[Doc], pods: Sequence[Doc], slices: Sequence[Doc]
) -> Baseline:
    """The Deployment of fresh pods of the stable version, at the same moment."""
    own_sets = [doc for doc in replica_sets if owner_uid(doc) == uid(deployment)]
    template = template_hash_of(deployment, own_sets)
    set_ids = {uid(doc) for doc in own_sets if template and labels(doc).get(HASH) == template}
    own_pods = [doc for doc in pods if owner_uid(doc) in set_ids and _lives(doc)]
    return Baseline(name=name, images=images(deployment["spec"]), pods=_pod_views(own_pods, slices))


def own_settings(deployment: Doc) -> Restore:
    """What a rollout changes and puts back, as it stands now."""
    spec = deployment["spec"]
    return Restore(
        images=images(spec),
        strategy=tree.canonical(spec.get("strategy", {})),
        min_ready_seconds=spec.get("minReadySeconds"),
        progress_deadline_seconds=spec.get("progressDeadlineSeconds"),
    )


def images(spec: Doc) -> dict[str, str]:
    """By container of a pod template; init containers are not released."""
    return {str(one["name"]): str(one["image"]) for one in containers(spec)}


def containers(spec: Doc) -> list[dict[str, Any]]:
    """The containers of a workload's pod template."""
    found: list[dict[str, Any]] = spec["template"]["spec"]["containers"]
    return found


def annotations(document: Doc) -> dict[str, str]:
    """Never None."""
    return document["metadata"].get("annotations") or {}


def labels(document: Doc) -> dict[str, str]:
    """Never None."""
    return document["metadata"].get("labels") or {}


def uid(document: Doc) -> str:
    """Kubernetes' own identity of an object: a name may be used again, a uid never."""
    return str(document["metadata"].get("uid", ""))


def owner_uid(document: Doc) -> str:
    """The uid of the controller that owns it; empty where none does."""
    for owner in document["metadata"].get("ownerReferences") or ():
        if owner.get("controller"):
            return str(owner["uid"])
    return ""


def template_hash_of(deployment: Doc, own_sets: Sequence[Doc]) -> str:
    """Of the ReplicaSet that Kubernetes made for the template.

    The revision says which one it is; for a moment after a write both still say the old revision, so the images
    must agree too.
    """
    revision, wanted = annotations(deployment).get(REVISION, ""), images(deployment["spec"])
    for document in own_sets:
        if revision and annotations(document).get(REVISION) == revision and images(document["spec"]) == wanted:
            return labels(document).get(HASH, "")
    return ""


def _lives(pod: Doc) -> bool:
    """Pods that were evicted stay behind as Failed; they are no capacity and no sign of the version."""
    return pod.get("status", {}).get("phase") not in {"Failed", "Succeeded"}


def _pod_views(pods: Sequence[Doc], slices: Sequence[Doc]) -> tuple[PodView, ...]:
    endpoints = _endpoints(slices)
    names = {str(pod["metadata"]["name"]) for pod in pods}
    # Kubernetes lists pods that are not ready as well, so a Service that selects them shows.
    exposed = not names.isdisjoint(endpoints)
    ports = ports_of(slices)
    views = (_pod_view(pod, endpoints if exposed else None, ports) for pod in pods)
    return tuple(sorted(views, key=lambda view: (view.created_at, view.name)))


def _endpoints(slices: Iterable[Doc]) -> dict[str, bool]:
    """By pod: whether any EndpointSlice sends it traffic. A condition that is not set means ready.

    https://kubernetes.io/docs/reference/kubernetes-api/service-resources/endpoint-slice-v1/
    """
    found: dict[str, bool] = {}
    for document in slices:
        for endpoint in document.get("endpoints") or []:
            target = endpoint.get("targetRef") or {}
            if target.get("kind") == "Pod":
                ready = (endpoint.get("conditions") or {}).get("ready")
                found[target["name"]] = found.get(target["name"], False) or ready is not False
    return found


def ports_of(slices: Iterable[Doc]) -> dict[str, int]:
    """By pod, where Services send its traffic to: the port named like http, else the first."""
    found: dict[str, int] = {}
    for document in slices:
        said = [one for one in document.get("ports") or [] if one.get("port")]
        named = [one for one in said if str(one.get("name") or "").startswith(HTTP)]
        for endpoint in (document.get("endpoints") or []) if said else []:
            target = endpoint.get("targetRef") or {}
            if target.get("kind") == "Pod" and (named or target["name"] not in found):
                found[target["name"]] = int((named or said)[0]["port"])
    return found


def _own_port(pod: Doc) -> int:
    said = [one for each in pod.get("spec", {}).get("containers") or [] for one in each.get("ports") or []]
    named = [one for one in said if str(one.get("name") or "").startswith(HTTP)]
    return int((named or said)[0]["containerPort"]) if said else 0


def _pod_view(pod: Doc, endpoints: Mapping[str, bool] | None, ports: Mapping[str, int]) -> PodView:
    meta = pod["metadata"]
    name, terminating = str(meta["name"]), "deletionTimestamp" in meta
    ready = _condition(pod, "Ready")
    is_ready = ready.get("status") == "True"
    return PodView(
        name=name,
        hash=labels(pod).get(HASH, ""),
        ready=is_ready,
        serving=(is_ready and not terminating) if endpoints is None else endpoints.get(name, False),
        created_at=moment(meta["creationTimestamp"]),
        ready_since=moment(ready["lastTransitionTime"]) if is_ready and ready.get("lastTransitionTime") else None,
        terminating=terminating,
        trouble=None if terminating else failure_of(pod),
        ip=str(pod.get("status", {}).get("podIP") or ""),
        port=ports.get(name) or _own_port(pod),
    )


def _condition(pod: Doc, kind: str) -> Doc:
    for one in pod.get("status", {}).get("conditions") or ():
        if one.get("type") == kind:
            return one  # type: ignore[no-any-return] # a document
    return {}


def failure_of(pod: Doc) -> PodFailure | None:
    """The first thing Kubernetes says of a pod that means it cannot work; None where nothing does.

    A pod that could not be scheduled is told of at once: whether to wait for a node is the caller's to say.
    """
    for status in _statuses(pod):
        if (found := _container_trouble(status)) is not None:
            return found
    scheduled = _condition(pod, "PodScheduled")
    if scheduled.get("status") == "False" and scheduled.get("reason") == "Unschedulable":
        return PodFailure(kind=FailureKind.UNSCHEDULABLE, words=excerpt(str(scheduled.get("message", "Unschedulable"))))
    return None


def _statuses(pod: Doc) -> Iterator[Doc]:
    status = pod.get("status", {})
    yield from status.get("initContainerStatuses") or []
    yield from status.get("containerStatuses") or []


def _container_trouble(status: Doc) -> PodFailure | None:
    state, last = status.get("state") or {}, (status.get("lastState") or {}).get("terminated")
    waiting, ended = state.get("waiting") or {}, state.get("terminated")
    if not (waiting or ended or last):
        return None  # It runs, and never died.
    reason, name = str(waiting.get("reason", "")), str(status.get("name", ""))
    died = ended or last
    if died and died.get("reason") == "OOMKilled":
        return PodFailure(kind=FailureKind.OUT_OF_MEMORY, words=f"container {name} was killed: {_death(died)}")
    if reason == "CrashLoopBackOff" or (ended and ended.get("exitCode") and status.get("restartCount", 0) > 0):
        words = _said(name, waiting, "crashes") + (f"; it ended with {_death(died)}" if died else "")
        return PodFailure(kind=FailureKind.CRASH_LOOP, words=words)
    if reason in PULL or (reason == "ErrImagePull" and _is_final(waiting)):
        return PodFailure(kind=FailureKind.IMAGE_PULL, words=_said(name, waiting, reason))
    if reason in CONFIG:
        return PodFailure(kind=FailureKind.CONFIG_ERROR, words=_said(name, waiting, reason))
    return None


def _is_final(waiting: Doc) -> bool:
    """True where the registry answered that there is no such image or no right to it."""
    message = str(waiting.get("message", "")).lower()
    return any(word in message for word in ("not found", "manifest unknown", "unauthorized", "denied", "forbidden"))


def _said(name: str, waiting: Doc, otherwise: str) -> str:
    reason, message = waiting.get("reason", otherwise), str(waiting.get("message", ""))
    return f"container {name}: {reason}" + (f": {excerpt(message)}" if message else "")


def _death(ended: Doc) -> str:
    reason = ended.get("reason", "Error")
    return f"exit code {ended.get('exitCode', '?')} ({reason})" + (
        f": {excerpt(str(ended['message']), 200)}" if ended.get("message") else ""
    )


def moment(text: str) -> datetime:
    """Kubernetes' time as an aware datetime."""
    return datetime.fromisoformat(text)

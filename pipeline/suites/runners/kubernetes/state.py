"""State: what Kubernetes says of a suite's pod, in words. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from davy.pipeline.core.text.excerpt import excerpt
from davy.pipeline.suites.runners.kubernetes.pod import INDEX, SUITE

Doc = dict[str, Any]

PULL = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull")
CONFIG = ("CreateContainerConfigError", "CreateContainerError", "RunContainerError")
PLAIN = ("not found", "unauthorized", "denied", "forbidden", "invalid")
"""A registry's words after which no second try helps."""

OFTEN = 2
"""Restarts of a service after which it is not waited for any longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFailure:
    """Why a suite will never run, or did not end by itself."""

    because: str
    fault: bool = False
    """The place failed, and not the suite: another try may end otherwise."""


def index_of(pod: Doc) -> int:
    """Which shard it is, from 0."""
    return int((pod["metadata"].get("annotations") or {}).get(INDEX, 0))


def state_of(pod: Doc) -> Doc:
    """Of the suite's container: `running`, `waiting` or `terminated`; empty before it is there."""
    for status in pod.get("status", {}).get("containerStatuses") or []:
        if status.get("name", SUITE) == SUITE:
            state: Doc = status.get("state") or {}
            return state
    return {}


def has_begun(pod: Doc) -> bool:
    """True once the suite's container runs or ran."""
    state = state_of(pod)
    return "running" in state or "terminated" in state


def has_ended(pod: Doc) -> bool:
    """True once nothing more comes from it."""
    return "terminated" in state_of(pod) or pod.get("status", {}).get("phase") == "Failed"


def is_disrupted(pod: Doc) -> bool:
    """True where the pod was taken away and not ended by what ran in it: a drained node, a preemption, an eviction."""
    conditions = pod.get("status", {}).get("conditions") or []
    return any(one.get("type") == "DisruptionTarget" and one.get("status") == "True" for one in conditions)


def failure_in(pod: Doc) -> JobFailure | None:
    """Why it will never run; None where it may."""
    services = pod.get("status", {}).get("initContainerStatuses") or []
    for status in services:
        if found := _of_service(status):
            return found
    return _waiting(state_of(pod))


def _waiting(state: Doc) -> JobFailure | None:
    waiting = state.get("waiting") or {}
    reason, message = str(waiting.get("reason", "")), str(waiting.get("message", ""))
    # The kubelet tries once more after ErrImagePull, unless the registry said plainly that there is no such image.
    plain = any(word in message.lower() for word in PLAIN)
    if reason in PULL and (reason != "ErrImagePull" or plain):
        return JobFailure(because=f"image pull error: {excerpt(message) or reason}", fault=not plain)
    return JobFailure(because=f"could not start: {reason}: {excerpt(message)}") if reason in CONFIG else None


def _of_service(status: Doc) -> JobFailure | None:
    """A service that ends again and again, or cannot begin."""
    name, state = status.get("name", ""), status.get("state") or {}
    # The kubelet (seen with 1.34) leaves a sidecar that waits for its next start as terminated.
    looping = (state.get("waiting") or {}).get("reason") == "CrashLoopBackOff"
    last = state.get("terminated") or (status.get("lastState") or {}).get("terminated") or {}
    if looping or ("terminated" in state and int(status.get("restartCount", 0)) >= OFTEN):
        return JobFailure(because=f"service {name} does not stay up: {_ending(last)}")
    found = _waiting(state)
    return JobFailure(because=f"service {name}: {found.because}", fault=found.fault) if found else None


def _ending(ended: Doc) -> str:
    reason = str(ended.get("reason", ""))
    return "out of memory" if reason == "OOMKilled" else f"exit code {ended.get('exitCode', '?')}"


def waits_for(pod: Doc) -> str:
    """What a pod that has not begun is waiting for, in Kubernetes' words."""
    status = pod.get("status", {})
    for one in status.get("conditions") or []:
        if one.get("type") == "PodScheduled" and one.get("status") == "False":
            return excerpt(str(one.get("message", "no node has room for it")))
    late = [str(one.get("name")) for one in status.get("initContainerStatuses") or [] if not one.get("started")]
    if late and not (state_of(pod).get("waiting") or {}).get("message"):
        return f"service {late[0]} is not ready"
    return str((state_of(pod).get("waiting") or {}).get("reason", "its pod is pending"))


def newest(pods: Iterable[Doc], seen: frozenset[str] | set[str] = frozenset()) -> Doc | None:
    """The pod made last, of those not seen before."""
    left = [pod for pod in pods if pod["metadata"]["uid"] not in seen]
    return max(left, key=lambda pod: str(pod["metadata"].get("creationTimestamp", "")), default=None)

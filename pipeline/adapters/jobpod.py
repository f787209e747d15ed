"""Job pod: the Job that runs a suite, as a document, and what its pod's state says. Pure."""

import re
from datetime import timedelta
from typing import Any

from davy.pipeline.adapters.jobscript import FOLDER, MOST_PACKED, SCRIPT
from davy.pipeline.excerpt import excerpt
from davy.pipeline.ports import SuiteOrder

Doc = dict[str, Any]

GRACE = 10
"""Seconds from the word to end until the kill: enough to print report and files."""
SPARE = 60
"""Seconds beyond which Kubernetes ends a Job that no runner watches any more."""
KEPT = 600
"""Seconds that Kubernetes keeps an ended Job which nobody deleted."""

PULL = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull")
CONFIG = ("CreateContainerConfigError", "CreateContainerError", "RunContainerError")


def job_of(order: SuiteOrder, *, name: str, mark: str, service: str, release: str, start_within: timedelta) -> Doc:
    """The Job, whole."""
    labels = {
        "app.kubernetes.io/managed-by": "davy",
        "davy.dev/service": _label(service),
        "davy.dev/release": _label(release),
        "davy.dev/suite": _label(order.name),
    }
    limit = (start_within + order.timeout).total_seconds() + SPARE
    limits = {"memory": str(order.memory_bytes), "cpu": f"{max(1, round(order.cpus * 1000))}m"}
    container = {
        "name": "suite",
        "image": order.within.reference,
        "command": ["/bin/sh", "-c", SCRIPT, "davy", mark, order.run, str(MOST_PACKED), *order.collect],
        "env": [{"name": key, "value": value} for key, value in order.env.items()],
        "resources": {"limits": limits, "requests": {"memory": limits["memory"], "cpu": "10m"}},
        "volumeMounts": [{"name": "davy", "mountPath": FOLDER}],
    }
    pod = {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": GRACE,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "containers": [container],
        "volumes": [{"name": "davy", "emptyDir": {}}],
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "labels": labels},
        "spec": {
            "backoffLimit": 0,
            "activeDeadlineSeconds": round(limit),
            "ttlSecondsAfterFinished": KEPT,
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }


def _label(text: str) -> str:
    """At most 63 of the characters that a label's value may have."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", text)[:63].strip("-_.")


def state_of(pod: Doc) -> Doc:
    """Of the suite's container: `running`, `waiting` or `terminated`; empty before it is there."""
    statuses = pod.get("status", {}).get("containerStatuses") or [{}]
    state: Doc = statuses[0].get("state") or {}
    return state


def failure_in(state: Doc) -> str:
    """Why it will never run; empty where it may."""
    waiting = state.get("waiting") or {}
    reason, message = str(waiting.get("reason", "")), str(waiting.get("message", ""))
    # The kubelet tries once more after ErrImagePull, unless the registry said plainly that there is no such image.
    plain = any(word in message.lower() for word in ("not found", "unauthorized", "denied", "forbidden"))
    if reason in PULL and (reason != "ErrImagePull" or plain):
        return f"image pull error: {excerpt(message) or reason}"
    return f"could not start: {reason}: {excerpt(message)}" if reason in CONFIG else ""


def waits_for(pod: Doc, state: Doc) -> str:
    """What a pod that has not begun is waiting for, in Kubernetes' words."""
    for one in pod.get("status", {}).get("conditions") or []:
        if one.get("type") == "PodScheduled" and one.get("status") == "False":
            return excerpt(str(one.get("message", "no node has room for it")))
    return str((state.get("waiting") or {}).get("reason", "its pod is pending"))

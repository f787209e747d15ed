"""Pod: the Job that runs a suite, all its shards, as a document. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from davy.pipeline.core.errors import Unusable
from davy.pipeline.suites.ports import SuiteOrder
from davy.pipeline.suites.runners.kubernetes import script
from davy.pipeline.suites.runners.kubernetes.script import FOLDER
from davy.pipeline.suites.runners.kubernetes.services import aliases, services_of, sidecars

Doc = dict[str, Any]

GRACE = 10
"""Seconds from the word to end until the kill: enough to print report and files."""
SPARE = 60
"""Seconds beyond which Kubernetes ends a Job that no runner watches any more."""
KEPT = 600
"""Seconds that Kubernetes keeps an ended Job which nobody deleted."""
SUITE = "suite"
"""The container's name."""
INDEX = "batch.kubernetes.io/job-completion-index"
"""The pod's annotation, and label since Kubernetes 1.28, that says which shard it is."""
MANAGED, SERVICE, RELEASE = "app.kubernetes.io/managed-by", "davy.dev/service", "davy.dev/release"
ALIVE = "davy.dev/alive"
"""When its runner last said that it is there, by the API server's clock; how long ago tells a killed one's Jobs."""
LONGEST_WORD = 128 * 1024
"""Bytes: Linux takes no longer word on a command line (MAX_ARG_STRLEN)."""
MOST_WORDS = 2**20
"""Bytes of all: an object in etcd may be 1.5 MiB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobName:
    """What a Job is known by."""

    name: str
    mark: str
    service: str
    release: str
    at: datetime


def job_of(orders: Sequence[SuiteOrder], named: JobName, start_within: timedelta) -> Doc:
    """The Job, whole: a pod for each order, by its index. Raises Unusable where their lists are too long for a pod."""
    order = orders[0]
    labels = {
        MANAGED: "davy",
        SERVICE: label(named.service),
        RELEASE: label(named.release),
        "davy.dev/suite": label(order.name),
    }
    limit = (start_within + len(orders) * order.timeout).total_seconds() + SPARE
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": named.name, "labels": labels, "annotations": {ALIVE: named.at.isoformat()}},
        "spec": {
            "completionMode": "Indexed",
            "completions": len(orders),
            "parallelism": len(orders),
            # Whether something is tried again is davy's to say, not the Job's.
            "backoffLimitPerIndex": 0,
            # A pod that a drained node took away says nothing of the suite: Kubernetes makes another.
            "podFailurePolicy": {
                "rules": [{"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}]
            },
            "activeDeadlineSeconds": round(limit),
            "ttlSecondsAfterFinished": KEPT,
            "template": {"metadata": {"labels": labels}, "spec": _pod(orders, named.mark, start_within)},
        },
    }


def _pod(orders: Sequence[SuiteOrder], mark: str, start_within: timedelta) -> Doc:
    order = orders[0]
    limits = {"memory": str(order.memory_bytes), "cpu": f"{max(1, round(order.cpus * 1000))}m"}
    shared = {name: value for name, value in order.env.items() if all(one.env.get(name) == value for one in orders)}
    container = {
        "name": SUITE,
        "image": order.within.reference,
        "command": _command(orders, mark, shared),
        "env": [{"name": name, "value": verbatim(value)} for name, value in shared.items()],
        "resources": {"limits": limits, "requests": {"memory": limits["memory"], "cpu": "10m"}},
        "volumeMounts": [{"name": "davy", "mountPath": FOLDER}],
    }
    pod: Doc = {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": GRACE,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "containers": [container],
        "volumes": [{"name": "davy", "emptyDir": {}}],
    }
    services = services_of(order)
    if services:
        pod |= {"initContainers": sidecars(services, start_within), "hostAliases": aliases(services)}
    return pod


def _command(orders: Sequence[SuiteOrder], mark: str, shared: dict[str, str]) -> list[str]:
    order = orders[0]
    words = script.words(
        mark=mark,
        run=order.run,
        seconds=max(1, ceil(order.timeout.total_seconds())),
        shards=[{name: value for name, value in one.env.items() if name not in shared} for one in orders],
        collect=order.collect,
        reports=order.reports,
    )
    sizes = [len(word.encode()) for word in words]
    if max(sizes) >= LONGEST_WORD or sum(sizes) > MOST_WORDS:
        raise Unusable(
            f"Suite {order.name}: its list of tests is too long for a pod's command line "
            f"({max(sizes) // 1024} KiB for one shard, {sum(sizes) // 1024} KiB in all).",
            remedy="Use more shards, or globs that name fewer files; 128 KiB a shard and 1 MiB in all go.",
        )
    return [verbatim(word) for word in words]


def verbatim(text: str) -> str:
    """Kubernetes would make `$$` one dollar, and put a variable's value for `$(NAME)`."""
    return text.replace("$", "$$")


def label(text: str) -> str:
    """At most 63 of the characters that a label's value may have."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", text)[:63].strip("-_.")

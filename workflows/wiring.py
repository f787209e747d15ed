"""Wiring: the only module that imports adapters, each inside the function that needs it. Secrets are read here."""

import getpass
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from davy.canary.ports import Cluster, Journal, Lock
from davy.pipeline.errors import Problem, Unusable
from davy.pipeline.model import Workload
from davy.pipeline.targetfile import Target
from davy.workflows import identity

if TYPE_CHECKING:
    from davy.pipeline.adapters.kubeapi import KubeApi


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """The cluster's side of a rollout."""

    workload: Workload
    api: "KubeApi"
    cluster: Cluster
    lock: Lock
    journal: Journal
    now: Callable[[], datetime]
    """By the API server's clock, which the lock goes by."""


def runner() -> str:
    """Who holds the lock."""
    return identity.runner(os.environ, _user(), socket.gethostname(), os.getpid())


def person() -> str:
    """Who says a word."""
    return identity.person(os.environ, _user(), socket.gethostname())


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # A container's user without a name.
        return str(os.getuid())


def target(file: Path, namespace: str | None = None, deployment: str | None = None) -> Target:
    """The Deployment meant: what the command line says, over what the file says. No file is needed for `deployment`."""
    from davy.pipeline import targetfile  # noqa: PLC0415 - yaml

    if deployment is not None and not file.exists():
        return Target(namespace=namespace or "default", deployment=deployment)
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "is not UTF-8 text"
        raise Unusable(
            f"{file} cannot be read.",
            problems=(Problem(what=f"cannot be read: {why}", file=str(file)),),
            remedy="Name the file with -f, or the Deployment with --namespace and --deployment.",
        ) from error
    said = targetfile.target(text, os.environ, str(file))
    return Target(
        namespace=namespace or said.namespace,
        deployment=deployment or said.deployment,
        context=said.context,
        kubeconfig=said.kubeconfig,
    )


def side(meant: Target) -> Side:
    """Ports on the real cluster; nothing is asked yet but the kubeconfig."""
    from davy.canary.adapters.journal import KubernetesJournal  # noqa: PLC0415
    from davy.canary.adapters.kubernetes import KubernetesCluster  # noqa: PLC0415
    from davy.canary.adapters.lease import KubernetesLock  # noqa: PLC0415
    from davy.pipeline.adapters.kubeapi import KubeApi  # noqa: PLC0415
    from davy.pipeline.adapters.kubeconfig import access_from  # noqa: PLC0415

    api = KubeApi(access_from(kubeconfig=meant.kubeconfig, context=meant.context))
    workload = Workload(namespace=meant.namespace, name=meant.deployment)
    lock = KubernetesLock(api, workload)
    return Side(
        workload=workload,
        api=api,
        cluster=KubernetesCluster(api, workload),
        lock=lock,
        journal=KubernetesJournal(api, workload, fence=lambda: lock.fence),
        now=api.server_now,
    )

"""Which cluster the lab uses: one that is given, one by kind, or its own single node."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from .commands import run
from .facts import ClusterKind
from .services import Scraping
from .talk import LabError


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A cluster that the lab can use, however it came to be."""

    kind: ClusterKind
    kubeconfig: Path
    kubeconfig_limited: Path
    api_server: str
    kubectl: Path
    scraping: Scraping
    await_ready: Callable[[], None]


def choice(environment: Mapping[str, str], docker_host: str | None) -> ClusterKind:
    """Given before kind before built: the less is built, the better."""
    if environment.get("DAVY_LAB_KUBECONFIG"):
        return "given"
    if shutil.which("kind") and docker_host and _can_pull(docker_host):
        return "kind"
    return "single-node"


def _can_pull(docker_host: str) -> bool:
    """Whether Docker reaches a registry with the small image that kind's nodes also use."""
    try:
        run("docker", "--host", docker_host, "pull", "-q", "registry:2", seconds=60)
    except LabError:
        return False
    return True

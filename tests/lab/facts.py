"""What a test may know of the lab that is up."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Literal

from .layout import Layout, layout_from
from .talk import LabError

ClusterKind = Literal["single-node", "kind", "given", "none"]
"""`none`: it would have to be built, and nobody asked for that; what is a cluster's is empty then."""

NOT_UP = "the lab is not up: `./dev -s lab -- up`"
LEFT_OUT = {
    "docker": NOT_UP,
    "kubernetes": "Kubernetes; `./dev -s lab -- up` brings it (once, about 12 minutes)",
    "buildkit": "BuildKit; `./dev -s lab -- up` brings it (once, about 5 minutes)",
    "cosign": "cosign; `./dev -s lab -- extras` brings it (once, about 6 minutes)",
    "k6": "k6; `./dev -s lab -- extras` brings it (once, about 3 minutes)",
}
"""What a test marked `lab` may need, and how it is had. The mark is given it; a plain one needs a cluster."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Where everything is; URLs without a slash at the end, paths absolute."""

    cluster: ClusterKind
    kubeconfig: str
    kubeconfig_limited: str
    api_server: str
    kubectl: str
    prometheus: str
    prometheus_rules: str
    alertmanager: str
    registry: str
    docker_host: str
    base_image: str
    versions: Mapping[str, str]
    pids: Mapping[str, int]
    buildkit: str = ""
    """Address of a BuildKit, as buildx's remote driver takes it; empty where none could be had."""
    buildx: str = ""
    """buildx as a program; empty where none could be had."""
    buildah: str = ""

    @property
    def parts(self) -> frozenset[str]:
        """What of it a test may need."""
        has = {"docker": True, "kubernetes": self.cluster != "none", "buildkit": bool(self.buildkit)}
        return frozenset(name for name, there in has.items() if there)


def read(layout: Layout | None = None) -> Facts:
    """The facts of the lab that is up; raises LabError when none is."""
    path = (layout or layout_from()).facts
    try:
        return Facts(**json.loads(path.read_text()))
    except FileNotFoundError:
        raise LabError(NOT_UP) from None
    except (ValueError, TypeError) as wrong:
        raise LabError(f"{path}: not of this lab's kind ({wrong}); run `up` again") from wrong


def write(layout: Layout, facts: Facts) -> None:
    """Put the facts where tests look for them, whole or not at all."""
    unfinished = layout.facts.with_suffix(".unfinished")
    unfinished.write_text(as_json(facts))
    unfinished.rename(layout.facts)


def as_json(facts: Facts) -> str:
    return json.dumps(asdict(facts), indent=2) + "\n"

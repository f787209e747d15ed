"""Where the lab keeps its things: one folder, one range of ports, one address."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

# Commands of /usr/sbin are not on every user's path.
SEARCH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
SOURCES = Path(__file__).parent / "cluster"
NODE = "davy-lab"
NODE_ADDRESS = "10.99.0.1"
SERVICE_SUBNET = "10.96.0.0/16"
API_SERVICE = "10.96.0.1"
POD_SUBNET = "10.244.0.0/24"
BRIDGE = "davylab0"
BRIDGE_SUBNET = "10.98.0.1/24"
BRIDGE_NETWORK = "10.98.0.0/24"
NETWORK = "davy-lab"
CGROUP = "davy-lab"
DOCKER_CGROUP = "davy-lab-docker"
HIGHEST_SOCKET_PATH = 100
"""Bytes that fit into a Unix socket's address, less a margin (unix(7): 108)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Every port of the lab, all on loopback."""

    prometheus: int = 26090
    alertmanager: int = 26093
    discovery: int = 26094
    dns_ready: int = 26181
    kubelet_health: int = 26248
    proxy_metrics: int = 26249
    kubelet: int = 26250
    proxy_health: int = 26256
    controllers: int = 26257
    scheduler: int = 26259
    etcd: int = 26379
    etcd_peer: int = 26380
    api_server: int = 26443
    registry: int = 26500


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The cache folder and everything below it.

    `run` holds what lives only while the lab is up; the rest is kept by `down`.
    """

    cache: Path
    ports: Ports = Ports()

    @property
    def binaries(self) -> Path:
        return self.cache / "bin"

    @property
    def images(self) -> Path:
        return self.cache / "images"

    @property
    def run(self) -> Path:
        return self.cache / "run"

    @property
    def logs(self) -> Path:
        return self.cache / "logs"

    @property
    def facts(self) -> Path:
        return self.cache / "lab.json"

    @property
    def kubeconfig(self) -> Path:
        return self.cache / "kubeconfig"

    @property
    def kubeconfig_limited(self) -> Path:
        return self.cache / "kubeconfig-limited"

    @property
    def registry(self) -> str:
        return f"127.0.0.1:{self.ports.registry}"

    @property
    def buildkit(self) -> Path:
        """The socket of the lab's own BuildKit."""
        return self.run / "buildkit" / "buildkitd.sock"

    @property
    def base_image(self) -> str:
        return f"{self.registry}/lab/python:bookworm"


def layout_from(environment: Mapping[str, str] = os.environ) -> Layout:
    """The layout that the environment asks for (`DAVY_LAB_CACHE`)."""
    home = Path(environment.get("HOME", "~")).expanduser()
    cache = Path(environment.get("DAVY_LAB_CACHE") or home / ".cache" / "davy-lab").absolute()
    longest = len(str(cache / "run" / "docker" / "containerd" / "containerd.sock"))
    if longest > HIGHEST_SOCKET_PATH:
        raise ValueError(f"{cache}: too long a path for Unix sockets; set DAVY_LAB_CACHE shorter")
    return Layout(cache=cache)


def pinned(module: str, source: str) -> str:
    """The version of a Go module that the lab's own go.mod asks for."""
    text = (SOURCES / source / "go.mod").read_text()
    found = re.search(rf"^(?:require )?\s*{re.escape(module)} (v\S+)", text, re.MULTILINE)
    if found is None:
        raise LookupError(f"{source}/go.mod does not require {module}")
    return found.group(1)

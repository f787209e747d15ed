"""A cluster by kind, with the lab's registry known to its nodes."""

from __future__ import annotations

import json
from pathlib import Path

from . import given
from .cluster_choice import Cluster
from .commands import run
from .layout import Layout
from .talk import Stopwatch

NAME = "davy-lab"
NODE_PORT = 30080
MARK = "kind-docker-host"


def finish(layout: Layout, docker_host: str, watch: Stopwatch) -> Cluster:
    """Create the cluster unless it is there, and describe it."""
    kubeconfig = layout.kubeconfig
    (layout.run / MARK).write_text(docker_host)
    environment = {"DOCKER_HOST": docker_host}
    if NAME not in run("kind", "get", "clusters", environment=environment).split():
        settings = layout.run / "kind.json"
        settings.write_text(json.dumps(kind_settings()))
        with watch.part("kind", hint="pulls the node's image the first time"):
            create = ("kind", "create", "cluster", "--name", NAME, "--config", settings)
            run(*create, "--kubeconfig", kubeconfig, environment=environment, seconds=900)
        _introduce_registry(layout, docker_host)
    export = ("kind", "export", "kubeconfig", "--name", NAME, "--kubeconfig", kubeconfig)
    run(*export, environment=environment)
    return given.described(layout, kubeconfig, "kind", watch)


def kind_settings() -> dict[str, object]:
    """NodePorts on loopback; registries by hosts.toml.

    https://kind.sigs.k8s.io/docs/user/local-registry/
    """
    port = {"containerPort": NODE_PORT, "hostPort": NODE_PORT, "listenAddress": "127.0.0.1"}
    registries = '[plugins."io.containerd.grpc.v1.cri".registry]\n  config_path = "/etc/containerd/certs.d"'
    return {
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "containerdConfigPatches": [registries],
        "nodes": [{"role": "control-plane", "extraPortMappings": [port]}],
    }


def _introduce_registry(layout: Layout, docker_host: str) -> None:
    """Run a small relay on kind's network: its nodes cannot reach this machine's loopback."""
    docker = ("docker", "--host", docker_host)
    relay = f"{NAME}-registry"
    storage = f"{layout.cache / 'registry'}:/var/lib/registry:ro"
    run(*docker, "rm", "--force", relay, check=False)
    run(*docker, "run", "-d", "--name", relay, "--network", "kind", "-v", storage, "registry:2")
    hosts = f'[host."http://{relay}:5000"]\n'
    folder = f"/etc/containerd/certs.d/{layout.registry}"
    for name in run("kind", "get", "nodes", "--name", NAME).split():
        run(*docker, "exec", name, "mkdir", "-p", folder)
        write = ("cp", "/dev/stdin", f"{folder}/hosts.toml")
        run(*docker, "exec", "-i", name, *write, text=hosts)


def remove(layout: Layout, watch: Stopwatch) -> None:
    """Delete the cluster and the relay, if this lab made them."""
    mark: Path = layout.run / MARK
    if not mark.exists():
        return
    docker_host = mark.read_text()
    with watch.part("kind"):
        delete = ("kind", "delete", "cluster", "--name", NAME)
        run(*delete, environment={"DOCKER_HOST": docker_host}, check=False)
        run("docker", "--host", docker_host, "rm", "--force", f"{NAME}-registry", check=False)

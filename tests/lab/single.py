"""The lab's own single-node Kubernetes: up in order, down without a trace."""

from __future__ import annotations

from . import machine, node, toolchain
from .cluster_choice import Cluster
from .commands import run
from .discovery import Access
from .images import pause_archive
from .layout import CGROUP, Layout
from .node_settings import PAUSE_IMAGE, containerd_socket
from .processes import Daemon, await_ready, end, ensure
from .services import direct
from .talk import Stopwatch

NAMES = (
    "kubelet",
    "kube-proxy",
    "coredns",
    "kube-scheduler",
    "kube-controller-manager",
    "kube-apiserver",
    "etcd",
    "containerd",
)
"""In the order in which they are ended: first those that would start things again."""


def prepare(layout: Layout, watch: Stopwatch) -> None:
    """Everything that is made once and kept."""
    toolchain.kubernetes(layout, watch)
    toolchain.dns(layout, watch)
    toolchain.pause(layout, watch)


def begin(layout: Layout, watch: Stopwatch) -> None:
    """Start what needs nothing else."""
    machine.add_node_address()
    machine.add_cgroups()
    node.write_credentials(layout)
    ensure(layout, node.etcd(layout))
    ensure(layout, node.containerd(layout))


def finish(layout: Layout, watch: Stopwatch) -> Cluster:
    """Start the rest in order; the node is waited for with `await_ready`."""
    with watch.part("etcd"):
        await_ready(layout, node.etcd(layout))
    server = node.api_server(layout)
    ensure(layout, server)
    with watch.part("containerd"):
        await_ready(layout, node.containerd(layout))
        _import_pause(layout, watch)
    with watch.part("API server"):
        await_ready(layout, server)
    daemons = _followers(layout, watch)
    for daemon in daemons:
        ensure(layout, daemon)
    return Cluster(
        kind="single-node",
        kubeconfig=layout.kubeconfig,
        kubeconfig_limited=layout.kubeconfig_limited,
        api_server=node.api_url(layout),
        kubectl=layout.binaries / "kubectl",
        scraping=direct(_access(layout)),
        await_ready=lambda: _await_all(layout, daemons, watch),
    )


def _followers(layout: Layout, watch: Stopwatch) -> list[Daemon]:
    return [
        node.controllers(layout),
        node.scheduler(layout),
        node.kubelet(layout),
        node.proxy(layout),
        node.dns(layout, toolchain.dns(layout, watch)),
    ]


def _await_all(layout: Layout, daemons: list[Daemon], watch: Stopwatch) -> None:
    for daemon in daemons:
        with watch.part(daemon.name):
            await_ready(layout, daemon)
    with watch.part("node Ready"):
        node.await_node(layout)


def _access(layout: Layout) -> Access:
    authority = layout.run / "pki" / "ca.crt"
    return Access(server=node.api_url(layout), ca_file=str(authority), token=node.admin_token(layout))


def _import_pause(layout: Layout, watch: Stopwatch) -> None:
    images = ("ctr", "--address", containerd_socket(layout), "--namespace", "k8s.io", "images")
    if PAUSE_IMAGE in run(*images, "list", "-q").split():
        return
    archive = layout.run / "pause.tar"
    archive.write_bytes(pause_archive(PAUSE_IMAGE, toolchain.pause(layout, watch).read_bytes()))
    run(*images, "import", archive)


def remove(layout: Layout, watch: Stopwatch) -> None:
    """End every process and wipe every mark; works on what a crash left, too."""
    with watch.part("processes"):
        for name in NAMES[:-1]:
            end(layout, name)
    with watch.part("pods"):
        _kill_pods(layout)
        end(layout, "containerd")
    with watch.part("marks on the machine"):
        machine.remove_cgroups(CGROUP)
        machine.unmount_below(layout.run)
        machine.remove_node_address()
        machine.remove_links(layout)


def _kill_pods(layout: Layout) -> None:
    """Pods outlive containerd, and so do their shims: end both."""
    machine.end_shims(containerd_socket(layout), CGROUP)


def has_marks(layout: Layout) -> bool:
    return (layout.run / "pki").exists()

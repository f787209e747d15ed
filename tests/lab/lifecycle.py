"""Up, down and status: the lab's parts in their order."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from . import builders, firewall, given, kind, machine, packages, services, single, toolchain
from .cluster_choice import Cluster, choice
from .commands import run
from .facts import ClusterKind, Facts, write
from .images import ensure_base_image
from .layout import DOCKER_CGROUP, Layout
from .processes import Daemon, await_ready, end, ensure, living
from .talk import LabError, Stopwatch, say

SCRAPERS = ("prometheus", "alertmanager", "discovery")


def up(layout: Layout, environment: Mapping[str, str], watch: Stopwatch, *, builds: bool = True) -> Facts:
    """Bring up what is not up yet; heal what a crash or a reboot left.

    Without `builds` it goes without what takes minutes to build and is not there.
    """
    with _alone(layout):
        _forget_earlier_boot(layout, watch)
        own_engine = _uses_own_engine(layout)
        wanted = choice(environment, None if own_engine else services.running_docker())
        if wanted == "single-node" and not (builds or toolchain.has_kubernetes(layout)):
            say("  without Kubernetes: it is not built yet")
            wanted = "none"
        _require(wanted, own_engine)
        _install(layout, wanted, own_engine, watch)
        (layout.run / "boot").write_text(machine.this_boot())
        builders.begin(layout, os.environ, watch, builds=builds)
        docker_host = _begin(layout, wanted, own_engine, watch)
        cluster = _cluster(layout, wanted, docker_host, environment, watch)
        _finish(layout, cluster, docker_host, own_engine, watch)
        facts = builders.finish(layout, _facts(layout, cluster, docker_host), os.environ, watch)
        write(layout, facts)
        return facts


def _require(wanted: ClusterKind, own_engine: bool) -> None:
    if os.geteuid() != 0 and (own_engine or wanted == "single-node"):
        raise LabError(
            "a Docker Engine and a single-node Kubernetes of the lab's own need root; "
            "or start Docker and put kind on PATH, or set DAVY_LAB_KUBECONFIG"
        )


def _install(layout: Layout, wanted: ClusterKind, own_engine: bool, watch: Stopwatch) -> None:
    for folder in (layout.run, layout.logs, layout.binaries, layout.images):
        folder.mkdir(parents=True, exist_ok=True)
    engine = packages.ENGINE if own_engine else {"docker": packages.ENGINE["docker"]}
    tools = [engine, packages.SERVICES, packages.IMAGES, packages.BROWSERS]
    tools += [packages.NODE] if wanted == "single-node" else []
    packages.install(layout, packages.missing(*tools), watch)
    if wanted == "single-node":
        single.prepare(layout, watch)


def _begin(layout: Layout, wanted: ClusterKind, own_engine: bool, watch: Stopwatch) -> str:
    """Start what needs nothing else, all at once."""
    ensure(layout, services.registry(layout))
    if own_engine or wanted == "single-node":
        machine.set_sysctls(layout)
    if own_engine:
        machine.add_bridge()
        ensure(layout, services.dockerd(layout))
    if wanted == "single-node":
        single.begin(layout, watch)
    if wanted != "none":
        ensure(layout, services.alertmanager(layout))
    docker_host = services.own_docker(layout) if own_engine else services.running_docker()
    if docker_host is None:
        raise LabError("the Docker Engine that answered a moment ago is gone")
    return docker_host


def _cluster(
    layout: Layout,
    wanted: ClusterKind,
    docker_host: str,
    environment: Mapping[str, str],
    watch: Stopwatch,
) -> Cluster | None:
    match wanted:
        case "none":
            return None
        case "single-node":
            return single.finish(layout, watch)
        case "kind":
            return kind.finish(layout, docker_host, watch)
        case "given":
            return given.finish(layout, environment, watch)


def _finish(layout: Layout, cluster: Cluster | None, docker_host: str, own_engine: bool, watch: Stopwatch) -> None:
    scrapers = _scrapers(layout, cluster) if cluster else []
    for scraper in scrapers:
        ensure(layout, scraper)
    with watch.part("registry"):
        await_ready(layout, services.registry(layout))
    if own_engine:
        with watch.part("Docker Engine"):
            await_ready(layout, services.dockerd(layout))
    ensure_base_image(layout, docker_host, watch)
    if cluster:
        cluster.await_ready()
        with watch.part("Prometheus and Alertmanager"):
            for daemon in (*scrapers, services.alertmanager(layout)):
                await_ready(layout, daemon)


def _scrapers(layout: Layout, cluster: Cluster) -> list[Daemon]:
    return [services.discovery(layout, cluster.scraping.access), services.prometheus(layout, cluster.scraping)]


def _facts(layout: Layout, cluster: Cluster | None, docker_host: str) -> Facts:
    docker = ("docker", "--host", docker_host, "version", "--format", "{{.Server.Version}}")
    versions = {"docker": run(*docker).strip()}
    if cluster is None:
        return _without_cluster(layout, docker_host, versions)
    versions["kubernetes"] = given.server_version(cluster)
    if cluster.kind == "single-node":
        versions["coredns"] = toolchain.dns_version()
    return Facts(
        cluster=cluster.kind,
        kubeconfig=str(cluster.kubeconfig),
        kubeconfig_limited=str(cluster.kubeconfig_limited),
        api_server=cluster.api_server,
        kubectl=str(cluster.kubectl),
        prometheus=f"http://127.0.0.1:{layout.ports.prometheus}",
        prometheus_rules=str(layout.run / "prometheus" / "rules"),
        alertmanager=f"http://127.0.0.1:{layout.ports.alertmanager}",
        registry=layout.registry,
        docker_host=docker_host,
        base_image=layout.base_image,
        versions=versions,
        pids=living(layout),
    )


def _without_cluster(layout: Layout, docker_host: str, versions: Mapping[str, str]) -> Facts:
    return Facts(
        cluster="none",
        **dict.fromkeys(("kubeconfig", "kubeconfig_limited", "api_server", "kubectl"), ""),
        **dict.fromkeys(("prometheus", "prometheus_rules", "alertmanager"), ""),
        registry=layout.registry,
        docker_host=docker_host,
        base_image=layout.base_image,
        versions=versions,
        pids=living(layout),
    )


def down(layout: Layout, watch: Stopwatch) -> None:
    """End everything and wipe every mark; what was built is kept."""
    with _alone(layout):
        _down(layout, watch)


def _down(layout: Layout, watch: Stopwatch) -> None:
    layout.facts.unlink(missing_ok=True)
    kind.remove(layout, watch)
    had_engine = (layout.run / "docker").exists()
    had_node = single.has_marks(layout)
    for name in SCRAPERS:
        end(layout, name)
    if had_node:
        single.remove(layout, watch)
    if had_engine:
        with watch.part("Docker Engine"):
            _remove_engine(layout)
    end(layout, "registry")
    end(layout, builders.BUILDKIT)
    if os.geteuid() == 0 and layout.run.exists():
        firewall.clean(kubernetes=had_node, docker=had_engine)
        machine.restore_sysctls(layout)
        machine.unmount_below(layout.run)
        machine.unmount_below(layout.cache / "docker")
        machine.unmount_below(layout.cache / builders.BUILDKIT)
        machine.remove_shells()
    machine.remove_tree(layout.run)
    for path in (layout.kubeconfig, layout.kubeconfig_limited):
        path.unlink(missing_ok=True)


def _remove_engine(layout: Layout) -> None:
    host = services.own_docker(layout)
    if services.is_docker(host):
        docker = ("docker", "--host", host)
        containers = run(*docker, "ps", "-aq").split()
        if containers:
            run(*docker, "rm", "--force", "--volumes", *containers, check=False)
        run(*docker, "network", "prune", "--force", check=False)
        run(*docker, "volume", "prune", "--force", check=False)
    end(layout, "dockerd", patience=20)
    inner = layout.run / "docker" / "containerd" / "containerd.sock"
    machine.end_shims(inner, DOCKER_CGROUP)
    machine.remove_bridge()


def _forget_earlier_boot(layout: Layout, watch: Stopwatch) -> None:
    """After a reboot nothing of the running state holds: wipe it and begin anew."""
    boot = layout.run / "boot"
    if boot.exists() and boot.read_text() != machine.this_boot():
        say("  the machine was restarted since: beginning anew")
        _down(layout, watch)


def _uses_own_engine(layout: Layout) -> bool:
    """An engine that runs is used; the lab's own does not count as another's."""
    found = services.running_docker()
    return found is None or found == services.own_docker(layout)


@contextmanager
def _alone(layout: Layout) -> Iterator[None]:
    """Two runs at once would start everything twice."""
    layout.cache.mkdir(parents=True, exist_ok=True)
    with (layout.cache / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("  waiting for another run of the lab to end")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield

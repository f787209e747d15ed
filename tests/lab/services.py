"""The servers around the cluster: Docker Engine, registry, Prometheus, Alertmanager."""

from __future__ import annotations

import http.client
import json
import os
import socket
import sys
from dataclasses import dataclass
from pathlib import Path

from .commands import answers
from .discovery import Access
from .files import put, put_secret
from .layout import BRIDGE, DOCKER_CGROUP, Layout
from .processes import Daemon

DEFAULT_DOCKER = "unix:///var/run/docker.sock"
SCRAPE_SECONDS = 2
SCRAPE_TIMEOUT = "1500ms"
META = "__meta_kubernetes_pod_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scraping:
    """How Prometheus finds the pods of a cluster and comes to them."""

    access: Access
    addresses: list[object]
    """Relabelling that makes the address to scrape."""
    transport: dict[str, object]


def running_docker() -> str | None:
    """The address of an engine that runs already and is not the lab's."""
    for host in (os.environ.get("DOCKER_HOST"), DEFAULT_DOCKER):
        if host and is_docker(host):
            return host
    return None


def own_docker(layout: Layout) -> str:
    return f"unix://{layout.run}/docker/docker.sock"


def is_docker(host: str) -> bool:
    """Whether an engine answers there."""
    if not host.startswith("unix://"):
        return answers(host.replace("tcp://", "http://") + "/_ping")
    connection = http.client.HTTPConnection("localhost", timeout=2)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as plug:
            plug.settimeout(2)
            plug.connect(host.removeprefix("unix://"))
            connection.sock = plug
            connection.request("GET", "/_ping")
            return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False


def dockerd(layout: Layout) -> Daemon:
    """An engine of the lab's own; its images are kept when the lab goes down."""
    folder = layout.run / "docker"
    folder.mkdir(parents=True, exist_ok=True)
    return Daemon(
        name="dockerd",
        command=(
            *("dockerd", "--host", own_docker(layout), "--bridge", BRIDGE),
            *("--data-root", str(layout.cache / "docker"), "--exec-root", str(folder)),
            *(
                "--cgroup-parent",
                f"/{DOCKER_CGROUP}",
                "--pidfile",
                str(folder / "dockerd.pid"),
                "--config-file",
                _empty(folder),
            ),
        ),
        is_ready=lambda: is_docker(own_docker(layout)),
    )


def _empty(folder: Path) -> str:
    """A configuration of our own, so that the machine's is not read."""
    path = folder / "daemon.json"
    put(path, "{}\n")
    return str(path)


def registry(layout: Layout) -> Daemon:
    settings = json.dumps(
        {
            "version": "0.1",
            "log": {"level": "warn", "accesslog": {"disabled": True}},
            "storage": {
                "filesystem": {"rootdirectory": str(layout.cache / "registry")},
                "delete": {"enabled": True},
            },
            "http": {"addr": layout.registry},
        }
    )
    path = layout.run / "registry.json"
    put(path, settings)
    return Daemon(
        name="registry",
        command=("docker-registry", "serve", str(path)),
        settings=settings,
        is_ready=lambda: answers(f"http://{layout.registry}/v2/"),
    )


def prometheus(layout: Layout, scraping: Scraping) -> Daemon:
    """Prometheus, scraping every annotated pod of the cluster."""
    folder = layout.run / "prometheus"
    (folder / "rules").mkdir(parents=True, exist_ok=True)
    settings = json.dumps(prometheus_settings(layout, scraping), indent=2)
    put(folder / "prometheus.json", settings)
    url = f"http://127.0.0.1:{layout.ports.prometheus}"
    return Daemon(
        name="prometheus",
        command=(
            "prometheus",
            f"--config.file={folder}/prometheus.json",
            f"--storage.tsdb.path={folder}/data",
            "--storage.tsdb.retention.time=6h",
            f"--web.listen-address=127.0.0.1:{layout.ports.prometheus}",
            "--web.enable-lifecycle",
        ),
        settings=settings,
        is_ready=lambda: answers(f"{url}/-/ready"),
    )


def prometheus_settings(layout: Layout, scraping: Scraping) -> dict[str, object]:
    timing = {"scrape_interval": f"{SCRAPE_SECONDS}s", "evaluation_interval": f"{SCRAPE_SECONDS}s"}
    alertmanager = {"targets": [f"127.0.0.1:{layout.ports.alertmanager}"]}
    found = f"http://127.0.0.1:{layout.ports.discovery}/"
    pods = {
        "job_name": "pods",
        "http_sd_configs": [{"url": found, "refresh_interval": f"{SCRAPE_SECONDS}s"}],
        "relabel_configs": [*wanted_pods(), *scraping.addresses, *pod_labels()],
    } | scraping.transport
    return {
        "global": {**timing, "scrape_timeout": SCRAPE_TIMEOUT},
        "rule_files": [str(layout.run / "prometheus" / "rules" / "*.yaml")],
        "alerting": {"alertmanagers": [{"static_configs": [alertmanager]}]},
        "scrape_configs": [pods],
    }


def wanted_pods() -> list[object]:
    """Running pods that ask for it by the customary annotations."""
    return [
        {
            "action": "keep",
            "source_labels": [f"{META}annotation_prometheus_io_scrape"],
            "regex": "true",
        },
        {"action": "drop", "source_labels": [f"{META}phase"], "regex": "Succeeded|Failed"},
    ]


def direct(access: Access) -> Scraping:
    """Pods whose addresses this machine can reach."""
    address = {
        "action": "replace",
        "source_labels": [f"{META}ip", f"{META}annotation_prometheus_io_port"],
        "separator": ":",
        "target_label": "__address__",
    }
    return Scraping(access=access, addresses=[address], transport={})


def through_api_server(access: Access) -> Scraping:
    """Pods that only the API server can reach: it is their proxy."""
    annotated = [f"{META}ip", f"{META}annotation_prometheus_io_port"]
    path = ["__meta_kubernetes_namespace", f"{META}name", f"{META}annotation_prometheus_io_port"]
    tls = {"ca_file": access.ca_file}
    if access.cert_file:
        tls |= {"cert_file": access.cert_file, "key_file": access.key_file}
    token = {"authorization": {"credentials": access.token}} if access.token else {}
    return Scraping(
        access=access,
        addresses=[
            {"source_labels": annotated, "separator": ":", "target_label": "instance"},
            {
                "source_labels": path,
                "regex": "(.+);(.+);(.+)",
                "replacement": "/api/v1/namespaces/$1/pods/$2:$3/proxy/metrics",
                "target_label": "__metrics_path__",
            },
            {"target_label": "__address__", "replacement": access.server.split("://")[1]},
        ],
        transport={"scheme": "https", "tls_config": tls, **token},
    )


def discovery(layout: Layout, access: Access) -> Daemon:
    """The server that tells Prometheus the cluster's pods."""
    path = layout.run / "discovery.json"
    put_secret(path, access.as_json())
    port = layout.ports.discovery
    return Daemon(
        name="discovery",
        command=(sys.executable, "-m", "lab.discovery", str(path), str(port)),
        settings=access.as_json(),
        environment={"PYTHONPATH": str(Path(__file__).parent.parent)},
        is_ready=lambda: answers(f"http://127.0.0.1:{port}/"),
    )


def pod_labels() -> list[object]:
    """The labels that the project's queries may lean on."""
    names = {
        "namespace": "__meta_kubernetes_namespace",
        "pod": "__meta_kubernetes_pod_name",
        "node": "__meta_kubernetes_pod_node_name",
        "app": "__meta_kubernetes_pod_label_app",
        "job": "__meta_kubernetes_pod_label_app",
    }
    return [
        {"action": "replace", "source_labels": [source], "target_label": label, "regex": "(.+)"}
        for label, source in names.items()
    ]


def alertmanager(layout: Layout) -> Daemon:
    folder = layout.run / "alertmanager"
    folder.mkdir(parents=True, exist_ok=True)
    route = {"receiver": "nobody", "group_wait": "1s", "group_interval": "2s"}
    settings = json.dumps({"route": route, "receivers": [{"name": "nobody"}]})
    put(folder / "alertmanager.json", settings)
    url = f"http://127.0.0.1:{layout.ports.alertmanager}"
    return Daemon(
        name="alertmanager",
        command=(
            "prometheus-alertmanager",
            f"--config.file={folder}/alertmanager.json",
            f"--storage.path={folder}/data",
            f"--web.listen-address=127.0.0.1:{layout.ports.alertmanager}",
            "--cluster.listen-address=",
        ),
        settings=settings,
        is_ready=lambda: answers(f"{url}/-/ready"),
    )

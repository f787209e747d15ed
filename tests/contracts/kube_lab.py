"""The lab's cluster for tests: a namespace, small images, and a Deployment to play with."""

import io
import json
import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any

import pytest

from davy.pipeline.clients.kubernetes.api import KubeApi
from davy.pipeline.clients.kubernetes.kubeconfig import access_from
from davy.pipeline.core.errors import Conflict
from lab import facts
from lab.talk import LabError

NAMESPACE = "-".join(filter(None, ("kube-test", os.environ.get("PYTEST_XDIST_WORKER"))))
"""Each worker's own: two may play with a Deployment of the same name at the same time."""

SERVER = """
import http.server, os, signal, sys, threading
class Shop(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(b"ok")
    def log_message(self, *args): pass
server = http.server.ThreadingHTTPServer(("", 8080), Shop)
signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
server.serve_forever()
"""
CRASH = "import sys; print('cannot find the price list', flush=True); sys.exit(3)"


@dataclass
class KubeLab:
    """What lab.json says, and the API by it."""

    facts: dict[str, Any]
    made: list[str] = field(default_factory=list)

    def api(self, *, limited: bool = False) -> KubeApi:
        path = self.facts["kubeconfig_limited" if limited else "kubeconfig"]
        return KubeApi(access_from(kubeconfig=path))

    def image(self, version: str, program: str = SERVER) -> str:
        """A small image of that version in the lab's registry, by digest."""
        import docker  # noqa: PLC0415 -- only with the lab

        client = docker.DockerClient(base_url=self.facts["docker_host"])
        name = f"{self.facts['registry']}/kube-test/shop"
        dockerfile = (
            f"FROM {self.facts['base_image']}\nLABEL v={version}\nCMD {json.dumps(['python3', '-c', program])}\n"
        )
        try:
            client.images.build(fileobj=io.BytesIO(dockerfile.encode()), tag=f"{name}:{version}", rm=True)
            client.images.push(name, tag=version)
            digests = client.images.get(f"{name}:{version}").attrs["RepoDigests"]
        finally:
            client.close()
        return next(digest for digest in digests if digest.startswith(f"{name}@"))

    def deployment(self, name: str, image: str, *, replicas: int = 4, **spec: Any) -> None:
        """Made anew, with its Service; returns when all pods are Ready."""
        api, labels = self.api(), {"app": name}
        self.gone(name)
        api.create(
            f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments",
            {
                "metadata": {"name": name},
                "spec": {
                    "replicas": replicas,
                    "selector": {"matchLabels": labels},
                    "template": {"metadata": {"labels": labels}, "spec": _pod(image)},
                    **spec,
                },
            },
        )
        with suppress(Conflict):
            api.create(
                f"/api/v1/namespaces/{NAMESPACE}/services",
                {"metadata": {"name": name}, "spec": {"selector": labels, "ports": [{"port": 80, "targetPort": 8080}]}},
            )
        path = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{name}"
        until(lambda: api.get(path).get("status", {}).get("readyReplicas") == replicas)

    def gone(self, name: str) -> None:
        """The Deployment with its pods, and davy's objects of it."""
        api, space = self.api(), f"namespaces/{NAMESPACE}"
        api.delete(f"/apis/apps/v1/{space}/deployments/{name}")
        api.delete(f"/apis/coordination.k8s.io/v1/{space}/leases/davy-{name}")
        api.delete(f"/api/v1/{space}/configmaps/davy-{name}")
        pods = f"/api/v1/{space}/pods"
        until(lambda: not api.get(pods, {"labelSelector": f"app={name}"})["items"], within=60)


def _pod(image: str) -> dict[str, Any]:
    probe = {"httpGet": {"path": "/", "port": 8080}, "periodSeconds": 1, "timeoutSeconds": 5}
    return {
        "terminationGracePeriodSeconds": 2,
        "containers": [{"name": "shop", "image": image, "ports": [{"containerPort": 8080}], "readinessProbe": probe}],
    }


def until(true: Callable[[], bool], within: float = 90.0) -> None:
    """Wait for it, at most so many seconds."""
    ends = time.monotonic() + within
    while not true():
        assert time.monotonic() < ends, f"did not come true within {within} s"
        time.sleep(0.1)


def kube_lab() -> KubeLab:
    """Skips the test where the lab is not up."""
    try:
        lab = KubeLab(facts=asdict(facts.read()))
    except LabError as error:
        pytest.skip(str(error))
    with suppress(Conflict):
        lab.api().create("/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
    return lab

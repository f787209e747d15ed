"""Bad input: each is told in words that say what to mend, with its exit code, and nothing is touched."""

from __future__ import annotations

import base64
import json
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from davy.pipeline.core.endings import Ending
from davy.pipeline.core.events import ImageBuilt, ReleaseFinished
from shop.stage import merged
from shop.visit import Visit, merged_config

Davy = Callable[..., subprocess.CompletedProcess[str]]

FILE = """\
service: checkout
images: [{name: registry.example.com/shop/checkout}]
deploy: {kubernetes: {namespace: shop, deployment: checkout}}
checks:
  prometheus: http://prometheus:9090
  slos: [{name: availability, objective: 99.5, errors: 'errors_total', total: 'requests_total'}]
"""


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ("canari: {}\n", ["davy.yaml:7: canari:", "canary"]),
        ("canary: {stepps: [5%]}\n", ["davy.yaml:7: canary.stepps:", "steps"]),
        ("canary: {warmup: 5}\n", ["davy.yaml:7: canary.warmup:", "unit"]),
        ("canary: {steps: lots}\n", ["davy.yaml:7: canary.steps"]),
        ("canary: {warmup: 5, bake: soon}\n", ["canary.warmup:", "canary.bake:", "2 problems"]),
        ("canary: {steps: [80%]}\n", ["davy.yaml:7: canary.steps[0]:", "at most 50"]),
        ("tests: [{name: unit, in: cellar, run: 'true'}]\n", ["davy.yaml:7: tests[0].in:", "kubernetes"]),
    ],
    ids=["unknown key", "unknown key below", "wrong type", "wrong kind", "two at once", "too large", "no such place"],
)
@pytest.mark.parametrize("command", ["validate", "release"])
def test_a_file_that_cannot_be_used_is_told_by_path_and_line(
    davy: Davy, tmp_path: Path, command: str, more: str, says: list[str]
) -> None:
    (tmp_path / "davy.yaml").write_text(FILE + more)
    run = davy(command)
    assert run.returncode == Ending.UNUSABLE, run.stderr
    for words in says:
        assert words in run.stderr
    assert "Traceback" not in run.stderr


# ---- against the lab: a Deployment of its own each, of which no pod needs to run ------------------------------------

NOWHERE = {"spec": {"template": {"spec": {"nodeSelector": {"davy.dev/nowhere": "yes"}}}}}


@dataclass(frozen=True, kw_only=True)
class Case:
    """What is wrong, and what must be said of it."""

    says: tuple[str, ...]
    deployment: Mapping[str, Any] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    """Keys of the container."""
    beside: tuple[Mapping[str, Any], ...] = ()
    """Objects that stand beside the Deployment."""
    config: Mapping[str, Any] = field(default_factory=dict)
    named: str = "odd"
    """The Deployment that davy.yaml names."""


SCALER = {
    "apiVersion": "autoscaling/v2",
    "kind": "HorizontalPodAutoscaler",
    "metadata": {"name": "scaler"},
    "spec": {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "odd"},
        "minReplicas": 2,
        "maxReplicas": 3,
        "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization",
                                                                                "averageUtilization": 80}}}],
    },
}  # fmt: skip
BUDGET = {
    "apiVersion": "policy/v1",
    "kind": "PodDisruptionBudget",
    "metadata": {"name": "budget"},
    "spec": {"maxUnavailable": 0, "selector": {"matchLabels": {"app": "odd"}}},
}
RECREATE = {"spec": {"strategy": {"type": "Recreate", "rollingUpdate": None}}}


def slo(**change: object) -> dict[str, Any]:
    pods = {"name": "availability", "objective": 95, "errors": 'http_requests_total{code=~"5.."}',
            "total": "http_requests_total"}  # fmt: skip
    return {"checks": {"slos": [{**pods, **change}]}}


CASES = {
    "missing Deployment": Case(named="absent", says=("no Deployment absent in the namespace",)),
    "no readiness probe": Case(
        without=("readinessProbe",), says=("container checkout has no readiness probe", "add a readinessProbe")
    ),
    "Recreate": Case(deployment=RECREATE, says=("strategy is Recreate", "RollingUpdate")),
    "one replica": Case(deployment={"spec": {"replicas": 1}}, says=("has one replica", "scale it to 2")),
    "autoscaler": Case(beside=(SCALER,), says=("canary.accept", "autoscaler scaler (2 to 3 pods)")),
    "budget of 0": Case(beside=(BUDGET,), says=("canary.accept", "disruption budget budget", "maxUnavailable: 0")),
    "no such metric": Case(
        named="checkout",
        config=slo(total="http_requests_totall"),
        says=("checks.slos[0].total", "http_requests_totall"),
    ),
    "both sides": Case(
        named="checkout",
        config=merged(slo(), {"checks": {"pod_label": "replica"}}),
        says=("checks.slos[0].total", "replica", "canary from stable"),
    ),
    "two at once": Case(
        deployment={"spec": {"replicas": 1}},
        without=("readinessProbe",),
        says=("has one replica", "has no readiness probe"),
    ),
}


@pytest.mark.lab
@pytest.mark.parametrize("name", CASES)
def test_a_workload_that_cannot_be_released_is_told_before_anything_is_built(visit: Visit, name: str) -> None:
    case = CASES[name]
    reconfigured(visit, merged({"deploy": {"kubernetes": {"deployment": case.named}}}, case.config))
    with beside(visit, case):
        release = visit.start("release")
        code = release.ended()
    assert code == Ending.UNUSABLE, release.story
    said = release.last(ReleaseFinished).sentence
    for words in case.says:
        assert words in said
    assert not release.all(ImageBuilt)
    visit.is_untouched()


@contextmanager
def beside(visit: Visit, case: Case) -> Iterator[None]:
    documents = [odd(visit, case), *case.beside] if case.named == "odd" else []
    given = yaml.safe_dump_all(documents)
    if documents:
        visit.shop.kubectl("apply", "-f", "-", given=given)
    try:
        yield
    finally:
        if documents:
            visit.shop.kubectl("delete", "-f", "-", "--wait=false", given=given)


def odd(visit: Visit, case: Case) -> dict[str, Any]:
    """The shop's Deployment under another name and label, with pods that find no node."""
    wanted = next(
        document
        for document in yaml.safe_load_all(visit.shop.manifests(visit.stable()))
        if document["kind"] == "Deployment"
    )
    wanted["metadata"]["name"] = "odd"
    for place in (wanted["spec"]["selector"]["matchLabels"], wanted["spec"]["template"]["metadata"]["labels"]):
        place["app"] = "odd"
    (container,) = wanted["spec"]["template"]["spec"]["containers"]
    for key in case.without:
        del container[key]
    return merged(merged(wanted, NOWHERE), case.deployment)


def reconfigured(visit: Visit, change: Mapping[str, Any]) -> None:
    visit.shop.write_config(merged(merged_config(visit.shop.namespace, {}), change))


@pytest.mark.lab
def test_missing_rights_are_listed_verb_by_verb(visit: Visit) -> None:
    visit.settings["KUBECONFIG"] = visit.shop.facts.kubeconfig_limited
    for words in (("release",), ("canary", "start", "--image", visit.stable())):
        run = visit.start(*words)
        run.ends(Ending.UNUSABLE)
        for right in (
            "get deployments.apps",
            "patch deployments.apps",
            "create leases.coordination.k8s.io",
            "list pods",
        ):
            assert right in run.last(ReleaseFinished).sentence
    visit.is_untouched()


@pytest.mark.lab
def test_a_cluster_that_cannot_be_reached_is_told_with_its_address(visit: Visit) -> None:
    proxy = visit.before_the_api()
    proxy.kill()
    run = visit.start("release")
    run.ends(Ending.UNREACHABLE)
    assert proxy.url in run.story
    visit.is_untouched()


@pytest.mark.lab
def test_a_prometheus_that_cannot_be_reached_is_told_before_anything_is_built(visit: Visit) -> None:
    proxy = visit.before_prometheus()
    proxy.kill()
    run = visit.start("release")
    run.ends(Ending.UNREACHABLE)
    assert proxy.url in run.story
    visit.is_untouched()


HTPASSWD = "davy:$2b$05$FVMtYuIcBbOTVZBkYFaOkeu/78zrMDaVb3uuI/7Mqi.afnz3yQyQy\n"


@pytest.mark.lab
@pytest.mark.skipif(not shutil.which("docker-registry"), reason="no docker-registry here")
@pytest.mark.parametrize("login", [None, "davy:wrong"], ids=["no login", "wrong login"])
def test_a_registry_that_refuses_the_push_ends_the_release_before_traffic_moves(
    visit: Visit, login: str | None
) -> None:
    with locked_registry(visit.shop.folder / "registry") as host:
        if login:
            auth = base64.b64encode(login.encode()).decode()
            (visit.shop.folder / "config.json").write_text(json.dumps({"auths": {host: {"auth": auth}}}))
            visit.settings["DOCKER_CONFIG"] = str(visit.shop.folder)
        reconfigured(visit, {})
        document = yaml.safe_load(visit.shop.config.read_text())
        document["images"][0] |= {"name": f"{host}/shop/checkout", "container": "checkout"}
        visit.shop.config.write_text(yaml.safe_dump(document))
        release = visit.start("release")
        release.ends(Ending.UNUSABLE)
    assert host in release.story
    assert "Traceback" not in release.story
    visit.is_untouched()


@contextmanager
def locked_registry(folder: Path) -> Iterator[str]:
    """Distribution's registry, which wants a login."""
    folder.mkdir(parents=True, exist_ok=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{probe.getsockname()[1]}"
    (folder / "htpasswd").write_text(HTPASSWD)
    config = {
        "version": 0.1,
        "storage": {"filesystem": {"rootdirectory": str(folder / "data")}},
        "http": {"addr": host},
        "auth": {"htpasswd": {"realm": "test", "path": str(folder / "htpasswd")}},
    }
    (folder / "config.yml").write_text(yaml.safe_dump(config))
    with subprocess.Popen(
        ["docker-registry", "serve", str(folder / "config.yml")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as child:
        ends = time.monotonic() + 10
        while not listens(host):
            assert time.monotonic() < ends, "the registry did not come up"
            time.sleep(0.05)
        try:
            yield host
        finally:
            child.terminate()


def listens(host: str) -> bool:
    name, _, port = host.partition(":")
    with socket.socket() as probe:
        return probe.connect_ex((name, int(port))) == 0

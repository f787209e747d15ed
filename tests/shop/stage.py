"""The stage: the sample shop on the lab, for the demo, the budgets and the tests of the doors."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

import yaml

from lab.facts import Facts

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "checkout"
DAVY = Path(sys.executable).with_name("davy")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """One shop of its own: namespace, node port and configuration."""

    facts: Facts
    namespace: str
    node_port: int
    folder: Path
    """Where davy.yaml and what it writes lie."""
    replicas: int = 4
    drain_seconds: float = 6
    """The endpoints' controller and kube-proxy each may take a second or more over a burst of changes: with 3 s of
    drain a promotion was seen to refuse 29 of 120 requests a second for a moment."""
    patient_probes: bool = False
    """For a machine so busy that an answer to a probe may take seconds: else a pod that serves is called not Ready, or
    is begun anew."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """Environment of davy: `WARMUP`, `BAKE`, …"""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.node_port}"

    @property
    def config(self) -> Path:
        return self.folder / "davy.yaml"

    def environment(self, **more: str) -> dict[str, str]:
        """What davy and kubectl run with."""
        own = {
            "KUBECONFIG": self.facts.kubeconfig,
            "DOCKER_HOST": self.facts.docker_host,
            "REGISTRY": self.facts.registry,
            "BASE": self.facts.base_image,
            "PROMETHEUS": self.facts.prometheus,
            "SCRAPE": "2s",
        }
        return {**os.environ, **own, **self.settings, **more}

    def kubectl(self, *words: str, given: str | None = None) -> str:
        """Its output. Raises with kubectl's own words."""
        run = subprocess.run(
            [self.facts.kubectl, "-n", self.namespace, *words],
            input=given, capture_output=True, text=True, env=self.environment(), check=False,
        )  # fmt: skip
        if run.returncode:
            raise RuntimeError(f"kubectl {' '.join(words)}: {run.stderr.strip()}")
        return run.stdout

    def series(self, promql: str) -> list[dict[str, Any]]:
        """What the lab's Prometheus answers now."""
        return answered(self.facts.prometheus, promql)

    def deployment(self) -> dict:
        return json.loads(self.kubectl("get", "deployment", "checkout", "-o", "json"))

    def davy(self, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Runs the installed command in the shop's folder."""
        return subprocess.run(
            [DAVY, *words], cwd=self.folder, env=self.environment(**more), text=True, capture_output=True, check=False
        )

    def write_config(self, change: Mapping | None = None) -> None:
        """The example's davy.yaml for this shop; `change` is merged into it, part by part."""
        document = yaml.safe_load((EXAMPLE / "davy.yaml").read_text())
        document["images"][0]["context"] = str(EXAMPLE)
        document["deploy"]["kubernetes"]["namespace"] = self.namespace
        for suite in document["tests"]:
            if "STABLE" in suite.get("env", {}):
                suite["env"]["STABLE"] = f"http://checkout.{self.namespace}.svc.cluster.local"
        for slo in document["checks"]["slos"]:
            for key in ("errors", "total", "histogram"):
                if key in slo:
                    slo[key] = slo[key].replace("{", f'{{namespace="{self.namespace}",')
        self.folder.mkdir(parents=True, exist_ok=True)
        self.config.write_text(yaml.safe_dump(merged(document, change or {}), sort_keys=False))

    def build(self, version: str, fault: str = "") -> str:
        """The image's reference by digest."""
        # Of its own: another version may be built beside it.
        out = str(self.folder / "built" / version)
        run = self.davy("build", "-f", str(self.config), "--plain", "--out", out, VERSION=version, FAULT=fault)
        if run.returncode:
            raise RuntimeError(f"davy build: {run.returncode}\n{run.stderr[-2000:]}")
        return run.stdout.split()[-1]

    def manifests(self, image: str) -> str:
        """The example's manifests for this shop."""
        documents = []
        for document in yaml.safe_load_all((EXAMPLE / "manifests.yaml").read_text()):
            match document["kind"]:
                case "Namespace":
                    document["metadata"]["name"] = self.namespace
                case "ConfigMap":
                    document["data"]["DRAIN_SECONDS"] = str(self.drain_seconds)
                case "Deployment":
                    document["spec"]["replicas"] = self.replicas
                    container = document["spec"]["template"]["spec"]["containers"][0]
                    container["image"] = image
                    if self.patient_probes:
                        container["readinessProbe"] |= {"timeoutSeconds": 10, "failureThreshold": 3}
                        container["livenessProbe"] |= {"timeoutSeconds": 10, "failureThreshold": 12}
                case "Service":
                    document["spec"]["ports"][0]["nodePort"] = self.node_port
            if document["kind"] != "Namespace":
                document["metadata"]["namespace"] = self.namespace
            documents.append(document)
        return yaml.safe_dump_all(documents)

    def deploy(self, image: str) -> None:
        """The manifests as they are, and wait until every pod is Ready."""
        self.kubectl("apply", "-f", "-", given=self.manifests(image))
        self.kubectl("rollout", "status", "deployment/checkout", "--timeout=120s")

    def remove(self) -> None:
        self.kubectl("delete", "namespace", self.namespace, "--ignore-not-found", "--wait=false")


def answered(prometheus: str, promql: str) -> list[dict[str, Any]]:
    """The series of an instant query."""
    with urlopen(f"{prometheus}/api/v1/query?{urlencode({'query': promql})}", timeout=5) as answer:
        found: list[dict[str, Any]] = json.load(answer)["data"]["result"]
    return found


def merged(document: dict, change: Mapping) -> dict:
    """`change` laid over `document`; a list or a value replaces, a mapping goes on down."""
    result = dict(document)
    for key, value in change.items():
        old = result.get(key)
        result[key] = merged(old, value) if isinstance(old, dict) and isinstance(value, Mapping) else value
    return result

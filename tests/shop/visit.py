"""A visit: one scenario in a shop that is its own for the while, and what the world must look like after it."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import yaml

from davy.canary.platforms.held_update import PREFIX
from davy.pipeline.clients.kubernetes.api import KubeApi
from davy.pipeline.core.events import Event
from lab.faulty_proxy import FaultyProxy
from lab.load import Load, Plan

from .runner import Runner
from .stage import Shop

RATE = 25.0
LONGEST = 600.0
"""Customers go when the scenario ends; on a busy machine it may take this long."""
PATIENCE = 40.0
"""Seconds in which a customer's answer comes even from a busy machine. One that was lost never does."""
UNIT = "python3 -m pytest -q -p no:cacheprovider --junitxml=$JUNIT /app/tests"
SLACK = 3.0
"""Seconds: the API server's own time is known to two, and half a one for good measure."""


@dataclass(slots=True, kw_only=True)
class Visit:
    """Everything a scenario may touch."""

    shop: Shop
    image: Callable[[str], str]
    """A version's reference by digest: `good` (the one that does not serve now), `bad`, `crash`, …"""
    name_of: Callable[[str], str]
    """The version that an image is of."""
    api: KubeApi
    before: dict[str, Any] = field(default_factory=dict)
    runners: list[Runner] = field(default_factory=list)
    settings: dict[str, str] = field(default_factory=dict)
    """More environment for every command."""
    stack: ExitStack = field(default_factory=ExitStack)

    def begin(self) -> None:
        self.configured()
        self.before = self.deployment()

    def configured(self, **canary: object) -> None:
        """The shop's davy.yaml again, with this under `canary`."""
        self.shop.write_config(merged_config(self.shop.namespace, canary))

    # ---- acting ----

    def start(self, *words: str, kill_at: type[Event] | None = None) -> Runner:
        """`davy …` in the background."""
        runner = Runner(
            words, folder=self.shop.folder, environment=self.shop.environment(**self.settings), kill_at=kill_at
        )
        self.runners.append(runner)
        return runner

    def canary(self, version: str, kill_at: type[Event] | None = None) -> Runner:
        """`davy canary start` of a version that is in the registry."""
        return self.start("canary", "start", "--image", self.image(version), kill_at=kill_at)

    def davy(self, *words: str) -> Runner:
        """`davy …`, waited for."""
        runner = self.start(*words)
        runner.ended()
        return runner

    def once_lost(self, *words: str) -> Runner:
        """`davy …` after the lease of a runner that is gone has run out."""
        self.wait_for_the_lease()
        return self.davy(*words)

    def wait_for_the_lease(self) -> None:
        """Until it is anyone's, by this machine's clock, which is the API server's too."""
        # Read again each time: a renewal may have been on its way when its runner was ended.
        while (left := (lease_ends(self.lease()) - datetime.now(UTC)).total_seconds() + SLACK) > 0:
            time.sleep(left)

    def shell(self, script: str) -> None:
        """As a person with kubectl types it."""
        path = f"{Path(self.shop.facts.kubectl).parent}:{os.environ['PATH']}"
        run = subprocess.run(
            ["sh", "-ec", script], env=self.shop.environment(PATH=path), capture_output=True, text=True, check=False
        )
        assert run.returncode == 0, run.stderr

    def until(self, true: Callable[[], bool], within: float) -> None:
        ends = time.monotonic() + within
        while not true():
            assert time.monotonic() < ends, f"did not come true within {within} s\n{self.story}"
            time.sleep(0.1)

    @contextmanager
    def customers(self, *, may_lose: bool = False) -> Iterator[Load]:
        """Load on the shop, counted by the client. Not one answer may be lost to the rollout.

        `may_lose`: the version itself loses answers, as a pod does that the kernel kills while it serves.
        """
        self.open_for_customers()
        with Load(Plan(rate=RATE, seconds=LONGEST, url=self.shop.url, timeout=PATIENCE)) as load:
            yield load
        seen = load.snapshot()
        assert may_lose or not seen["lost"], (
            f"answers lost: {seen['bad']}, the last at {at(seen['last_lost'])}\n{self.warnings()}\n{self.story}"
        )

    def open_for_customers(self) -> None:
        """Until the node's port leads to a pod, which is a moment after Kubernetes calls the pods Ready."""
        ends = time.monotonic() + 60
        while True:
            with suppress(OSError), urlopen(f"{self.shop.url}/products", timeout=2):
                return
            assert time.monotonic() < ends, f"nobody answers at {self.shop.url}"
            time.sleep(0.2)

    def warnings(self) -> str:
        return self.shop.kubectl("get", "events", "--field-selector", "type=Warning", "--sort-by", ".lastTimestamp")

    @property
    def story(self) -> str:
        return "\n".join(runner.story for runner in self.runners)

    def before_the_api(self) -> FaultyProxy:
        """A proxy between davy and the API server, for the rest of the visit."""
        proxy = self.stack.enter_context(FaultyProxy(self.shop.facts.api_server).running())
        self.settings["KUBECONFIG"] = str(kubeconfig_by(self.shop, proxy.url))
        return proxy

    def before_prometheus(self) -> FaultyProxy:
        """The same, before Prometheus."""
        proxy = self.stack.enter_context(FaultyProxy(self.shop.facts.prometheus).running())
        self.settings["PROMETHEUS"] = proxy.url
        return proxy

    # ---- looking ----

    def listed(self, group: str, kind: str) -> list[dict[str, Any]]:
        """All of a kind in the shop's namespace, over an API client of its own: kubectl costs a fifth of a second."""
        found: list[dict[str, Any]] = self.api.get(f"{group}/namespaces/{self.shop.namespace}/{kind}")["items"]
        return found

    def deployment(self) -> dict[str, Any]:
        return next(one for one in self.listed("/apis/apps/v1", "deployments") if one["metadata"]["name"] == "checkout")

    def status(self) -> dict[str, Any]:
        run = self.shop.davy("canary", "status", "-o", "json")
        assert run.returncode == 0, run.stderr
        document: dict[str, Any] = json.loads(run.stdout)
        return document

    def history(self) -> list[dict[str, Any]]:
        run = self.shop.davy("canary", "history", "-o", "json")
        document = json.loads(run.stdout)
        return next(value for value in document.values() if isinstance(value, list))

    def lease(self) -> dict[str, Any]:
        """The lock's spec; empty where nobody ever took it."""
        leases = self.listed("/apis/coordination.k8s.io/v1", "leases")
        return next((lease["spec"] for lease in leases), {})

    def serving(self) -> dict[str, int]:
        """Ready endpoints of the Service by the image of their pods."""
        slices = self.listed("/apis/discovery.k8s.io/v1", "endpointslices")
        pods = self.listed("/api/v1", "pods")
        images = {pod["metadata"]["name"]: pod["spec"]["containers"][0]["image"] for pod in pods}
        found: dict[str, int] = {}
        for one in (end for piece in slices for end in piece.get("endpoints") or []):
            if one["conditions"]["ready"]:
                image = images[one["targetRef"]["name"]]
                found[image] = found.get(image, 0) + 1
        return found

    # ---- asserting ----

    def stable(self) -> str:
        image: str = self.before["spec"]["template"]["spec"]["containers"][0]["image"]
        return image

    def is_back(self) -> None:
        """As if nothing had been."""
        self.is_at_rest(self.stable())

    def is_promoted(self, version: str) -> None:
        self.is_at_rest(self.image(version))

    def is_at_rest(self, image: str) -> None:
        """One version serves, whole; the spec is the user's own; nothing of davy's is left but the journal."""
        self.is_unmarked(image)
        assert not self.lease().get("holderIdentity")

    def is_unmarked(self, image: str) -> None:
        """The Deployment and its endpoints, without the lease."""
        now = self.deployment()
        wanted = json.loads(json.dumps(self.before["spec"]))
        wanted["template"]["spec"]["containers"][0]["image"] = image
        assert now["spec"] == wanted
        assert not [name for name in now["metadata"]["annotations"] if name.startswith(PREFIX)]
        assert set(self.serving()) == {image}
        # A pod of a busy machine may fail a probe for a moment.
        self.until(lambda: self.serving() == {image: wanted["replicas"]}, within=60)

    def is_untouched_apart_from_the_lock(self) -> None:
        """Not one write to the Deployment's spec."""
        now = self.deployment()
        assert now["metadata"]["generation"] == self.before["metadata"]["generation"]
        assert now["spec"] == self.before["spec"]

    def is_untouched(self) -> None:
        """No write to the Deployment at all, and no lock."""
        self.is_untouched_apart_from_the_lock()
        self.is_unmarked(self.stable())


def lease_ends(spec: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(spec["renewTime"]) + timedelta(seconds=spec["leaseDurationSeconds"])


def at(moment: float | None) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%H:%M:%S.%f}" if moment else "no time"


def merged_config(namespace: str, canary: Mapping[str, object]) -> dict[str, Any]:
    """Small settings: a rollout of seconds, with the evidence of a hundred requests."""
    pods = f'namespace="{namespace}",app="checkout"'
    return {
        "tests": [],
        "canary": {"steps": ["50%"], "lease": "3s", **canary},
        "checks": {
            "slos": [
                {
                    "name": "availability",
                    "objective": 90,
                    "errors": f'http_requests_total{{{pods},code=~"5.."}}',
                    "total": f"http_requests_total{{{pods}}}",
                }
            ]
        },
    }


def kubeconfig_by(shop: Shop, server: str) -> Path:
    """The lab's own, through another door."""
    document = yaml.safe_load(Path(shop.facts.kubeconfig).read_text())
    document["clusters"][0]["cluster"] = {"server": server}
    path = shop.folder / "kubeconfig"
    path.touch(0o600)
    path.write_text(yaml.safe_dump(document))
    return path

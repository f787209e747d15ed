"""Rollback: from the Deployment's change to the canary out of the endpoints, davy's patch beside kubectl's undo."""

from __future__ import annotations

import json
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from bench.measure import Budget, ratio, spread, until_clear
from davy.canary.platforms.kubernetes.deployment import KubernetesPlatform
from davy.canary.ports.platform import Proposal, Speed
from davy.pipeline.clients.kubernetes.api import KubeApi
from davy.pipeline.clients.kubernetes.kubeconfig import access_from
from davy.pipeline.core.errors import DavyError
from davy.pipeline.core.workload import Workload
from shop.stage import Shop

QUICK = {"WARMUP": "3s", "READY_WITHIN": "60s", "DEADLINE": "3m", "BAKE": "3s"}
"""Settings of the shop, for whoever waits."""
ROUNDS = 5
"""At least; more where the ratio is not clearly within its limit by then."""
MOST_ROUNDS = 35
LIMIT = 1.2
HELD_FOR = 20
"""Seconds that kubectl's canary is held by minReadySeconds. `rollout undo` gives that setting to stable too, so stable
must be older: with davy's own week, undo would not take the canary away at all."""


class Watch:
    """When the Deployment changed, and when its canary was in no endpoint any more, as the API server told it."""

    def __init__(self, shop: Shop, api: KubeApi) -> None:
        self.shop = shop
        self.api = api
        self.generations: list[tuple[int, float]] = []
        self.serving: list[tuple[frozenset[str], float]] = []

    @contextmanager
    def running(self) -> Iterator[Watch]:
        space = f"namespaces/{self.shop.namespace}"
        for path, heard in (
            (f"/apis/apps/v1/{space}/deployments", self._deployment),
            (f"/apis/discovery.k8s.io/v1/{space}/endpointslices", self._slice),
        ):
            threading.Thread(target=self._follow, args=(self.api.again(), path, heard), daemon=True).start()
        yield self

    def _follow(self, api: KubeApi, path: str, heard) -> None:
        while True:
            try:
                for line in api.lines(path, {"watch": "true", "timeoutSeconds": "600"}, quiet=600):
                    heard(json.loads(line)["object"], time.monotonic())
            except DavyError:
                time.sleep(0.1)

    def _deployment(self, document: dict, at: float) -> None:
        self.generations.append((document["metadata"].get("generation", 0), at))

    def _slice(self, document: dict, at: float) -> None:
        ready = frozenset(
            end["targetRef"]["name"]
            for end in document.get("endpoints") or ()
            if end.get("conditions", {}).get("ready") and "targetRef" in end
        )
        self.serving.append((ready, at))

    def seconds(self, generation: int, canary: frozenset[str], since: float | None = None) -> float:
        """From the change that made `generation`, or from `since`, to the first endpoints without any of `canary`."""
        until = time.monotonic() + 30
        while time.monotonic() < until:
            changed = next((at for seen, at in self.generations if seen >= generation), None)
            if changed is not None:
                gone = next((at for ready, at in self.serving if at >= changed and not ready & canary), None)
                if gone is not None:
                    return gone - (changed if since is None else since)
            time.sleep(0.01)
        raise RuntimeError("the canary did not leave the endpoints within 30 s")


def budget(shop: Shop, stable: str, canary: str) -> Budget:
    """Both in turn on the same Deployment, with the same canary."""
    api = KubeApi(access_from(kubeconfig=shop.facts.kubeconfig))
    cluster = KubernetesPlatform(api, Workload(namespace=shop.namespace, name="checkout"))
    aged(shop)
    with Watch(shop, api).running() as watch:

        def both(number: int) -> tuple[float, float]:
            first = _davy(shop, cluster, watch, canary, 1001 + number)
            return first, undone(shop, watch, canary)

        pairs = until_clear(both, limit=LIMIT, least=ROUNDS, most=MOST_ROUNDS)
    low, high = spread(pairs)
    return Budget(
        name="rollback, patch to out of endpoints / kubectl rollout undo",
        how=f"{len(pairs)} rounds: {low:.2f} to {high:.2f}",
        ours=f"{statistics.median(ours for ours, _ in pairs) * 1000:.0f} ms",
        theirs=f"{statistics.median(theirs for _, theirs in pairs) * 1000:.0f} ms",
        measured=ratio(pairs),
        limit=LIMIT,
    )


def _davy(shop: Shop, cluster: KubernetesPlatform, watch: Watch, image: str, fence: int) -> float:
    before = cluster.snapshot()
    cluster.take(fence)
    cluster.propose(
        Proposal(release="bench", images={"checkout": image}, restore=before.own, stable_hash=before.hash), 1
    )
    pods = canary_of(shop, before.hash)
    cluster.freeze()
    generation = generation_of(shop)
    cluster.restore(before.own, Speed.WHOLE, 0)
    took = watch.seconds(generation + 1, pods)
    cluster.settle(before.own)
    whole(shop)
    return took


def undone(shop: Shop, watch: Watch, image: str, *, from_command: bool = False) -> float:
    """What `kubectl rollout undo` takes, from its change or from the command's start."""
    stable = hashes(shop)
    hold = {"minReadySeconds": HELD_FOR, "strategy": {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}}
    template = {"spec": {"containers": [{"name": "checkout", "image": image}]}}
    shop.kubectl("patch", "deployment", "checkout", "-p", json.dumps({"spec": {**hold, "template": template}}))
    pods = canary_of(shop, next(iter(stable)))
    generation, began = generation_of(shop), time.monotonic()
    shop.kubectl("rollout", "undo", "deployment/checkout")
    took = watch.seconds(generation + 1, pods, began if from_command else None)
    shop.kubectl("patch", "deployment", "checkout", "-p", '{"spec":{"minReadySeconds":0}}')
    whole(shop)
    return took


def generation_of(shop: Shop) -> int:
    """The Deployment's."""
    return int(shop.deployment()["metadata"]["generation"])


def _pods(shop: Shop) -> list[dict]:
    return json.loads(shop.kubectl("get", "pods", "-l", "app=checkout", "-o", "json"))["items"]


def hashes(shop: Shop) -> set[str]:
    return {pod["metadata"]["labels"]["pod-template-hash"] for pod in _pods(shop)}


def canary_of(shop: Shop, stable: str) -> frozenset[str]:
    """Waits until the canary's pod serves; its name."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        names = frozenset(
            pod["metadata"]["name"]
            for pod in _pods(shop)
            if pod["metadata"]["labels"]["pod-template-hash"] != stable and _ready_since(pod)
        )
        if names:
            time.sleep(1)
            return names
        time.sleep(0.2)
    raise RuntimeError("no canary pod got Ready within 60 s")


def aged(shop: Shop) -> None:
    """Waits until every pod has been Ready for longer than `undone` holds the canary."""
    until = time.monotonic() + 60 + HELD_FOR
    while time.monotonic() < until:
        since = [_ready_since(pod) for pod in _pods(shop)]
        if since and all(one and (datetime.now(UTC) - one).total_seconds() > HELD_FOR for one in since):
            return
        time.sleep(0.3)
    raise RuntimeError(f"not every pod was Ready for {HELD_FOR} s")


def _ready_since(pod: dict) -> datetime | None:
    conditions = pod["status"].get("conditions", ())
    ready = (one["lastTransitionTime"] for one in conditions if one["type"] == "Ready" and one["status"] == "True")
    return next((datetime.fromisoformat(one) for one in ready), None)


def whole(shop: Shop) -> None:
    """Waits until only stable is there."""
    until = time.monotonic() + 60
    while time.monotonic() < until and len(hashes(shop)) > 1:
        time.sleep(0.3)

"""A crew of shops: scenarios that do not disturb each other are played in several of them at the same time."""

from __future__ import annotations

import queue
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from davy.pipeline.clients.kubernetes.api import KubeApi
from davy.pipeline.clients.kubernetes.kubeconfig import access_from
from lab.facts import Facts

from .stage import ROOT, Shop
from .visit import Visit, merged_config

SHOPS = 4
FIRST_PORT = 30111
QUICK = {"WARMUP": "1s", "BAKE": "2s", "READY_WITHIN": "2m", "DEADLINE": "5m"}
"""The limits are those of a busy machine: on an idle one a rollout takes seconds."""
FAULTS = {
    "v1": "",
    "v2": "",
    "bad": "errors:0.5",
    "crash": "crash",
    "never-ready": "never-ready",
    "leak": "leak:60MiB/s",
}


@dataclass(slots=True)
class Versions:
    """Images of the sample service, each built once, when first asked for."""

    shop: Shop
    made: dict[str, str] = field(default_factory=dict)
    locks: dict[str, threading.Lock] = field(default_factory=lambda: {name: threading.Lock() for name in FAULTS})

    def image(self, version: str) -> str:
        with self.locks[version]:
            if version not in self.made:
                self.made[version] = self.shop.build(version, FAULTS[version])
        return self.made[version]

    def name_of(self, image: str) -> str:
        return next(version for version, made in self.made.items() if made == image)


class Crew:
    """Shops of one session."""

    def __init__(self, facts: Facts) -> None:
        folder = ROOT / "davy-out" / "doors"
        self._shops = [_shop(facts, number, folder) for number in range(SHOPS)]
        self._free: queue.SimpleQueue[Shop] = queue.SimpleQueue()
        for shop in self._shops:
            self._free.put(shop)
        self._ready: set[str] = set()
        builder = _shop(facts, SHOPS, folder)
        builder.write_config(merged_config(builder.namespace, {}))
        self._versions = Versions(builder)
        self._threads = ThreadPoolExecutor(SHOPS, "shop")
        self._visits: list[Visit] = []

    def play(self, scenario: Callable[[Visit], None]) -> Future[None]:
        return self._threads.submit(self._played, scenario)

    def _played(self, scenario: Callable[[Visit], None]) -> None:
        shop = self._free.get()
        try:
            if shop.namespace not in self._ready:
                self._opened(shop)
            self._ready.discard(shop.namespace)  # A scenario that fails may leave anything behind.
            self._visited(shop, scenario)
            self._ready.add(shop.namespace)
        finally:
            self._free.put(shop)

    def _visited(self, shop: Shop, scenario: Callable[[Visit], None]) -> None:
        visit = Visit(
            shop=shop,
            image=lambda version: self._image(version, visit),
            name_of=self._versions.name_of,
            api=KubeApi(access_from(kubeconfig=shop.facts.kubeconfig)),
        )
        self._visits.append(visit)
        with visit.stack:
            visit.begin()
            try:
                scenario(visit)
            finally:
                _silenced(visit)

    def _image(self, version: str, visit: Visit) -> str:
        if version != "good":
            return self._versions.image(version)
        return next(image for name in ("v1", "v2") if (image := self._versions.image(name)) != visit.stable())

    def _opened(self, shop: Shop) -> None:
        """A shop as new, whatever an earlier scenario or session left."""
        with suppress(RuntimeError):
            shop.kubectl("wait", "--for=delete", f"namespace/{shop.namespace}", "--timeout=0s")
        shop.kubectl("delete", "namespace", shop.namespace, "--ignore-not-found", "--timeout=60s")
        shop.write_config(merged_config(shop.namespace, {}))
        shop.deploy(self._versions.image("v1"))
        _scraped(shop)

    def close(self) -> None:
        """End what runs and leave nothing in the cluster."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for visit in self._visits:
            _silenced(visit)
        self._threads.shutdown()
        for shop in self._shops:
            shop.remove()


def _scraped(shop: Shop) -> None:
    """Until Prometheus has looked at every pod once: before that davy rightly refuses to judge by it."""
    pods = set(shop.kubectl("get", "pods", "-o", "name").replace("pod/", "").split())
    ends = time.monotonic() + 90
    while time.monotonic() < ends:
        if pods <= {one["metric"]["pod"] for one in shop.series(f'up{{namespace="{shop.namespace}"}} == 1')}:
            return
        time.sleep(0.3)
    raise TimeoutError(f"Prometheus does not scrape {pods}")


def _silenced(visit: Visit) -> None:
    for runner in visit.runners:
        if runner.process.poll() is None:
            runner.send(signal.SIGKILL)
            runner.ended()


def _shop(facts: Facts, number: int, folder: Path) -> Shop:
    namespace = f"doors-{number + 1}"
    return Shop(
        facts=facts,
        namespace=namespace,
        node_port=FIRST_PORT + number,
        folder=folder / namespace,
        replicas=2,
        drain_seconds=6,
        patient_probes=True,
        settings=QUICK,
    )

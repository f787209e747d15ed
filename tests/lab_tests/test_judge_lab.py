"""The judge over real pods and a real Prometheus: it counts what the customers counted, whatever happens on the way.

One shop with three Deployments behind one Service: stable, a healthy canary (the same image), and a bad one. Two judges
look on, one at each canary. Everything that can happen to counters happens to them in turn.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from davy.canary.platforms.kubernetes.deployment import KubernetesPlatform
from davy.canary.ports.snapshot import PodView
from davy.checks.judges.sequential.judge import SequentialJudge
from davy.checks.metrics.prometheus.client import Prometheus
from davy.pipeline.clients.kubernetes.api import KubeApi
from davy.pipeline.clients.kubernetes.kubeconfig import access_from
from davy.pipeline.config.parsing.reader import made
from davy.pipeline.config.sections.checks import ChecksConfig
from davy.pipeline.core.verdict import NOTHING, Counts, Decision, Evidence, Gap, Verdict
from davy.pipeline.core.workload import ReadyPod, Sides, Workload
from lab import facts
from lab.load import Load, Plan
from shop.own_prometheus import OwnPrometheus, until
from shop.stage import ROOT, Shop, merged

pytestmark = [pytest.mark.lab, pytest.mark.slow]

NAMESPACE, NODE_PORT = "judge-lab", 30151
RATE = 50.0
PATIENCE = 40.0
"""Seconds in which an answer comes even from a busy machine; one that the client gave up on would be counted, too."""
SCRAPE = timedelta(seconds=2)
HEALTHY, BAD = "errors:0.02", "errors:0.3"
SIDES = {"stable": 3, "good": 2, "bad": 1}
"""By Deployment, its pods."""
LONGEST = 360.0
"""Seconds of load; it is stopped when everything has happened."""
TAIL = 12.0
"""Seconds of requests that are nowhere once a process is gone: since its last scrape, its drain included."""


@dataclass
class Told:
    """A judge, and all that it said."""

    judge: SequentialJudge
    side: str
    verdicts: list[Verdict] = field(default_factory=list)

    @property
    def last(self) -> Verdict:
        return self.verdicts[-1]

    @property
    def decisions(self) -> set[Decision]:
        return {verdict.decision for verdict in self.verdicts}

    def evidence(self, metric: str = "availability") -> Evidence:
        return next(one for one in self.last.evidence if one.metric == metric)

    def on_stable(self, metric: str = "availability") -> Counts:
        """All of it, also of moments in which the canary served nothing."""
        windows = [window for verdict in self.verdicts for window in verdict.windows]
        return sum((window.counts[metric].stable for window in windows if metric in window.counts), NOTHING)


class Scene:
    """The shop, its Prometheus, the client, and both judges."""

    def __init__(self, folder: Path) -> None:
        self.shop = Shop(
            facts=facts.read(),
            namespace=NAMESPACE,
            node_port=NODE_PORT,
            folder=ROOT / "davy-out" / NAMESPACE,
            drain_seconds=8,
            patient_probes=True,
        )
        self.shop.write_config({"tests": []})
        self.api = KubeApi(access_from(kubeconfig=self.shop.facts.kubeconfig))
        self.clusters = {side: self._cluster(side) for side in SIDES}
        self.shop.kubectl("delete", "namespace", NAMESPACE, "--ignore-not-found", "--timeout=60s")
        self._deploy(self.shop.build("healthy", HEALTHY), self.shop.build("unwell", BAD))
        self.prometheus = OwnPrometheus(folder, NAMESPACE)
        begun = time.time()
        until(lambda: self.prometheus.scraped(self.names(), begun), 30)
        self.begun = min(pod.ready_since for side in ("good", "bad") for pod in self.pods(side))
        self.good, self.bad = Told(self._judge(), "good"), Told(self._judge(), "bad")
        self.loads: list[Load] = []

    # ---- making ----

    def _deploy(self, healthy: str, bad: str) -> None:
        documents = []
        for document in yaml.safe_load_all(self.shop.manifests(healthy)):
            if document["kind"] != "Deployment":
                documents.append(document)
                continue
            for side, replicas in SIDES.items():
                one = merged(document, {})
                marks = {"app": "checkout", "side": side}
                one["metadata"] = {**document["metadata"], "name": f"checkout-{side}"}
                template = merged(document["spec"]["template"], {"metadata": {"labels": marks}})
                if side == "bad":
                    (container,) = template["spec"]["containers"]
                    template = merged(template, {"spec": {"containers": [{**container, "image": bad}]}})
                one["spec"] = {
                    **document["spec"], "replicas": replicas, "selector": {"matchLabels": marks}, "template": template
                }  # fmt: skip
                documents.append(one)
        self.shop.kubectl("apply", "-f", "-", given=yaml.safe_dump_all(documents))
        for side in SIDES:
            self.shop.kubectl("rollout", "status", f"deployment/checkout-{side}", "--timeout=120s")

    def _cluster(self, side: str) -> KubernetesPlatform:
        workload = Workload(namespace=NAMESPACE, name=f"checkout-{side}")
        return KubernetesPlatform(self.api, workload, baseline="checkout-good" if side == "stable" else "")

    def _judge(self) -> SequentialJudge:
        mine = f'namespace="{NAMESPACE}"'
        slos = [
            {
                "name": "availability",
                "objective": 95,
                "errors": f'http_requests_total{{{mine},code=~"5.."}}',
                "total": f"http_requests_total{{{mine}}}",
            },
            {
                # 5 s is never crossed: how slow this machine is today decides nothing here.
                "name": "latency",
                "objective": 50,
                "histogram": f"http_request_duration_seconds_bucket{{{mine}}}",
                "under": "5s",
                "bounds": ["250ms", "5s"],
            },
        ]
        config = made(
            ChecksConfig, {"prometheus": self.prometheus.url, "interval": "2s", "slos": slos, "dispersion": 2}
        )
        return SequentialJudge(Prometheus(self.prometheus.url, timeout=timedelta(seconds=2)), config, timedelta(0))

    # ---- looking ----

    def pods(self, side: str) -> tuple[PodView, ...]:
        snapshot = self.clusters[side].snapshot()
        return tuple(pod for pod in snapshot.pods if pod.ready_since and not pod.terminating)

    def names(self, side: str = "") -> list[str]:
        return [pod.name for one in ([side] if side else SIDES) for pod in self.pods(one)]

    def sides(self, canary: str) -> Sides:
        ready = {
            side: tuple(ReadyPod(name=pod.name, ready_since=pod.ready_since or self.begun) for pod in self.pods(side))
            for side in ("stable", canary)
        }
        return Sides(canary=ready[canary], stable=ready["stable"], started_at=self.begun - timedelta(seconds=1))

    def look(self) -> None:
        for told in (self.good, self.bad):
            told.verdicts.append(told.judge.look(self.sides(told.side), datetime.now(UTC), 2.0))

    def look_for(self, seconds: float) -> None:
        """As the rollout does, at every scrape."""
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            self.look()
            time.sleep(SCRAPE.total_seconds())

    def look_until(self, true: Callable[[], bool], within: float = 150.0) -> None:
        ends = time.monotonic() + within
        while not true():
            assert time.monotonic() < ends, f"did not come true within {within:g} s: {self.good.last}"
            self.look_for(SCRAPE.total_seconds())

    def is_scraped(self, since: float) -> bool:
        """Every pod that is there has been scraped since."""
        with suppress(OSError):
            return self.prometheus.scraped(self.names(), since)
        return False

    def restarts(self, pod: str) -> int:
        document = self.api.get(f"/api/v1/namespaces/{NAMESPACE}/pods/{pod}")
        return int(document["status"]["containerStatuses"][0]["restartCount"])

    def load(self, seconds: float) -> Load:
        made = Load(Plan(rate=RATE, seconds=seconds, url=self.shop.url, timeout=PATIENCE)).start()
        self.loads.append(made)
        return made

    def quiet(self) -> None:
        """The client sends nothing more, every pod was scraped since, and the judges have seen that."""
        for load in self.loads:
            load.stop()
        # A window ends with the pod that was scraped longest ago; what others gave after that is for the next.
        twice = time.time() + SCRAPE.total_seconds()
        self.look_until(lambda: self.is_scraped(twice))
        self.look()

    # ---- the client's side ----

    def client(self, *versions: str) -> dict[str, Counts]:
        """By pod, what the client got of it over all loads."""
        found: dict[str, Counts] = {}
        for load in self.loads:
            for name, pod in load.snapshot()["pods"].items():
                if not versions or pod["version"] in versions:
                    more = Counts(bad=pod["failures"], total=pod["requests"])
                    found[name] = found.get(name, Counts(bad=0, total=0)) + more
        return found

    @property
    def lost(self) -> int:
        return sum(load.snapshot()["lost"] for load in self.loads)

    def close(self) -> None:
        for load in self.loads:
            load.stop()
        self.prometheus.close()
        self.shop.remove()


def summed(counts: dict[str, Counts], names: list[str]) -> Counts:
    return sum((counts[name] for name in names if name in counts), Counts(bad=0, total=0))


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    made = Scene(tmp_path_factory.mktemp("prometheus"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def seen(scene: Scene) -> dict[str, set[str]]:
    """By Deployment, every pod that ever served in it."""
    return {side: set(scene.names(side)) for side in SIDES}


def test_client_prometheus_and_judge_count_the_same(scene: Scene) -> None:
    scene.look_for(2 * SCRAPE.total_seconds())
    load = scene.load(20)
    scene.look_for(20)
    load.wait()
    scene.quiet()
    client = scene.client()
    assert scene.lost == 0
    assert sum(one.total for one in client.values()) == 20 * RATE
    assert scene.prometheus.counted("http_requests_total") == {name: one.total for name, one in client.items()}
    errors = scene.prometheus.counted("http_requests_total", 'code=~"5.."')
    assert errors == {name: one.bad for name, one in client.items()}
    for told in (scene.good, scene.bad):
        evidence = told.evidence()
        assert evidence.canary == summed(client, scene.names(told.side))
        assert told.on_stable() == summed(client, scene.names("stable"))
        latency = told.evidence("latency")
        assert (latency.canary.total, latency.stable.total) == (evidence.canary.total, evidence.stable.total)
        assert latency.canary.above["0.25"] >= latency.canary.above["5"] == latency.canary.bad
    assert scene.bad.last.decision is Decision.ROLL_BACK
    assert Decision.ROLL_BACK not in scene.good.decisions


def test_the_pods_of_a_deployment_of_fresh_ones_are_the_baseline(scene: Scene) -> None:
    baseline = scene.clusters["stable"].snapshot().baseline
    assert baseline is not None
    assert baseline.images == scene.clusters["stable"].snapshot().images
    assert {pod.name for pod in baseline.pods} == set(scene.names("good"))
    gone = KubernetesPlatform(scene.api, Workload(namespace=NAMESPACE, name="checkout-stable"), baseline="nowhere")
    assert gone.snapshot().baseline == replace(baseline, name="nowhere", images={}, pods=())


def test_a_restart_a_deleted_pod_a_gap_and_a_dead_prometheus_change_no_verdict_for_the_worse(
    scene: Scene, seen: dict[str, set[str]]
) -> None:
    before = len(scene.good.verdicts)
    scene.load(LONGEST)
    scene.look_for(5)

    restarted, deleted = scene.names("good")
    scene.shop.kubectl("exec", restarted, "--", "python3", "-c", "import os; os.kill(1, 15)")
    scene.look_until(lambda: scene.restarts(restarted) > 0 and restarted in scene.names("good"))
    scene.look_for(6)

    scene.shop.kubectl("delete", "pod", deleted, "--wait=false")
    scene.look_until(lambda: len(set(scene.names("good")) - {deleted}) > 1)
    scene.look_for(6)
    seen["good"] |= set(scene.names("good"))
    assert len(seen["good"]) == 3

    away = [scene.names("stable")[0], restarted, *scene.names("bad")]
    scene.prometheus.look_away_from(*away)
    scene.look_for(30)
    assert scene.good.last.gaps["availability"] is Gap.STALE
    assert scene.bad.last.gaps["availability"] is Gap.STALE
    scene.prometheus.look_away_from()
    scene.look_until(lambda: not scene.good.last.gaps and not scene.bad.last.gaps)

    scene.prometheus.kill()
    scene.look_for(6)
    assert set(scene.good.last.gaps.values()) == {Gap.UNREACHABLE}
    scene.prometheus.start()
    scene.look_until(lambda: not scene.good.last.gaps)
    scene.quiet()
    assert set(scene.good.last.gaps.values()) <= {Gap.EMPTY}

    assert all(verdict.decision is not Decision.PROMOTE for verdict in scene.good.verdicts if verdict.gaps)
    assert Decision.ROLL_BACK not in scene.good.decisions
    assert Decision.PROMOTE not in scene.bad.decisions
    assert {verdict.decision for verdict in scene.bad.verdicts[before:]} <= {Decision.ROLL_BACK, Decision.UNKNOWN}
    client = scene.client()
    stable, bad = summed(client, list(seen["stable"])), summed(client, list(seen["bad"]))
    assert scene.bad.evidence().canary == bad
    assert scene.bad.on_stable() == scene.good.on_stable() == stable
    # Of the pod that was restarted and the one that was deleted, what came after their last scrape is nowhere.
    good, judged = summed(client, list(seen["good"])), scene.good.evidence().canary
    assert good.total - 2 * TAIL * RATE / len(scene.names()) <= judged.total <= good.total + scene.lost
    assert judged.bad <= good.bad + scene.lost
    latency = scene.good.evidence("latency").canary
    assert latency.total == judged.total
    assert latency.above["5"] == latency.bad == 0
    assert scene.good.last.log_e_roll_back < scene.good.last.roll_back_at / 2

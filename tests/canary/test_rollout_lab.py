"""The rollout on a real Kubernetes: the same driver, the real ports, a scripted judge."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from canary_stage import ScriptedJudge, failing_at, good, policy
from contracts import kube_lab as lab_module
from davy.canary.engine.driver.ports import Ports
from davy.canary.engine.driver.rollout import Start, rollout
from davy.canary.engine.state import folded
from davy.canary.platforms.kubernetes.deployment import KubernetesPlatform
from davy.canary.platforms.kubernetes.journal.journal import KubernetesJournal
from davy.canary.platforms.kubernetes.lease import KubernetesLock
from davy.canary.routers.replicas import Replicas
from davy.pipeline.clients.system_clock import SystemClock
from davy.pipeline.core.endings import Ending
from davy.pipeline.core.events import PodTrouble, RollbackStarted, RolledBack
from davy.pipeline.core.workload import Workload

pytestmark = [
    pytest.mark.lab,
    # The lab's own clients are left to the collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
NAME = "canary-rollout"


@pytest.fixture
def lab(monkeypatch):
    """The lab, in a namespace of our own."""
    monkeypatch.setattr(lab_module, "NAMESPACE", "canary")
    lab = lab_module.kube_lab()
    yield lab
    lab.gone(NAME)
    lab.api().delete("/api/v1/namespaces/canary")


def released(lab, image, judge, *pods):
    """Events, outcome, and the ports it was played on."""
    api, workload, clock = lab.api(), Workload(namespace="canary", name=NAME), SystemClock()
    cluster, lock = KubernetesPlatform(api, workload), KubernetesLock(api, workload)
    journal = KubernetesJournal(api, workload, fence=lambda: lock.fence)
    ports = Ports(platform=cluster, router=Replicas(), lock=lock, journal=journal, judge=judge, clock=clock)
    short = {"ready_within": timedelta(seconds=40), "bake": timedelta(seconds=4), "at_least": timedelta(seconds=2)}
    steps = policy(clock, *pods, replicas=4, **short)
    order = Start(
        release=f"r{datetime.now(UTC):%H%M%S}", workload=workload, images={"shop": image}, policy=steps, runner="test"
    )
    run, events = rollout(order, ports), []
    while True:
        try:
            events.append(next(run))
        except StopIteration as stop:
            return events, stop.value, ports


def sides(snapshot, image):
    serving = [pod for pod in snapshot.pods if pod.serving]
    return snapshot.images["shop"] == image, len(serving), {pod.hash for pod in serving}


def test_good_bad_and_crashing_versions_end_as_they_should_on_a_real_cluster(lab):
    v1, v2, v3 = (lab.image(version) for version in ("v1", "v2", "v3"))
    crash = lab.image("crash", lab_module.CRASH)
    lab.deployment(NAME, v1)
    judge = ScriptedJudge(good, interval=timedelta(seconds=1))

    _, outcome, ports = released(lab, v2, judge, 1, 2)
    assert (outcome.ending, outcome.weights) == (Ending.DONE, (20.0, 33.33, 100.0))
    before = ports.platform.snapshot()
    assert sides(before, v2) == (True, 4, {before.hash})
    assert folded(ports.journal.read()) == outcome.state

    for image, judge_of in ((v3, failing_at(2)), (crash, good)):
        events, outcome, ports = released(lab, image, ScriptedJudge(judge_of, interval=timedelta(seconds=1)), 1, 2)
        assert outcome.ending is Ending.ROLLED_BACK
        after = ports.platform.snapshot()
        assert sides(after, v2) == (True, 4, {before.hash})
        assert (after.own, after.held, after.is_frozen) == (before.own, None, False)
        assert next(e for e in events if isinstance(e, RollbackStarted)).how.startswith("whole: ")
        assert next(e for e in events if isinstance(e, RolledBack)).took < timedelta(seconds=5)
    (trouble,) = (event for event in events if isinstance(event, PodTrouble))
    assert "cannot find the price list" in trouble.words
    assert replace(after, pods=(), at=before.at) == replace(before, pods=())

"""What only a real cluster shows: speed of a rollback, rights, fences that were wiped, answers that were lost."""

import time
from pathlib import Path
from typing import Any

import pytest

from canary_events import held, looked, started
from contracts.kube_lab import NAMESPACE, KubeLab, kube_lab, until
from davy.canary.platforms.kubernetes.deployment import KubernetesPlatform
from davy.canary.platforms.kubernetes.journal.journal import KubernetesJournal
from davy.canary.platforms.kubernetes.lease import KubernetesLock
from davy.canary.platforms.kubernetes.permissions import RIGHTS, missing, role
from davy.canary.ports.platform import Proposal, Speed
from davy.pipeline.clients.kubernetes.api import MERGE_PATCH, KubeApi
from davy.pipeline.core.errors import Conflict, Forbidden, LockedOut, Unreachable
from davy.pipeline.core.workload import Workload

pytestmark = pytest.mark.lab
SHOP = Workload(namespace=NAMESPACE, name="only-real")
DEPLOYMENT = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/only-real"


@pytest.fixture(scope="module")
def lab() -> Any:
    made = kube_lab()
    yield made
    made.gone("only-real")


@pytest.fixture
def clean(lab: KubeLab) -> KubeLab:
    lab.gone("only-real")
    return lab


class Lossy(KubeApi):
    """Carries the write out, and loses the answer."""

    lost = 0

    def request(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        answer = super().request(method, path, **more)
        if method in ("PUT", "POST") and self.lost:
            self.lost -= 1
            raise Unreachable("the answer was lost")
        return answer


def test_a_rollback_takes_the_canary_out_of_the_endpoints_in_moments(clean: KubeLab) -> None:
    clean.deployment("only-real", clean.image("v1"))
    cluster = KubernetesPlatform(clean.api(), SHOP)
    cluster.take(1)
    until(lambda: bool(cluster.snapshot().hash))
    before = cluster.snapshot()
    stable = before.hash
    cluster.propose(
        Proposal(release="r1", images={"shop": clean.image("v2")}, restore=before.own, stable_hash=stable), 2
    )

    def canary() -> int:
        return sum(pod.serving and pod.hash != stable for pod in cluster.snapshot().pods)

    until(lambda: canary() == 2)
    cluster.freeze()
    time.sleep(1)
    began = time.monotonic()
    cluster.restore(before.own, Speed.WHOLE, 0)
    patched = time.monotonic()
    while canary():
        assert time.monotonic() - began < 5
    print(f"patch {(patched - began) * 1000:.0f} ms, out of endpoints {(time.monotonic() - began) * 1000:.0f} ms")

    # Someone replaced the whole Deployment: our mark is gone, the lock is still ours.
    lock = KubernetesLock(clean.api(), SHOP)
    fence = lock.acquire("ann")
    cluster.take(fence)
    clean.api().patch(DEPLOYMENT, {"metadata": {"annotations": {"davy.dev/fence": None}}}, MERGE_PATCH)
    cluster.freeze()
    assert cluster.snapshot().is_frozen
    clean.api().patch(DEPLOYMENT, {"metadata": {"annotations": {"davy.dev/fence": None}}}, MERGE_PATCH)
    KubernetesLock(clean.api(), SHOP).release()
    lock.release()
    KubernetesLock(clean.api(), SHOP).acquire("bob")
    with pytest.raises(Conflict, match="another runner"):
        cluster.size(1)


def test_without_rights_every_missing_one_is_named(lab: KubeLab) -> None:
    cluster = KubernetesPlatform(lab.api(limited=True), SHOP)
    for ask in (cluster.snapshot, cluster.surroundings):
        with pytest.raises(Forbidden) as caught:
            ask()
        assert all(str(right) in str(caught.value) for right in RIGHTS)


def test_the_role_that_is_shown_grants_every_right_there_is_to_need(lab: KubeLab, tmp_path: Path) -> None:
    api, roles = lab.api(), f"/apis/rbac.authorization.k8s.io/v1/namespaces/{NAMESPACE}"
    api.delete(f"{roles}/roles/davy")
    api.delete(f"{roles}/rolebindings/davy")
    api.create(f"{roles}/roles", role("davy", NAMESPACE))
    binding = {
        "metadata": {"name": "davy"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "davy"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "limited"}],
    }
    api.create(f"{roles}/rolebindings", binding)
    try:
        until(lambda: not missing(lab.api(limited=True), SHOP), within=10)
    finally:
        api.delete(f"{roles}/rolebindings/davy")
        api.delete(f"{roles}/roles/davy")


def lossy(lab: KubeLab) -> Lossy:
    return Lossy(lab.api().access)


def test_a_write_whose_answer_was_lost_is_not_made_twice(clean: KubeLab) -> None:
    api = lossy(clean)
    journal = KubernetesJournal(api, SHOP, fence=lambda: 5)
    journal.write([started("r1")])
    api.lost = 1
    with pytest.raises(Unreachable):
        journal.write([looked(1)])
    journal.write([looked(1)])
    journal.write([held()])
    journal.write([held()])
    assert journal.read() == (started("r1"), looked(1), held(), held())


def test_a_journal_is_not_written_with_an_older_fence_or_none(clean: KubeLab) -> None:
    older, newer = (KubernetesJournal(clean.api(), SHOP, fence=fence) for fence in (lambda: 5, lambda: 6))
    older.write([started("r1")])
    newer.write([held()])
    for journal in (older, KubernetesJournal(clean.api(), SHOP, fence=lambda: 0)):
        with pytest.raises(Conflict):
            journal.write([held()])
    assert newer.read() == (started("r1"), held())


@pytest.mark.parametrize("change", ["deleted", "replaced"])
def test_a_runner_whose_lease_is_gone_is_told_so(clean: KubeLab, change: str) -> None:
    lock = KubernetesLock(clean.api(), SHOP)
    first = lock.acquire("ann")
    clean.api().delete(f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases/davy-only-real")
    if change == "replaced":
        time.sleep(1.1)
        assert KubernetesLock(clean.api(), SHOP).acquire("bob") > first
    lock._renewed = 0.0
    with pytest.raises(LockedOut):
        lock.renew()


def test_a_time_from_the_future_is_not_believed_but_watched(clean: KubeLab) -> None:
    first = KubernetesLock(clean.api(), SHOP)
    before = first.acquire("ann")
    path = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases/davy-only-real"
    clean.api().patch(path, {"spec": {"renewTime": "2099-01-01T00:00:00.000000Z"}}, MERGE_PATCH)
    slept: list[float] = []
    assert KubernetesLock(clean.api(), SHOP, sleep=slept.append).acquire("bob") == before + 1
    assert slept == [32.0]

    def renewed(_: float) -> None:
        clean.api().patch(path, {"spec": {"renewTime": "2099-01-01T00:00:01.000000Z"}}, MERGE_PATCH)

    clean.api().patch(path, {"spec": {"renewTime": "2099-01-01T00:00:00.000000Z"}}, MERGE_PATCH)
    with pytest.raises(LockedOut, match="bob"):
        KubernetesLock(clean.api(), SHOP, sleep=renewed).acquire("eve")

"""Documents of the API server that are not what they should be: the cluster's side says so, and never falls over."""

import copy
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from davy.canary.platforms.kubernetes.deployment import KubernetesPlatform
from davy.canary.platforms.kubernetes.journal.journal import KubernetesJournal
from davy.canary.platforms.kubernetes.lease import KubernetesLock
from davy.pipeline.clients.kubernetes.access import Access
from davy.pipeline.clients.kubernetes.api import KubeApi
from davy.pipeline.core.errors import DavyError, Unreachable
from davy.pipeline.core.workload import Workload

SHOP = Workload(namespace="shop", name="checkout")
POD: dict[str, Any] = {
    "metadata": {
        "name": "checkout-1", "labels": {"pod-template-hash": "abc"}, "creationTimestamp": "2026-05-01T12:00:00Z",
        "ownerReferences": [{"kind": "ReplicaSet", "name": "checkout-abc", "uid": "u"}],
    },
    "spec": {"containers": [{"name": "app", "image": "shop/app:1"}]},
    "status": {
        "phase": "Running",
        "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "2026-05-01T12:00:05Z"}],
        "containerStatuses": [{"name": "app", "ready": True, "restartCount": 0, "state": {"running": {}}}],
    },
}  # fmt: skip
SET: dict[str, Any] = {
    "metadata": {
        "name": "checkout-abc", "uid": "u", "labels": {"pod-template-hash": "abc"},
        "annotations": {"deployment.kubernetes.io/revision": "1"}, "creationTimestamp": "2026-05-01T12:00:00Z",
        "ownerReferences": [{"kind": "Deployment", "name": "checkout", "uid": "d"}],
    },
    "spec": {"replicas": 1, "template": {"spec": POD["spec"], "metadata": {"labels": {}}}},
    "status": {"replicas": 1},
}  # fmt: skip
DEPLOYMENT: dict[str, Any] = {
    "metadata": {
        "name": "checkout", "uid": "d", "generation": 1, "resourceVersion": "7", "annotations": {}, "labels": {},
    },
    "spec": {
        "replicas": 1, "selector": {"matchLabels": {"app": "checkout"}}, "template": SET["spec"]["template"],
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}},
    },
    "status": {"observedGeneration": 1, "replicas": 1},
}  # fmt: skip
SLICE = {
    "addressType": "IPv4",
    "endpoints": [{"conditions": {"ready": True}, "targetRef": {"kind": "Pod", "name": "checkout-1"}}],
}
LEASE = {
    "metadata": {"name": "davy-checkout", "resourceVersion": "3"},
    "spec": {
        "holderIdentity": "ci", "leaseDurationSeconds": 30, "leaseTransitions": 5,
        "acquireTime": "2026-05-01T12:00:00.000000Z", "renewTime": "2026-05-01T12:00:00.000000Z",
    },
}  # fmt: skip
MAP = {
    "metadata": {"name": "davy-checkout", "resourceVersion": "4", "annotations": {}},
    "data": {"events": "", "count": "0"},
}
WORLD = {
    "deployments": DEPLOYMENT, "replicasets": SET, "pods": POD, "endpointslices": SLICE, "leases": LEASE,
    "configmaps": MAP,
}  # fmt: skip


class Held(KubeApi):
    """Answers from a world of documents: one by its name, a list of one by its kind."""

    def __init__(self, world: dict[str, Any]) -> None:
        super().__init__(Access(server="http://127.0.0.1:1"))
        self.world = world

    def request(self, method: str, path: str, **_: Any) -> Any:
        *_, last = path.split("/")
        if last in self.world:
            return {"items": [copy.deepcopy(self.world[last])]}
        kind = path.split("/")[-2]
        return copy.deepcopy(self.world.get(kind, {"items": [], "status": {"allowed": True}}))


Act = Callable[[KubeApi], object]
ACTS: dict[str, Act] = {
    "snapshot": lambda api: KubernetesPlatform(api, SHOP).snapshot(),
    "surroundings": lambda api: KubernetesPlatform(api, SHOP).surroundings(),
    "take": lambda api: KubernetesPlatform(api, SHOP).take(6),
    "words": lambda api: KubernetesPlatform(api, SHOP).words("checkout-1"),
    "holder": lambda api: KubernetesLock(api, SHOP).holder(),
    "acquire": lambda api: KubernetesLock(api, SHOP, sleep=lambda _: None).acquire("me"),
    "read": lambda api: KubernetesJournal(api, SHOP, fence=lambda: 5).read(),
    "asked": lambda api: KubernetesJournal(api, SHOP, fence=lambda: 5).asked(),
    "history": lambda api: KubernetesJournal(api, SHOP, fence=lambda: 5).history(),
}


def places(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    if isinstance(document, dict):
        for key, value in document.items():
            yield from places(value, (*path, key))
    if isinstance(document, list):
        for index, value in enumerate(document):
            yield from places(value, (*path, index))


PLACES = [place for place in places(WORLD) if len(place) > 1]


@pytest.mark.parametrize("act", ["snapshot", "surroundings", "holder", "read", "asked", "history"])
def test_the_world_as_it_should_be_is_read(act: str) -> None:
    ACTS[act](Held(WORLD))


def changed(place: tuple[Any, ...], value: Any) -> dict[str, Any]:
    world: Any = copy.deepcopy(WORLD)
    inner = world
    for part in place[:-1]:
        inner = inner[part]
    if value is ...:
        del inner[place[-1]]
    else:
        inner[place[-1]] = value
    found: dict[str, Any] = world
    return found


ODD = st.sampled_from([..., None, [], {}, "", "x", 0, -1, 5.5, True, [None], [[]], {"a": None}, 10**30, "2026-13-45"])


@given(place=st.sampled_from(PLACES), value=ODD, act=st.sampled_from(sorted(ACTS)))
@settings(max_examples=400, deadline=None)
def test_whatever_stands_in_a_document_it_is_read_or_one_of_davys_errors(
    place: tuple[Any, ...], value: Any, act: str
) -> None:
    try:
        ACTS[act](Held(changed(place, value)))
    except DavyError as error:
        assert error.what  # noqa: PT017 - read or refused, nothing else


def test_a_shape_that_cannot_be_is_the_servers_fault_and_named() -> None:
    with pytest.raises(Unreachable, match=r"document that is not what it should be, for holder") as caught:
        ACTS["holder"](Held(changed(("leases", "spec"), [])))
    assert "kubectl get" in caught.value.remedy

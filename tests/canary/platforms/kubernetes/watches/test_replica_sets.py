"""ReplicaSets and pods of a Deployment: read as seldom as is right, and never too seldom."""

from collections.abc import Mapping
from typing import Any, cast

import pytest

from davy.canary.platforms.kubernetes import documents
from davy.canary.platforms.kubernetes.watches.feeds import Feed
from davy.canary.platforms.kubernetes.watches.mirror import Listening
from davy.canary.platforms.kubernetes.watches.replica_sets import Offspring, ReplicaSets
from davy.pipeline.clients.kubernetes.api import KubeApi

REVISION = documents.REVISION


class Api:
    """Answers lists of ReplicaSets and pods; keeps what was asked."""

    def __init__(self) -> None:
        self.sets = [replica_set(number, f"image:{number}") for number in range(1, 6)]
        self.pods = [pod("p1", "set-5")]
        self.asked: list[str] = []

    def get(self, path: str, query: Mapping[str, Any], accept: str = "") -> dict[str, Any]:
        self.asked.append(f"{path.rpartition('/')[2]} {query['labelSelector']}")
        if path.endswith("pods"):
            return {"metadata": {"resourceVersion": "9"}, "items": list(self.pods)}
        _, _, left_out = query["labelSelector"].partition("notin (")
        hashes = left_out.rstrip(")").split(",")
        return {"items": [one for one in self.sets if one["metadata"]["labels"]["pod-template-hash"] not in hashes]}


class Never:
    """A feed that is open and tells nothing."""

    is_open, is_over, is_refused = True, False, False

    def taken(self) -> list[str]:
        return []

    def close(self) -> None:
        """Nobody listened."""


def replica_set(revision: int, image: str, owner: str = "d1", uid: str = "") -> dict[str, Any]:
    return {
        "metadata": {
            "name": f"set-{revision}",
            "uid": uid or f"set-{revision}",
            "labels": {"pod-template-hash": f"h{revision}"},
            "annotations": {REVISION: str(revision)},
            "ownerReferences": [{"uid": owner, "controller": True}],
        },
        "spec": {"template": {"spec": {"containers": [{"name": "app", "image": image}]}}},
    }


def pod(name: str, owner: str, *, ready: bool = True) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "uid": name, "ownerReferences": [{"uid": owner, "controller": True}]},
        "status": {"conditions": [{"type": "Ready", "status": str(ready)}]},
    }


def deployment(revision: int, image: str, ready: int = 1) -> dict[str, Any]:
    return {
        "metadata": {"name": "checkout", "uid": "d1", "annotations": {REVISION: str(revision)}},
        "spec": {"template": {"spec": {"containers": [{"name": "app", "image": image}]}}},
        "status": {"readyReplicas": ready},
    }


class Scene:
    def __init__(self) -> None:
        self.api, self.now = Api(), 0.0
        client = cast("KubeApi", self.api)
        listening = Listening(opened=self._opened, monotonic=lambda: self.now)
        self.sets = ReplicaSets(client, listening, "/replicasets", "app=x")
        self.kin = Offspring(client, listening, "shop", "app=x")

    def _opened(self, api: KubeApi, path: str, query: Mapping[str, Any], accept: str) -> Feed:
        return Never()

    def asked(self) -> list[str]:
        said, self.api.asked = self.api.asked, []
        return said


@pytest.fixture
def scene() -> Scene:
    made = Scene()
    made.sets.of(deployment(5, "image:5"), made.api.pods)
    made.asked()
    return made


def template(scene: Scene, wanted: dict[str, Any]) -> str:
    return documents.template_hash_of(wanted, scene.sets.of(wanted, scene.api.pods))


def test_while_nothing_is_new_they_are_not_read(scene: Scene) -> None:
    assert template(scene, deployment(5, "image:5")) == "h5"
    assert scene.asked() == []


def test_for_a_new_template_only_those_are_read_that_may_have_it(scene: Scene) -> None:
    scene.api.sets.append(replica_set(6, "image:6"))
    assert template(scene, deployment(6, "image:6")) == "h6"
    assert scene.asked() == ["replicasets app=x,pod-template-hash notin (h1,h2,h3,h4,h5)"]


def test_a_template_that_comes_back_gets_a_new_revision_and_is_found(scene: Scene) -> None:
    before = scene.api.sets[1]
    scene.api.sets[1] = {**before, "metadata": {**before["metadata"], "annotations": {REVISION: "6"}}}
    assert template(scene, deployment(6, "image:2")) == "h2"
    assert scene.asked() == ["replicasets app=x,pod-template-hash notin (h1,h3,h4,h5)"]


def test_until_kubernetes_made_it_each_look_asks(scene: Scene) -> None:
    for _ in range(2):
        assert template(scene, deployment(5, "image:6")) == ""
        assert len(scene.asked()) == 1


def test_a_pod_of_an_unknown_one_has_all_read_and_a_strangers_pod_once_only(scene: Scene) -> None:
    scene.api.sets[0] = replica_set(1, "image:1", uid="made-again")
    scene.api.pods += [pod("p2", "made-again"), pod("p3", "a stranger's")]
    found = scene.sets.of(deployment(5, "image:5"), scene.api.pods)
    assert "made-again" in {one["metadata"]["uid"] for one in found}
    assert scene.asked()[-1] == "replicasets app=x"
    scene.sets.of(deployment(5, "image:5"), scene.api.pods)
    assert scene.asked() == []


def test_after_ten_minutes_all_are_read_again(scene: Scene) -> None:
    scene.now += 600
    template(scene, deployment(5, "image:5"))
    assert scene.asked() == ["replicasets app=x"]


def test_without_listening_all_are_read_each_time() -> None:
    api = Api()
    sets = ReplicaSets(cast("KubeApi", api), Listening(), "/replicasets", "app=x")
    for _ in range(2):
        sets.of(deployment(5, "image:5"), api.pods)
    assert api.asked == ["replicasets app=x"] * 2


def test_pods_are_read_again_where_the_deployment_counts_others_for_longer_than_it_is_late(scene: Scene) -> None:
    for _ in range(3):
        scene.kin.of(deployment(5, "image:5"))
    scene.now += 3
    scene.asked()
    scene.kin.of(deployment(5, "image:5"))
    assert scene.asked() == []
    scene.api.pods[0] = pod("p1", "set-5", ready=False)
    scene.kin.of(deployment(5, "image:5", ready=0))
    assert scene.asked() == []
    scene.now += 2
    (seen,) = scene.kin.of(deployment(5, "image:5", ready=0))["pods"]
    assert seen["status"]["conditions"][0]["status"] == "False"
    assert scene.asked() == ["pods app=x"]

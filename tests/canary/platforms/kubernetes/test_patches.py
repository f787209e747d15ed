"""The writes of a rollout, applied to documents as the API server would."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cluster_texts import deployment
from davy.canary.platforms.held_update import ROLLBACK
from davy.canary.platforms.kubernetes import patches
from davy.canary.platforms.kubernetes.annotations import FENCE, RELEASE, RESTORE, STABLE_HASH, restore_from
from davy.canary.platforms.kubernetes.documents import annotations, images, own_settings
from davy.canary.ports.platform import Proposal, Speed

FENCED = 7


class TestFailed(Exception):
    __test__ = False


def applied(document: dict[str, Any], ops: patches.Ops) -> dict[str, Any]:
    """RFC 6902 as far as the patches use it; null in a spec means not set, as the API server decodes it."""
    made = copy.deepcopy(document)
    for op in ops:
        *way, last = [part.replace("~1", "/").replace("~0", "~") for part in op["path"].split("/")[1:]]
        place: Any = made
        for part in way:
            place = place[int(part)] if isinstance(place, list) else place[part]
        match op["op"]:
            case "test":
                if place.get(last) != op["value"]:
                    raise TestFailed(op["path"])
            case "add":
                place[last] = op["value"]
            case "remove":
                del place[last]
    made["spec"] = {key: value for key, value in made["spec"].items() if value is not None}
    if not made["metadata"].get("labels"):
        made["metadata"].pop("labels", None)
    return made


def taken(**spec: Any) -> dict[str, Any]:
    document = deployment(**spec)
    document["metadata"]["annotations"][FENCE] = str(FENCED)
    return document


def begun(document: dict[str, Any]) -> dict[str, Any]:
    ops = patches.propose(
        document,
        FENCED,
        Proposal(release="r7", images={"app": "app@sha256:3"}, restore=own_settings(document), stable_hash="old"),
        2,
    )
    return applied(document, ops)


def every_write(document: dict[str, Any], fence: int) -> dict[str, patches.Ops]:
    own = own_settings(document)
    return {
        "propose": patches.propose(
            document, fence, Proposal(release="r", images={"app": "x"}, restore=own, stable_hash="h"), 1
        ),
        "size": patches.size(fence, 3),
        "freeze": patches.freeze(fence),
        "complete": patches.complete(fence, own),
        **{f"roll back, {speed}": patches.restore(document, fence, own, speed=speed, bad_pods=2) for speed in Speed},
        "settle": patches.settle(document, fence, own),
    }


def test_beginning_changes_the_image_and_holds_in_one_patch_that_says_what_to_restore() -> None:
    document = taken()
    made = begun(document)
    spec, notes = made["spec"], annotations(made)
    assert images(spec) == {"mesh": "mesh:1", "app": "app@sha256:3"}
    assert spec["strategy"] == {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 2, "maxUnavailable": 0}}
    assert spec["minReadySeconds"] == 604800
    assert spec["progressDeadlineSeconds"] > spec["minReadySeconds"]
    assert (notes[RELEASE], notes[STABLE_HASH]) == ("r7", "old")
    assert restore_from(notes[RESTORE]) == own_settings(document)


def test_holding_pauses_and_growing_goes_on_still_held() -> None:
    held = applied(begun(taken()), patches.freeze(FENCED))
    assert held["spec"]["paused"] is True
    grown = applied(held, patches.size(FENCED, 5))
    assert grown["spec"]["paused"] is False
    assert grown["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 5, "maxUnavailable": 0}
    assert grown["spec"]["minReadySeconds"] == 604800


def test_promoting_gives_the_strategy_back_and_keeps_the_new_image() -> None:
    document = taken(minReadySeconds=5)
    made = applied(applied(begun(document), patches.freeze(FENCED)), patches.complete(FENCED, own_settings(document)))
    assert images(made["spec"])["app"] == "app@sha256:3"
    assert made["spec"]["strategy"] == document["spec"]["strategy"]
    assert (made["spec"]["minReadySeconds"], made["spec"]["paused"]) == (5, False)


@pytest.mark.parametrize(
    ("speed", "limits"),
    [
        (Speed.WHOLE, {"maxSurge": "25%", "maxUnavailable": 0}),
        (Speed.STABLE_FIRST, {"maxSurge": "100%", "maxUnavailable": 0}),
        (Speed.CANARY_FIRST, {"maxSurge": "100%", "maxUnavailable": 3}),
    ],
)
def test_rolling_back_is_one_patch_that_restores_the_template_at_the_speed_asked_for(
    speed: Speed, limits: dict[str, Any]
) -> None:
    document = taken()
    held = applied(begun(document), patches.freeze(FENCED))
    ops = patches.restore(held, FENCED, own_settings(document), speed=speed, bad_pods=3)
    made = applied(held, ops)
    assert made["spec"]["template"] == document["spec"]["template"]
    assert made["spec"]["strategy"]["rollingUpdate"] == limits
    assert not made["spec"]["paused"]
    assert "minReadySeconds" not in made["spec"]


@settings(max_examples=30)
@given(
    min_ready=st.none() | st.integers(1, 900),
    surge=st.integers(1, 9) | st.sampled_from(["25%", "100%"]),
    deadline=st.none() | st.integers(1000, 2000),
    speed=st.sampled_from(Speed),
)
def test_a_rollout_rolled_back_and_settled_leaves_everything_as_it_was(
    min_ready: int | None, surge: int | str, deadline: int | None, speed: Speed
) -> None:
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": 1}}
    spec = {"strategy": strategy, "minReadySeconds": min_ready, "progressDeadlineSeconds": deadline}
    document = taken()
    document["spec"] = {
        key: value for key, value in {**document["spec"], **spec, "paused": False}.items() if value is not None
    }
    own, made = own_settings(document), begun(document)
    for ops in (
        patches.freeze(FENCED),
        patches.size(FENCED, 4),
        patches.freeze(FENCED),
        patches.restore(made, FENCED, own, speed=speed, bad_pods=1),
    ):
        made = applied(made, ops)
    made = applied(made, patches.settle(made, FENCED, own))
    before = copy.deepcopy(document)
    del before["metadata"]["annotations"][FENCE]
    assert made == before


@pytest.mark.parametrize("labels", [None, {"team": "shop"}])
def test_the_patch_for_a_person_undoes_a_held_canary_whole(labels: dict[str, str] | None) -> None:
    document = taken(minReadySeconds=5)
    if labels:
        document["metadata"]["labels"] = labels
    held = applied(begun(document), patches.freeze(FENCED))
    made = applied(held, json.loads(annotations(held)[ROLLBACK]))
    before = copy.deepcopy(document)
    del before["metadata"]["annotations"][FENCE]
    assert made == {**before, "spec": {**before["spec"], "paused": False}}


@pytest.mark.parametrize("name", list(every_write(taken(), FENCED)))
def test_every_write_is_refused_where_the_fence_is_anothers(name: str) -> None:
    document = taken()
    with pytest.raises(TestFailed, match="fence"):
        applied(document, every_write(document, FENCED - 1)[name])


@pytest.mark.parametrize("name", [name for name in every_write(taken(), FENCED) if name != "settle"])
def test_every_write_may_be_repeated(name: str) -> None:
    document = taken()
    ops = every_write(document, FENCED)[name]
    once = applied(document, ops)
    assert applied(once, ops) == once


def test_a_container_that_moved_is_not_mistaken_for_another() -> None:
    moved = taken()
    ops = every_write(moved, FENCED)["propose"]
    moved["spec"]["template"]["spec"]["containers"].reverse()
    with pytest.raises(TestFailed, match="name"):
        applied(moved, ops)


def test_taking_makes_the_annotations_where_there_are_none_and_only_on_what_was_read() -> None:
    bare = deployment()
    del bare["metadata"]["annotations"]
    assert json.loads(json.dumps(patches.take(bare, 9))) == {
        "metadata": {"resourceVersion": "70", "annotations": {FENCE: "9"}}
    }

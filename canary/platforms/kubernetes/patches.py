"""Patches: the writes of a rollout, each one JSON Patch (RFC 6902) that happens whole or not at all. Pure.

Every patch begins with a `test` that the fence on the Deployment is ours, and puts values with `add`, which replaces
what is there: sent twice, it changes nothing the second time.
"""

import json
from collections.abc import Mapping
from typing import Any, assert_never

from davy.canary.platforms.held_update import HELD_MIN_READY_SECONDS, PREFIX, ROLLBACK
from davy.canary.platforms.kubernetes.annotations import (
    FENCE,
    HELD_PROGRESS_DEADLINE_SECONDS,
    PROMOTE,
    RELEASE,
    RESTORE,
    ROLLOUT,
    STABLE_HASH,
    restore_text,
)
from davy.canary.platforms.kubernetes.documents import annotations, containers
from davy.canary.ports.platform import Proposal, Speed
from davy.pipeline.core.events import Restore
from davy.pipeline.core.json import tree

Doc = Mapping[str, Any]
Ops = list[dict[str, Any]]

MARKS = (RELEASE, RESTORE, STABLE_HASH, ROLLBACK, PROMOTE, FENCE)
"""The fence goes last: every patch begins with a look at it."""

LABEL = "/metadata/labels/" + ROLLOUT.replace("/", "~1")


def take(deployment: Doc, fence: int) -> dict[str, Any]:
    """A merge patch that happens only to the Deployment as it was read."""
    return {
        "metadata": {
            "resourceVersion": deployment["metadata"]["resourceVersion"],
            "annotations": {FENCE: str(fence)},
        }
    }


def propose(deployment: Doc, fence: int, proposal: Proposal, pods: int) -> Ops:
    """The new template and the hold, with what to restore. Unknown containers raise KeyError."""
    restore = proposal.restore
    return [
        _fenced(fence),
        *_images(deployment, proposal.images),
        _put("/spec/strategy", rolling(pods, 0)),
        _put("/spec/minReadySeconds", HELD_MIN_READY_SECONDS),
        _put("/spec/progressDeadlineSeconds", HELD_PROGRESS_DEADLINE_SECONDS),
        _put("/spec/paused", False),
        *([] if deployment["metadata"].get("labels") else [_put("/metadata/labels", {})]),
        _put(LABEL, str(fence)),
        _put(_annotation(RELEASE), proposal.release),
        _put(_annotation(RESTORE), restore_text(restore)),
        _put(_annotation(STABLE_HASH), proposal.stable_hash),
        _put(_annotation(ROLLBACK), _line([*_images(deployment, restore.images), *by_hand(restore)])),
        _put(_annotation(PROMOTE), _line(by_hand(restore))),
    ]


def size(fence: int, pods: int) -> Ops:
    """Room for `pods` canary pods, all else still held."""
    return [
        _fenced(fence),
        _put("/spec/strategy", rolling(pods, 0)),
        _put("/spec/minReadySeconds", HELD_MIN_READY_SECONDS),
        _put("/spec/progressDeadlineSeconds", HELD_PROGRESS_DEADLINE_SECONDS),
        _put("/spec/paused", False),
    ]


def freeze(fence: int) -> Ops:
    """Kubernetes leaves the update where it is; it still scales both sides in proportion."""
    return [_fenced(fence), _put("/spec/paused", True)]


def complete(fence: int, before: Restore) -> Ops:
    """The user's own strategy: Kubernetes finishes the update."""
    return [_fenced(fence), *_own(before), _put("/spec/paused", False)]


def restore(deployment: Doc, fence: int, before: Restore, *, speed: Speed, bad_pods: int) -> Ops:
    """The stable template back, in one write, with the strategy that the speed asks for."""
    ops = [_fenced(fence), *_images(deployment, before.images), *_own(before), _put("/spec/paused", False)]
    match speed:
        case Speed.WHOLE:
            return ops
        case Speed.STABLE_FIRST:
            return [*ops, _put("/spec/strategy", rolling("100%", 0))]
        case Speed.CANARY_FIRST:
            return [*ops, _put("/spec/strategy", rolling("100%", bad_pods))]
    assert_never(speed)


def by_hand(restore: Restore) -> Ops:
    """What a person sends to let Kubernetes finish: as `complete` and `settle`, but nobody's fence is asked."""
    return [*_own(restore), _put("/spec/paused", False), *_away(LABEL), *_unmarked()]


def settle(deployment: Doc, fence: int, restore: Restore) -> Ops:
    """The user's settings back and every mark of the rollout away."""
    label = _away(LABEL) if deployment["metadata"].get("labels") else []
    # What a newer davy left beside the marks known here is davy's, too.
    others = [name for name in annotations(deployment) if name.startswith(PREFIX) and name not in MARKS]
    away = [op for name in others for op in _away(_annotation(name))]
    return [_fenced(fence), *_own(restore), _put("/spec/paused", False), *label, *away, *_unmarked()]


def untake(fence: int) -> Ops:
    """The fence alone away, where it is ours."""
    return [_fenced(fence), {"op": "remove", "path": _annotation(FENCE)}]


def rolling(surge: int | str, unavailable: int) -> dict[str, Any]:
    """A rolling update by these limits."""
    return {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}}


def _unmarked() -> Ops:
    return [op for name in MARKS for op in _away(_annotation(name))]


def _own(restore: Restore) -> Ops:
    """What was not set is put back as null, which the API server reads as not set."""
    return [
        _put("/spec/strategy", json.loads(restore.strategy)),
        _put("/spec/minReadySeconds", restore.min_ready_seconds),
        _put("/spec/progressDeadlineSeconds", restore.progress_deadline_seconds),
    ]


def _images(deployment: Doc, images: Mapping[str, str]) -> Ops:
    """Containers are found by name; the patch is refused where they moved since the Deployment was read."""
    places = {one["name"]: number for number, one in enumerate(containers(deployment["spec"]))}
    ops: Ops = []
    for name, image in images.items():
        path = f"/spec/template/spec/containers/{places[name]}"
        ops += [{"op": "test", "path": f"{path}/name", "value": name}, _put(f"{path}/image", image)]
    return ops


def _annotation(name: str) -> str:
    return "/metadata/annotations/" + name.replace("~", "~0").replace("/", "~1")


def _fenced(fence: int) -> dict[str, Any]:
    return {"op": "test", "path": _annotation(FENCE), "value": str(fence)}


def _put(path: str, value: Any) -> dict[str, Any]:
    return {"op": "add", "path": path, "value": value}


def _line(ops: Ops) -> str:
    return tree.compact(ops)


def _away(path: str) -> Ops:
    """`remove` fails where nothing is; after an `add` something always is."""
    return [_put(path, ""), {"op": "remove", "path": path}]

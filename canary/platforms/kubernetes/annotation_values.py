"""Annotation values: what marks on a Deployment say, and what is taken where a person or a newer davy changed them.

Enough of it stands there twice (as what to restore, and as a patch for a person), and the ReplicaSets know the rest, so
a rollout can be taken back whichever mark was lost.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from davy.canary.platforms.held_update import ROLLBACK
from davy.canary.platforms.kubernetes.annotations import MOST_MARK, RELEASE, RESTORE, STABLE_HASH, restore_from
from davy.pipeline.core.events import Restore
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.json import tree

DEFAULT = '{"rollingUpdate":{"maxSurge":"25%","maxUnavailable":"25%"},"type":"RollingUpdate"}'
"""Kubernetes' own. https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#strategy"""

UNREADABLE = (ValueError, TypeError, KeyError, AttributeError, IndexError, OverflowError, RecursionError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A ReplicaSet of the Deployment."""

    hash: str
    images: Mapping[str, str]
    revision: int = 0
    is_current: bool = False
    """True where it has the Deployment's own template."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inscription:
    """What the marks mean."""

    held: Restore | None = None
    release: str = ""
    stable_hash: str = ""
    notes: tuple[str, ...] = ()
    """What could not be read, and what was taken instead."""


def read(notes: Mapping[str, str], versions: Sequence[Version], containers: tuple[str, ...]) -> Inscription:
    """`notes`: the annotations of a Deployment that has the label of a rollout. `containers`: the Deployment's."""
    stable = _stable(notes, versions)
    held, said = _restore(notes, stable, containers)
    hashed = notes.get(STABLE_HASH, "")
    known = not versions or any(one.hash == hashed for one in versions)
    if not known and stable is not None:
        said = (
            *said,
            f"the mark {STABLE_HASH} names no ReplicaSet of the Deployment; {stable.hash} is taken for stable",
        )
        hashed = stable.hash
    return Inscription(held=held, release=notes.get(RELEASE, ""), stable_hash=hashed, notes=said)


def _stable(notes: Mapping[str, str], versions: Sequence[Version]) -> Version | None:
    """The ReplicaSet from before: the one that is named, else the newest that is not the Deployment's own."""
    named = [one for one in versions if one.hash and one.hash == notes.get(STABLE_HASH)]
    others = sorted((one for one in versions if not one.is_current), key=lambda one: one.revision)
    return named[0] if named else (others[-1] if others else None)


def _restore(
    notes: Mapping[str, str], stable: Version | None, containers: tuple[str, ...]
) -> tuple[Restore | None, tuple[str, ...]]:
    if (held := _checked(_from_restore, notes.get(RESTORE, ""), containers)) is not None:
        return held, ()
    what = f"the mark {RESTORE} cannot be read"
    if (held := _checked(_from_patch, notes.get(ROLLBACK, ""), containers)) is not None:
        return held, (f"{what}; what to put back is read from {ROLLBACK}",)
    if stable is not None and set(stable.images) <= set(containers):
        said = f"{what}; the images of ReplicaSet {stable.hash} and Kubernetes' own strategy are put back"
        return Restore(images=dict(stable.images), strategy=DEFAULT, min_ready_seconds=None), (said,)
    return None, (f"{what}, and nothing else says what to put back",)


@lru_cache(maxsize=32)
def _checked(parse: Any, text: str, containers: tuple[str, ...]) -> Restore | None:
    """The same marks are read at every look."""
    try:
        held: Restore = parse(text)
        whole = (
            held.images
            and set(held.images) <= set(containers)
            and isinstance(tree.exact(held.strategy, MOST_MARK), dict)
        )
        numbers = (held.min_ready_seconds, held.progress_deadline_seconds)
        fit = all(number is None or 0 <= number < 2**31 for number in numbers)
    except UNREADABLE:
        return None
    return held if whole and fit else None


def _from_restore(text: str) -> Restore:
    return restore_from(text)


def _from_patch(text: str) -> Restore:
    """Of the JSON patch for a person: each container's name is tested before its image is put."""
    operations = tree.exact(text, MOST_MARK)
    values = {str(one["path"]): one.get("value") for one in operations if one["op"] == "add"}
    names = {str(one["path"]).removesuffix("/name"): str(one["value"]) for one in operations if one["op"] == "test"}
    return Restore(
        images={name: str(values[f"{path}/image"]) for path, name in names.items() if f"{path}/image" in values},
        strategy=tree.canonical(values["/spec/strategy"]),
        min_ready_seconds=values.get("/spec/minReadySeconds"),
        progress_deadline_seconds=values.get("/spec/progressDeadlineSeconds"),
    )

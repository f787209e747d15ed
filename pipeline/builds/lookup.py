"""Lookup: which images the registry has under their keys, and which build of an image was the last."""

from collections.abc import Iterable, Mapping

from davy.pipeline.builds.content import changes as changed
from davy.pipeline.builds.content.base_images import HANDS
from davy.pipeline.builds.content.key import tag as key_tag
from davy.pipeline.builds.content.keyed_images import Keyed
from davy.pipeline.builds.record import KEY, KIND, Build, Records, Remembered, pointer, record_of
from davy.pipeline.core.artifacts import Image
from davy.pipeline.core.errors import DavyError, Unreachable
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.text import moments
from davy.pipeline.registry.ports import ImageStore, Stored

REMEDY = (
    "What is there cannot be told from what is missing, so nothing was built. Try again once the registry answers; "
    "`davy build --force` builds without asking, and needs it for the push alone."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Find:
    """What the registry has under an image's key."""

    stored: Stored | None
    wrong: str = ""
    """Where something else stands there: what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LastBuild:
    """The last build that is known of an image."""

    record: Remembered
    where: str
    """`here` or `in the registry`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Where earlier builds are known."""

    records: Records
    """On this machine."""
    store: ImageStore | None = None
    """None: no registry is asked."""
    branch: str = ""


def found(images: Iterable[Keyed], store: ImageStore) -> dict[str, Find]:
    """By id, what is there; all are asked at once. Raises Forbidden, and Unreachable with what to do."""
    wanted = tuple(images)
    if not wanted:
        return {}
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - a plan asks nobody

    try:
        with ThreadPoolExecutor(min(HANDS, len(wanted))) as hands:
            answers = tuple(hands.map(lambda one: _one(one, store), wanted))
    except Unreachable as error:
        raise Unreachable(error.what, remedy=REMEDY) from error
    return {one.id: answer for one, answer in zip(wanted, answers, strict=True)}


def _one(keyed: Keyed, store: ImageStore) -> Find:
    """A tag can be moved by anybody, so the image itself must say the whole key: as annotation, or by its record."""
    tag = key_tag(keyed.key)
    stored = store.stored(keyed.recipe.name, tag)
    if stored is None or stored.annotations.get(KEY) == keyed.key:
        return Find(stored=stored)
    if KEY not in stored.annotations and _recorded(stored.image, keyed.key, store):
        return Find(stored=stored)
    says = stored.annotations.get(KEY, "")
    what = f"says the key {says[:12]}…" if says else "says no key"
    return Find(stored=None, wrong=f"{keyed.recipe.name}:{tag} was moved: the image there {what}; it is built again")


def _recorded(image: Image, key: str, store: ImageStore) -> bool:
    records = (record_of(evidence.body.decode("utf-8", "replace")) for evidence in store.attached(image, KIND))
    return any(record is not None and record.build.key == key for record in records)


def last(keyed: Keyed, memory: Memory) -> LastBuild | None:
    """The newest build that is known: on this machine, else by the branch's pointer in the registry.

    What the registry does not tell is not known: an explanation never stops a build.
    """
    build = memory.records.last(keyed.id)
    inputs = memory.records.inputs(keyed.id) if build else None
    if build and inputs:
        return LastBuild(record=Remembered(build=build, inputs=inputs), where="here")
    if memory.store is None:
        return None
    try:
        return _pointed(keyed, memory.store, memory.branch)
    except DavyError:
        return None


def _pointed(keyed: Keyed, store: ImageStore, branch: str) -> LastBuild | None:
    name = keyed.recipe.name
    for tag in dict.fromkeys((pointer(keyed.recipe, branch), pointer(keyed.recipe, ""))):
        digest = store.digest(name, tag)
        if digest is None:
            continue
        for evidence in reversed(store.attached(Image(name=name, digest=digest), KIND)):
            record = record_of(evidence.body.decode("utf-8", "replace"))
            if record is not None and record.build.digest == digest:
                return LastBuild(record=record, where="in the registry")
    return None


def why(keyed: Keyed, past: LastBuild | None, called: Mapping[str, str]) -> str:
    """What changed since that build, in one line."""
    if past is None:
        return "no build of it is known"
    return changed.told(changes(keyed, past, called)) or "the registry has it no more"


def changes(keyed: Keyed, past: LastBuild, called: Mapping[str, str]) -> tuple[str, ...]:
    """What changed since that build, a sentence each."""
    recipe, record = keyed.recipe, past.record
    return changed.changes(
        record.inputs, keyed.inputs, called, recipe.context, dockerfile=recipe.dockerfile, key=record.build.key
    )


def summary(build: Build) -> Mapping[str, str]:
    """A build as people ask for it: commit, when, by whom, with what."""
    return {
        "commit": build.commit,
        "branch": build.branch,
        "at": moments.rfc3339(build.at),
        "by": build.runner,
        "builder": build.builder,
        "digest": build.digest,
    }

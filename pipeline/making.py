"""Making: what is done for one image, in a thread of its own: built or reused, tagged, remembered."""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from davy.pipeline import lookup, orders
from davy.pipeline.builds.dockerfile import pinned
from davy.pipeline.builds.graph import completed
from davy.pipeline.builds.key import tag as key_tag
from davy.pipeline.builds.remembered import KIND, Build, Records, Remembered, pointer, record_text
from davy.pipeline.builds.workshop import Keyed, Workshop
from davy.pipeline.config import DeliveryConfig
from davy.pipeline.errors import Conflict, DavyError, Problem, Rejected, Unreachable, Unusable
from davy.pipeline.model import Image, Revision
from davy.pipeline.oci import PREFIX
from davy.pipeline.ports import Builder, BuildOrder, Built, Clock, Evidence, ImageStore, Say, Stored

Chosen = tuple[str, Builder]
"""A builder and what it is called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What the driver works with."""

    config: DeliveryConfig
    folder: Path
    """The configuration's."""
    revision: Revision
    store: ImageStore
    records: Records
    choose: Callable[[BuildOrder], Chosen]
    """Raises Unusable, Missing where none can do it."""
    clock: Clock
    shown: Callable[[str], str]
    """Makes a line that others printed harmless."""
    runner: str = ""
    version: str = ""
    """davy's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where an image comes from: the registry has it, or this builder makes it."""

    stored: Stored | None = None
    builder: Chosen | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One build."""

    keyed: Keyed
    parents: Mapping[str, Image]
    """By id, the images that it is built from."""
    source: Source
    log: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What became of one image."""

    built: Built
    warnings: tuple[str, ...] = field(default=())


def chosen(images: Iterable[Keyed], tools: Tools) -> dict[str, Chosen]:
    """By id, who builds it; before anything is built. Raises Unusable with what every image lacks."""
    found: dict[str, Chosen] = {}
    problems: list[Problem] = []
    remedies: list[str] = []
    for keyed in images:
        try:
            found[keyed.id] = tools.choose(order(keyed, {}, tools))
        except DavyError as error:
            own = error.problems if isinstance(error, Unusable) and error.problems else (Problem(what=error.what),)
            problems += [one for one in own if one not in problems]
            remedies += [error.remedy] if error.remedy else []
    if problems:
        raise Unusable("Nobody here can build this.", problems=tuple(problems), remedy=next(iter(remedies), ""))
    return found


def order(keyed: Keyed, parents: Mapping[str, Image], tools: Tools) -> BuildOrder:
    """What the builder is told: every base and every parent by its digest."""
    made = orders.order(keyed.recipe, tools.config, tools.revision, tools.folder, key=keyed.key, tag=key_tag(keyed.key))
    return replace(made, dockerfile_text=pinned(keyed.dockerfile, _pins(keyed, parents)), files=keyed.files)


def _pins(keyed: Keyed, parents: Mapping[str, Image]) -> dict[str, str]:
    own = {link: parents[parent].reference for link, parent in keyed.links.items() if parent in parents}
    bases = {
        reference: f"{reference}@{digest}"
        for reference, digest in keyed.inputs.bases.items()
        if digest and not completed(reference)[2]
    }
    return bases | own


def because(keyed: Keyed, shop: Workshop, tools: Tools, *, forced: bool) -> str:
    """Why it is built, in one line."""
    if forced:
        return "it was asked for by --force"
    memory = lookup.Memory(records=tools.records, store=tools.store, branch=tools.revision.branch)
    past = lookup.last(keyed, memory)
    return lookup.why(keyed, past, {one.id: one.label for one in shop.images})


def built(job: Job, tools: Tools, say: Say) -> Made:
    """Build it, and leave it in the registry as whoever comes next looks for it. Raises as Builder.build does."""
    assert job.source.builder is not None  # noqa: S101 - what is not stored was given a builder
    name, builder = job.source.builder
    job.log.parent.mkdir(parents=True, exist_ok=True)
    with job.log.open("w", encoding="utf-8") as log:
        made = builder.build(order(job.keyed, job.parents, tools), _both(log.write, tools.shown, say))
    record = Remembered(build=_build(job.keyed, made.image, tools, name), inputs=job.keyed.inputs)
    warnings = _remembered(record, made.image, tools)
    keyed, revision = job.keyed, tools.revision
    own = orders.tag(revision) + keyed.recipe.suffix
    tags = (own, *orders.wished(keyed.recipe, revision), *_pointers(keyed, tools))
    warnings += _tagged(made.image, tags, tools)
    tools.records.keep(record)
    return Made(built=made, warnings=warnings)


def reused(keyed: Keyed, stored: Stored, tools: Tools) -> Made:
    """Take what is there: its moving tags are put to it, where they are elsewhere. Raises as ImageStore.tag does."""
    known = tools.records.last(keyed.id)
    tags = orders.wished(keyed.recipe, tools.revision)
    # The pointer only explains: where this machine moved it to this very build already, it is not asked about again.
    if known is None or (known.key, known.digest, known.branch) != (
        keyed.key, stored.image.digest, tools.revision.branch
    ):  # fmt: skip
        tags = (*tags, *_pointers(keyed, tools))
        build = _build(keyed, stored.image, tools, commit=stored.annotations.get(f"{PREFIX}revision", ""))
        record = Remembered(build=build, inputs=keyed.inputs)
        tools.records.keep(record)
    warnings = _tagged(stored.image, tags, tools)
    return Made(built=Built(image=stored.image, cached=True), warnings=warnings)


def log_of(keyed: Keyed, out: Path) -> Path:
    """Where the log of its build is kept."""
    return out / "build" / f"{keyed.label.replace('/', '_')}.log"


def together(errors: Sequence[DavyError], lost: Sequence[str]) -> DavyError:
    """Several failures as one: with the words of all, and the kind of the one that a person has to mend first."""
    kinds = (Rejected, Unusable, Unreachable)
    kind = next((kind for kind in kinds if any(isinstance(one, kind) for one in errors)), Rejected)
    lines = [error.what for error in errors]
    lines += [f"Not built, for what they are built from was not: {', '.join(lost)}."] if lost else []
    remedy = next((error.remedy for error in errors if isinstance(error, kind) and error.remedy), "")
    if kind is Unusable:
        problems = tuple(problem for error in errors if isinstance(error, Unusable) for problem in error.problems)
        return Unusable("\n".join(lines), problems=problems, remedy=remedy)
    return kind("\n".join(lines), remedy=remedy)


def _tagged(image: Image, tags: Iterable[str], tools: Tools) -> tuple[str, ...]:
    """Move them; one that another runner moves at the same moment is his, and worth a word: both built what they say.

    Raises Missing, Forbidden, Unreachable.
    """
    wrong: list[str] = []
    for tag in dict.fromkeys(tags):
        try:
            tools.store.tag(image, (tag,))
        except Conflict as error:
            wrong.append(error.what)
    return tuple(wrong)


def _both(write: Callable[[str], object], shown: Callable[[str], str], say: Say) -> Say:
    guard = threading.Lock()

    def both(line: str) -> None:
        clean = shown(line)
        with guard:
            write(f"{clean}\n")
        say(clean)

    return both


def _pointers(keyed: Keyed, tools: Tools) -> tuple[str, ...]:
    return tuple(dict.fromkeys((pointer(keyed.recipe, tools.revision.branch), pointer(keyed.recipe, ""))))


def _build(keyed: Keyed, image: Image, tools: Tools, builder: str = "", commit: str | None = None) -> Build:
    """`commit`: where it was built from another one than this."""
    revision = tools.revision
    return Build(
        id=keyed.id,
        key=keyed.key,
        digest=image.digest,
        at=tools.clock.now(),
        commit=revision.sha if commit is None else commit,
        branch=revision.branch,
        dirty=revision.dirty,
        builder=builder,
        runner=tools.runner,
        davy=tools.version,
    )


def _remembered(record: Remembered, image: Image, tools: Tools) -> tuple[str, ...]:
    """Attach the record; what went wrong is worth a word and no failure: the key alone decides what is built."""
    created = record.build.at.strftime("%Y-%m-%dT%H:%M:%SZ")
    evidence = Evidence(kind=KIND, body=record_text(record).encode(), annotations={f"{PREFIX}created": created})
    try:
        tools.store.attach(image, evidence)
    except DavyError as error:
        return (f"the record of {image.short} could not be put beside it, so others cannot explain it: {error.what}",)
    return ()

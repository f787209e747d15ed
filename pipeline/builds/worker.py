"""Worker: what is done for one image, in a thread of its own: built or reused, tagged, remembered."""

import threading
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import field, replace
from pathlib import Path

from davy.pipeline.builds import lookup
from davy.pipeline.builds import order as orders
from davy.pipeline.builds.content import base_images as bases
from davy.pipeline.builds.content.graph import completed
from davy.pipeline.builds.content.inputs import FileEntry
from davy.pipeline.builds.content.key import tag as key_tag
from davy.pipeline.builds.content.keyed_images import Keyed, Workshop
from davy.pipeline.builds.dockerfile.parser import pinned
from davy.pipeline.builds.dockerfile.portion import is_proxy
from davy.pipeline.builds.ports import Builder, BuildOrder, Built
from davy.pipeline.builds.record import KIND, Build, Records, Remembered, pointer, record_text
from davy.pipeline.config.document import DeliveryConfig
from davy.pipeline.core.artifacts import Image, Revision
from davy.pipeline.core.errors import Conflict, DavyError, Problem, Unusable
from davy.pipeline.core.events import Event
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.images import oci
from davy.pipeline.core.images.names import own_digest
from davy.pipeline.core.images.oci import PREFIX
from davy.pipeline.core.ports import Clock, Say
from davy.pipeline.core.text import moments
from davy.pipeline.files import own_files
from davy.pipeline.registry.ports import Attachment, ImageStore, Stored

Chosen = tuple[str, Builder]
"""A builder and what it is called."""
Approve = Callable[[Sequence[Image]], Generator[Event, None, None]]
"""What follows on the builds of a run before any tag moves: it raises where an image is refused."""


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
    anew: bool = False
    """No step from a builder's cache."""
    runner: str = ""
    version: str = ""  # davy's own


@dataclass(frozen=True, slots=True, kw_only=True)
class Maker:
    """Who builds an image."""

    name: str
    builder: Builder
    bare: bool = False
    """True where it makes no provenance, though that is wished for: davy attaches its own."""


Source = Stored | Maker
"""Where an image comes from: the registry has it, or somebody builds it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildJob:
    """One build."""

    keyed: Keyed
    parents: Mapping[str, Image]
    """By id, the images that it is built from."""
    maker: Maker
    log: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What became of one image."""

    built: Built
    own: str
    """The tag of the commit that it was built from."""
    commit: str = ""
    """That commit, where it is known."""
    warnings: tuple[str, ...] = field(default=())


def chosen(images: Iterable[Keyed], tools: Tools) -> dict[str, Maker]:
    """By id, who builds it; before anything is built. Raises Unusable with what every image lacks."""
    found: dict[str, Maker] = {}
    problems: list[Problem] = []
    remedies: list[str] = []
    for keyed in images:
        try:
            found[keyed.id] = _maker(order(keyed, {}, tools), tools)
        except DavyError as error:
            own = error.problems if isinstance(error, Unusable) and error.problems else (Problem(what=error.what),)
            problems += [one for one in own if one not in problems]
            remedies += [error.remedy] if error.remedy else []
    if problems:
        raise Unusable("Nobody here can build this.", problems=tuple(problems), remedy=next(iter(remedies), ""))
    return found


def _maker(order: BuildOrder, tools: Tools) -> Maker:
    """Provenance is no reason to refuse where davy can attach its own. Raises as `Tools.choose` does."""
    try:
        name, builder = tools.choose(order)
    except Unusable:
        if not tools.config.build.attests:
            raise
        name, builder = tools.choose(replace(order, provenance="off"))
        return Maker(name=name, builder=builder, bare=True)
    return Maker(name=name, builder=builder)


def order(keyed: Keyed, parents: Mapping[str, Image], tools: Tools) -> BuildOrder:
    """What the builder is told: every base and every parent by its digest."""
    made = orders.order(keyed.recipe, tools.config, tools.revision, tools.folder, key=keyed.key, tag=key_tag(keyed.key))
    inputs = keyed.inputs
    return replace(
        made,
        # What the key does not count is not handed in; only of a proxy it must not make another image.
        args={name: value for name, value in made.args.items() if name in inputs.args or is_proxy(name)},
        contexts={name: path for name, path in made.contexts.items() if name in keyed.context_files},
        annotations=_based(made.annotations, keyed, parents),
        no_cache=tools.anew,
        dockerfile_text=pinned(keyed.dockerfile, _pins(keyed, parents)),
        files=_counted(keyed.files),
        context_files={name: _counted(files) for name, files in keyed.context_files.items()},
    )


def _counted(files: Mapping[str, FileEntry]) -> dict[str, tuple[str, str]]:
    return {path: (entry.mode, entry.blob) for path, entry in files.items()}


def _based(annotations: Mapping[str, str], keyed: Keyed, parents: Mapping[str, Image]) -> Mapping[str, str]:
    """With the image that it is made on, where that and its digest are known."""
    reference = keyed.dockerfile.base
    parent = parents.get(keyed.links.get(reference, ""))
    name, tag, own = completed(reference)
    digest = parent.digest if parent else own or keyed.inputs.bases.get(reference, "")
    if not reference or not digest:
        return annotations
    return oci.based(annotations, f"{name}:{tag}" if tag else name, digest)


def _pins(keyed: Keyed, parents: Mapping[str, Image]) -> dict[str, str]:
    put = {reference: reference for reference in keyed.recipe.stand_ins.values()}
    own = {link: parents[parent].reference for link, parent in keyed.links.items() if parent in parents}
    bases = {
        reference: f"{reference}@{digest}"
        for reference, digest in keyed.inputs.bases.items()
        if digest and not own_digest(reference)
    }
    return put | bases | own


def because(keyed: Keyed, shop: Workshop, tools: Tools, *, forced: bool) -> str:
    """Why it is built, in one line."""
    if forced:
        return "it was asked for on the command line"
    memory = lookup.Memory(records=tools.records, store=tools.store, branch=tools.revision.branch)
    past = lookup.last(keyed, memory)
    return lookup.why(keyed, past, shop.labels)


def built(job: BuildJob, tools: Tools, say: Say) -> Made:
    """Build it, and leave it in the registry under its key alone, with its record. Raises as Builder.build does."""
    maker, keyed = job.maker, job.keyed
    wanted = order(keyed, job.parents, tools)
    if maker.bare:
        wanted = replace(wanted, provenance="off")
    words = bases.overlooked(keyed, tools.store)
    with own_files.create_text(job.log) as log:
        made = maker.builder.build(wanted, _both(log.write, tools.shown, say))
    build = _build(keyed, made.image, tools, maker.name)
    warnings = (*words, *_remembered(Remembered(build=build, inputs=keyed.inputs), made.image, tools))
    tools.records.keep(Remembered(build=replace(build, pending=True), inputs=keyed.inputs))
    return Made(built=made, own=_own(keyed, tools), commit=tools.revision.sha, warnings=warnings)


def reused(stored: Stored) -> Made:
    """Take what is there."""
    said = stored.annotations
    return Made(
        built=Built(image=stored.image, cached=True),
        own=said.get(f"{PREFIX}ref.name", ""),
        commit=said.get(f"{PREFIX}revision", ""),
    )


def settled(keyed: Keyed, made: Made, tools: Tools) -> tuple[str, ...]:
    """Move its tags to it, once it is approved; what went wrong without being a failure. Raises as ImageStore.tag."""
    known, image = _same(keyed, made, tools), made.built.image
    tags = orders.wished(keyed.recipe, tools.revision)
    # The others only explain: where this machine moved them to this very build already, they are not asked about again.
    if known is not None and not known.pending:
        return _tagged(image, tags, tools)
    # An earlier run may have built it from this very commit, and not have come to its tags.
    own = (made.own,) if made.own == _own(keyed, tools) else ()
    warnings = _tagged(image, (*own, *tags, *_pointers(keyed, tools)), tools)
    build = known or _build(keyed, image, tools, commit=made.commit)
    tools.records.keep(Remembered(build=replace(build, pending=False), inputs=keyed.inputs))
    return warnings


def is_settled(keyed: Keyed, made: Made, tools: Tools) -> bool:
    """True where this machine put all its tags to this very build already, and none is wished for by name."""
    known = _same(keyed, made, tools)
    return known is not None and not known.pending and not orders.wished(keyed.recipe, tools.revision)


def _same(keyed: Keyed, made: Made, tools: Tools) -> Build | None:
    """This machine's record, where it is of this very build."""
    known = tools.records.last(keyed.id)
    now = (keyed.key, made.built.image.digest, tools.revision.branch)
    return known if known is not None and (known.key, known.digest, known.branch) == now else None


def _own(keyed: Keyed, tools: Tools) -> str:
    return orders.tag(tools.revision) + keyed.recipe.suffix


def log_of(keyed: Keyed, out: Path) -> Path:
    """Where the log of its build is kept."""
    return out / "build" / f"{keyed.label.replace('/', '_')}.log"


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
    created = moments.rfc3339(record.build.at)
    evidence = Attachment(kind=KIND, body=record_text(record).encode(), annotations={f"{PREFIX}created": created})
    try:
        tools.store.attach(image, evidence)
    except DavyError as error:
        return (f"the record of {image.short} could not be put beside it, so others cannot explain it: {error.what}",)
    return ()

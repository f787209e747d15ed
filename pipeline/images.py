"""Images: builds them in their order, and tells about it."""

from collections.abc import Callable, Generator, Sequence
from pathlib import Path

from davy.pipeline.alongside import spoken
from davy.pipeline.config import Config, ImageConfig
from davy.pipeline.errors import DavyError, Rejected
from davy.pipeline.events import Event, ImageBuilt, LogLine, Result, Stage, StageFinished, StageStarted
from davy.pipeline.model import Revision
from davy.pipeline.oci import PREFIX
from davy.pipeline.ports import Builder, BuildOrder, Built, Clock
from davy.pipeline.redaction import harmless


def orders(config: Config, revision: Revision, folder: Path) -> tuple[BuildOrder, ...]:
    """What to build for the revision; contexts are relative to `folder`, the configuration's own."""
    return tuple(_order(image, config.service, revision, folder) for image in config.images)


def tag(revision: Revision) -> str:
    """The tag an image is pushed with: the commit's, marked where the tree differs from it."""
    return revision.sha[:12] + ("-dirty" if revision.dirty else "")


def annotations(image: ImageConfig, service: str, revision: Revision) -> dict[str, str]:
    """What the image says of where it comes from. By the commit's time, so that one commit gives one digest."""
    said = {
        "created": revision.committed_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "revision": revision.sha,
        "source": revision.source,
        "version": revision.version,
        "title": image.name.rsplit("/", 1)[-1],
        "ref.name": tag(revision),
    }
    own = {"dev.davy.service": service, "dev.davy.dirty": "true" if revision.dirty else ""}
    return {f"{PREFIX}{key}": value for key, value in said.items() if value} | {k: v for k, v in own.items() if v}


def build(
    wanted: Sequence[BuildOrder],
    builder: Builder,
    clock: Clock,
    shown: Callable[[str], str] = harmless,
) -> Generator[Event, None, tuple[Built, ...]]:
    """Build all, in order; what was built. An error of the builder's is raised after the stage was told as failed.

    Its words are shown, too: they repeat what the build printed.
    """
    began = clock.now()
    yield StageStarted(at=began, stage=Stage.BUILD)
    made: list[Built] = []
    try:
        for order in wanted:
            built = yield from _one(order, builder, clock, shown)
            made.append(built)
    except DavyError as error:
        lines = [shown(line) for line in error.what.splitlines()]
        now = clock.now()
        yield StageFinished(at=now, stage=Stage.BUILD, result=Result.FAILED, took=now - began, note=lines[0])
        if isinstance(error, Rejected):
            raise Rejected("\n".join(lines), remedy=error.remedy) from error
        raise
    now = clock.now()
    note = " · ".join(f"{built.image.short}{' reused' if built.cached else ''}" for built in made)
    yield StageFinished(at=now, stage=Stage.BUILD, result=Result.PASSED, took=now - began, note=note)
    return tuple(made)


def _one(
    order: BuildOrder, builder: Builder, clock: Clock, shown: Callable[[str], str]
) -> Generator[Event, None, Built]:
    began = clock.now()
    source = f"build {order.name.rsplit('/', 1)[-1]}"
    lines = spoken(lambda say: builder.build(order, say))
    while True:
        try:
            line = next(lines)
        except StopIteration as end:
            built: Built = end.value
            break
        yield LogLine(at=clock.now(), source=source, line=shown(line))
    now = clock.now()
    yield ImageBuilt(at=now, image=built.image, took=now - began, cached=built.cached)
    return built


def _order(image: ImageConfig, service: str, revision: Revision, folder: Path) -> BuildOrder:
    return BuildOrder(
        name=image.name,
        context=folder / image.context,
        dockerfile=image.dockerfile,
        args=image.args,
        target=image.target,
        annotations=annotations(image, service, revision),
        tag=tag(revision),
    )

"""Images: builds them in their order, and tells about it."""

from collections.abc import Callable, Generator, Sequence

from davy.pipeline.alongside import spoken
from davy.pipeline.errors import DavyError, Rejected
from davy.pipeline.events import Event, ImageBuilt, LogLine, Result, Stage, StageFinished, StageStarted
from davy.pipeline.ports import Builder, BuildOrder, Built, Clock
from davy.pipeline.redaction import harmless


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

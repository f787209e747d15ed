"""Stage order: a stage takes from earlier ones alone; what comes from a later one, or in a circle, is never there."""

from collections.abc import Callable, Collection, Iterator, Sequence

from davy.pipeline.builds.dockerfile.stages import DockerfileStage


def disorder(
    stages: Sequence[DockerfileStage], needed: Collection[int], stage_at: Callable[[str], int | None]
) -> Iterator[tuple[int, str]]:
    """Line, and what is wrong. Circles anywhere, as BuildKit has it; what is needed must not be made later.

    `stage_at`: which stage a name means; None where it means none.
    """
    for index, stage in enumerate(stages):
        yield from stage.wrong if index in needed else ()
        for source in stage.copied:
            name = source.names[0]
            at = stage_at(name)
            if at is None:
                continue
            if at == index:
                yield source.line, f"stage {name} takes from itself"
            elif _leads(stages, at, index, stage_at):
                yield source.line, f"stage {name} is itself made from this one: a circle"
            elif at > index and index in needed:
                yield source.line, f"stage {name} comes later: what is taken from stands before what takes it"


def _leads(stages: Sequence[DockerfileStage], start: int, goal: int, stage_at: Callable[[str], int | None]) -> bool:
    """Whether a way of COPY --from leads from the one to the other."""
    seen, open_ = set[int](), [start]
    while open_:
        at = open_.pop()
        if at == goal:
            return True
        if at not in seen:
            seen.add(at)
            open_ += [to for source in stages[at].copied for name in source.names if (to := stage_at(name)) is not None]
    return False

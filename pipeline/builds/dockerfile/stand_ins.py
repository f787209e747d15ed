"""Stand-ins: images that take the place of names in a Dockerfile, as a further context that is an image does.

The name is put into the text that is built by, so each builder takes the very image, also one that knows no contexts.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace

from davy.pipeline.builds.dockerfile.stages import Stages, StageSource
from davy.pipeline.core.images.names import familiar


def put(said: Stages, images: Mapping[str, str]) -> Stages:
    """The stages with the images in place of the names. `images`: by name, a reference that has a slash: no stage."""
    if not images:
        return said
    known = {familiar(name): reference for name, reference in images.items()}
    stages = tuple(
        replace(stage, base=_put(stage.base, known), copied=tuple(_put(one, known) for one in stage.copied))
        for stage in said.stages
    )
    wrong = [
        (source.line, f"{source.word.text} is another name on each platform, and a context stands in for one of them")
        for stage in said.stages
        for source in (stage.base, *stage.copied)
        if len(source.names) > 1 and any(familiar(name) in known for name in source.names)
    ]
    return replace(said, stages=stages, wrong=(*said.wrong, *wrong))


def used(said: Stages, needed: Collection[int], images: Mapping[str, str]) -> dict[str, str]:
    """Of the images those that these stages are made from."""
    names = {
        familiar(source.called)
        for index in needed
        for source in (said.stages[index].base, *said.stages[index].copied)
        if source.called
    }
    return {name: reference for name, reference in images.items() if familiar(name) in names}


def unseen(images: Mapping[str, str]) -> str:
    """Why a frontend of others gets none of them."""
    names = ", ".join(images)
    return (
        f"a context that is an image ({names}) is put into the text by its name, which cannot be done for the frontend"
    )


def _put(source: StageSource, known: Mapping[str, str]) -> StageSource:
    name = source.names[0] if len(source.names) == 1 else ""
    reference = known.get(familiar(name)) if name else None
    return replace(source, names=(reference,), called=name) if reference else source

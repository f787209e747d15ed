"""Run: what `davy build` does, between its options and its ending."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import click

from davy.pipeline.core.endings import Ending
from davy.pipeline.core.events import BuildAction, ImageBuilt
from davy.workflows import wiring
from davy.workflows.builds import images
from davy.workflows.story.player import keeper, told
from davy.workflows.story.recorder import overheard
from davy.workflows.story.screens import view_of
from davy.workflows.story.stages import End, Told, framed, sourced
from davy.workflows.story.task import Errand, started

GO_ON = "`davy build` goes on from here: what was pushed by then is not built again"
Said = Mapping[str, Any]
"""The command line: options by name."""


def build(task: Errand, said: Said) -> Ending:
    """The images alone; their references are the data on stdout."""
    only = images.meant(task.config, said["images"])
    wished: list[str] = []
    body = _building(task, only, wished, force=said["force"], anew=said["no_cache"])
    events = framed(started(task, "build"), task.clock, body)
    ending = told(events, task.clock, view_of(said), keeper(task.out), talk=True)
    if said["output"] == "text" and ending is Ending.DONE:
        with suppress(OSError):
            for reference in sorted(wished):
                click.echo(reference)
    return ending


def _building(task: Errand, only: tuple[str, ...], wished: list[str], *, force: bool, anew: bool) -> Told:
    """`anew`: no step from a cache. At its end `wished` holds the reference of every image that was asked for."""
    try:
        revision = wiring.revision(task.folder)
        yield from sourced(revision, task.clock)
        seen: list[ImageBuilt] = []
        made = yield from overheard(images.built(task, revision, only=only, force=force, anew=anew), seen, ImageBuilt)
    except KeyboardInterrupt:
        return End(ending=Ending.INTERRUPTED, sentence="interrupted before any tag moved", remedy=GO_ON)
    wished += (one.image.reference for one in made)
    reused = sum(one.action is BuildAction.REUSE for one in seen)
    sentence = f"{len(seen)} in the registry: {len(seen) - reused} built, {reused} reused"
    return End(ending=Ending.DONE, sentence=sentence)

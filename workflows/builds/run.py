"""Run: what `davy build` does, between its options and its ending."""

from contextlib import suppress

import click

from davy.pipeline.core.endings import Ending
from davy.pipeline.core.events import BuildAction, ImageBuilt
from davy.workflows import wiring
from davy.workflows.builds import images
from davy.workflows.builds.options import BuildOptions
from davy.workflows.story.player import keeper, play
from davy.workflows.story.recorder import overheard
from davy.workflows.story.stages import End, Story, framed, sourced
from davy.workflows.story.task import Task, started

GO_ON = "`davy build` goes on from here: what was pushed by then is not built again"


def build(task: Task, options: BuildOptions) -> Ending:
    """The images alone; their references are the data on stdout."""
    only = images.meant(task.config, options.images)
    wished: list[str] = []
    body = _building(task, only, wished, force=options.force, anew=options.no_cache)
    events = framed(started(task, "build"), task.clock, body)
    ending = play(events, task.clock, options.view, keeper(task.out), talk=True)
    if options.view.output == "text" and ending is Ending.DONE:
        with suppress(OSError):
            for reference in sorted(wished):
                click.echo(reference)
    return ending


def _building(task: Task, only: tuple[str, ...], wished: list[str], *, force: bool, anew: bool) -> Story:
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

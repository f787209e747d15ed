"""Building: what `davy build` does, between its options and its ending."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import click

from davy.pipeline.endings import Ending
from davy.pipeline.events import BuildAction, ImageBuilt
from davy.workflows import wiring, works
from davy.workflows.errand import Errand, started
from davy.workflows.keeping import keeper
from davy.workflows.release import End, Told, framed, sourced
from davy.workflows.screens import view_of
from davy.workflows.telling import told

Said = Mapping[str, Any]
"""The command line: options by name."""


def build(task: Errand, said: Said) -> Ending:
    """The images alone; their references are the data on stdout."""
    only = works.meant(task.config, said["images"])
    made: list[ImageBuilt] = []
    body = _building(task, only, made, force=said["force"])
    events = framed(started(task, "build"), task.clock, body)
    ending = told(events, task.clock, view_of(said), keeper(task.out), talk=True)
    if said["output"] == "text" and ending is Ending.DONE:
        with suppress(OSError):
            for one in sorted(made, key=lambda one: one.image.reference):
                click.echo(one.image.reference)
    return ending


def _building(task: Errand, only: tuple[str, ...], made: list[ImageBuilt], *, force: bool) -> Told:
    """`made` is filled with every image that is in the registry, also where the run then fails."""
    revision = wiring.revision(task.folder)
    yield from sourced(revision, task.clock)
    for event in works.built(task, revision, only=only, force=force):
        if isinstance(event, ImageBuilt):
            made.append(event)
        yield event
    reused = sum(one.action is BuildAction.REUSE for one in made)
    sentence = f"{len(made)} in the registry: {len(made) - reused} built, {reused} reused"
    return End(ending=Ending.DONE, sentence=sentence)

"""Building: what `davy build` does, between its options and its ending."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import click

from davy.pipeline import outlook
from davy.pipeline.endings import Ending
from davy.pipeline.events import Event, ImageBuilt
from davy.workflows import buildtable, parts, wiring, works
from davy.workflows.errand import Errand, started
from davy.workflows.release import End, Told, framed, sourced
from davy.workflows.screens import view_of
from davy.workflows.telling import told

Said = Mapping[str, Any]
"""The command line: options by name."""


def build(task: Errand, said: Said) -> Ending:
    """The images alone; their references are the data on stdout."""
    only = works.meant(task.config, said["images"])
    made: list[ImageBuilt] = []
    body = _building(task, only, force=said["force"])
    events = _heard(framed(started(task), task.clock, body), made)
    ending = told(events, task.clock, view_of(said), parts.keeper(task.out), talk=True)
    if said["output"] == "text":
        with suppress(OSError):
            for one in sorted(made, key=lambda one: one.image.reference):
                click.echo(one.image.reference)
    return ending


def _building(task: Errand, only: tuple[str, ...], *, force: bool) -> Told:
    revision = wiring.revision(task.folder)
    yield from sourced(revision, task.clock)
    made = yield from works.built(task, revision, only=only, force=force)
    reused = sum(one.cached for one in made)
    return End(ending=Ending.DONE, sentence=f"{len(made)} in the registry: {len(made) - reused} built, {reused} reused")


def _heard(events: Iterator[Event], made: list[ImageBuilt]) -> Iterator[Event]:
    for event in events:
        if isinstance(event, ImageBuilt):
            made.append(event)
        yield event


def planned(task: Errand, said: Said) -> Ending:
    """What a build would do; nothing is touched, and unless `--ask` says so, nobody is asked."""
    only = works.meant(task.config, said["images"])
    with works.seen(task, ask=said["ask"]) as (shop, memory):
        images = outlook.outlook(shop, memory, only=only, force=said["force"])
    buildtable.shown(images, shop.warnings, said)
    return Ending.DONE

"""Building: what `davy build` does, between its options and its ending."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import click

from davy.pipeline import plan
from davy.pipeline.endings import Ending
from davy.pipeline.events import Event, ImageBuilt, Stage
from davy.pipeline.model import Image
from davy.workflows import parts, wiring
from davy.workflows.errand import Errand, started
from davy.workflows.foreseeing import steps_told
from davy.workflows.release import End, Told, framed, sourced
from davy.workflows.screens import view_of
from davy.workflows.telling import told

Said = Mapping[str, Any]
"""The command line: options by name."""


def build(task: Errand, said: Said) -> Ending:
    """The images alone; their references are the data on stdout."""
    made: list[Image] = []
    events = _heard(framed(started(task), task.clock, _building(task)), made)
    ending = told(events, task.clock, view_of(said), parts.keeper(task.out), talk=True)
    if said["output"] == "text":
        with suppress(OSError):
            for image in made:
                click.echo(image.reference)
    return ending


def _building(task: Errand) -> Told:
    revision = wiring.source(task.folder).revision()
    yield from sourced(revision, task.clock)
    images = yield from parts.built(task, revision)
    return End(ending=Ending.DONE, sentence=f"{len(images)} in the registry")


def _heard(events: Iterator[Event], made: list[Image]) -> Iterator[Event]:
    for event in events:
        if isinstance(event, ImageBuilt):
            made.append(event.image)
        yield event


def planned(task: Errand, said: Said) -> Ending:
    """What a build would do."""
    steps = plan.delivery(task.config, wiring.source(task.folder).revision())
    steps_told(task.config.service, [step for step in steps if step.stage in (Stage.SOURCE, Stage.BUILD)], said)
    return Ending.DONE

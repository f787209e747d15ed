"""Testing: what `davy test` does, between its options and its ending."""

from collections.abc import Mapping
from typing import Any

from davy.pipeline import plan
from davy.pipeline.endings import Ending
from davy.pipeline.events import Stage
from davy.pipeline.model import Image
from davy.workflows import parts, wiring
from davy.workflows.errand import Errand, started
from davy.workflows.foreseeing import steps_told
from davy.workflows.release import End, Told, framed, sourced
from davy.workflows.screens import view_of
from davy.workflows.telling import told

Said = Mapping[str, Any]
"""The command line: options by name."""


def test(task: Errand, said: Said) -> Ending:
    """The suites alone."""
    events = framed(started(task), task.clock, _testing(task, parts.given(task.config, said["images"])))
    return told(events, task.clock, view_of(said), parts.keeper(task.out))


def _testing(task: Errand, images: tuple[Image, ...]) -> Told:
    if not images:
        revision = wiring.revision(task.folder)
        yield from sourced(revision, task.clock)
        images = yield from parts.built(task, revision)
    failed = yield from parts.tested(task, images)
    if failed:
        return End(ending=Ending.REJECTED, sentence=failed)
    return End(ending=Ending.DONE, sentence="every suite passed")


def planned(task: Errand, said: Said) -> Ending:
    """What a test would do."""
    stages = {Stage.SOURCE, Stage.TEST} if said["images"] else {Stage.SOURCE, Stage.BUILD, Stage.TEST}
    steps = plan.delivery(task.config, wiring.source(task.folder).revision())
    steps_told(task.config.service, [step for step in steps if step.stage in stages], said)
    return Ending.DONE

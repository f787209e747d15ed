"""Run: what the commands that change the world do, between their options and their ending."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import click

from davy.canary.engine import steps as strategy
from davy.canary.engine.driver.rollout import Resume
from davy.checks.gates import error_budget
from davy.pipeline.core.endings import Ending
from davy.pipeline.core.events import StepPlan
from davy.pipeline.release import plan
from davy.workflows import wiring
from davy.workflows.config import load
from davy.workflows.images import attest
from davy.workflows.images import given as named
from davy.workflows.release import steps
from davy.workflows.render.json_text import json_text
from davy.workflows.rollout import stage as rollout_stage
from davy.workflows.rollout import status
from davy.workflows.rollout.watch import retold
from davy.workflows.story import release_task
from davy.workflows.story.plan_text import plan_told
from davy.workflows.story.player import keeper, told
from davy.workflows.story.release_task import Order
from davy.workflows.story.screens import view_of
from davy.workflows.story.stages import Told, canary_stage, examined, framed, gated
from davy.workflows.story.stages import release as whole
from davy.workflows.story.task import started, writing
from davy.workflows.wiring import kayenta_file
from davy.workflows.wiring.reach import reach_of, reached

Said = Mapping[str, Any]
"""The command line: options by name."""


@contextmanager
def opened(said: Said, *, tests: bool = False) -> Iterator[Order]:
    """The configuration and the clock, which has Ctrl-C and SIGTERM while it is open. Raises Unusable.

    `tests`: suites run, too, so the folder of `--out` is held. A canary alone is never kept out of it: a runner that
    hangs there must not keep the one out who takes over.
    """
    reach = reach_of(said)
    config = reached(load.loaded(said["file"], os.environ), reach)
    kayenta_file.read(config.checks, said["file"].resolve().parent)
    with wiring.clock() as clock, writing(said) if tests else nullcontext():
        out, accepted = said.get("out", Path("davy-out")), said.get("accept_budget") or ""
        yield release_task.order(config, said["file"], out, clock, accepted, reach=reach)


def _played(task: Order, said: Said, body: Told) -> Ending:
    events = framed(started(task), task.clock, body)
    return told(events, task.clock, view_of(said), keeper(task.out))


def release(task: Order, said: Said) -> Ending:
    """The whole way."""
    return _played(task, said, whole(steps.parts(task)))


def canary(task: Order, said: Said) -> Ending:
    """The canary alone, of images that are in the registry."""
    images = named.given(task.config, said["images"])

    def body() -> Told:
        whole = replace(steps.parts(task), examine=lambda: rollout_stage.examined(task, images, acting=True))
        yield from examined(whole)
        if stop := (yield from gated(whole)):
            return stop
        return (yield from canary_stage(task.clock, lambda: rollout_stage.canaried(task, images)))

    return _played(task, said, body())


def resume(task: Order, said: Said) -> Ending:
    """Go on with the one in the journal."""
    side = wiring.side_of(task.config, task.reach)
    images = attest.journaled(side.journal)
    resumed = rollout_stage.rolled(Resume(runner=task.runner), side, task)
    stage = canary_stage(task.clock, lambda: attest.canary(task, images, resumed))
    events = chain(retold(side.journal), framed(started(task), task.clock, stage))
    return told(events, task.clock, view_of(said), keeper(task.out))


def planned_resume(task: Order, said: Said) -> Ending:
    """Where it stands, and so what would be gone on with."""
    side = wiring.side_of(task.config, task.reach)
    snapshot = status.taken(side.cluster, side.lock, side.journal, side.now)
    shown = json_text(status.document(snapshot)) if said["output"] == "json" else status.text(snapshot)
    click.echo(shown)
    return Ending.DONE


def planned(task: Order, said: Said) -> Ending:
    """What a release would do. Asks git where images are to be built, and unless offline the cluster and Prometheus.

    Raises Unusable.
    """
    given = said.get("images", ())
    revision = None if given else wiring.source(task.folder).revision()
    replicas: int | None = None
    canary_steps: tuple[StepPlan, ...] = ()
    warnings: tuple[str, ...] = ()
    if not said.get("offline"):
        images = named.given(task.config, given)
        warnings = (
            *rollout_stage.examined(task, images),
            *error_budget.foreseen(task.config.checks.gate, lambda: rollout_stage.budgeted(task)),
        )
        replicas = wiring.side_of(task.config, task.reach).cluster.snapshot().replicas
        canary_steps = strategy.planned(task.config.canary, task.config.checks.worse, replicas, wiring.router()).steps
    else:
        warnings = rollout_stage.notes(task)
    plan_told(plan.planned(task.config, revision, replicas=replicas, canary=canary_steps), said, warnings)
    return Ending.DONE

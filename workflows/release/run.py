"""Run: what the commands that change the world do, between their options and their ending."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from itertools import chain
from pathlib import Path

import click

from davy.canary.engine import steps as strategy
from davy.canary.engine.driver.rollout import Resume
from davy.checks.gates import error_budget
from davy.checks.gates.error_budget import Accepted
from davy.pipeline.core.endings import Ending
from davy.pipeline.core.events import StepPlan
from davy.pipeline.release import plan as release_plan
from davy.workflows import wiring
from davy.workflows.config import load
from davy.workflows.images import attest
from davy.workflows.images import given as named
from davy.workflows.release.options import StartOptions
from davy.workflows.release.steps import ReleaseSteps
from davy.workflows.render.json_text import json_text
from davy.workflows.rollout import stage as rollout_stage
from davy.workflows.rollout import status
from davy.workflows.rollout.watch import retold
from davy.workflows.story import stages
from davy.workflows.story.options import ClusterOptions, ViewOptions
from davy.workflows.story.plan_text import print_plan
from davy.workflows.story.player import keeper, play
from davy.workflows.story.release_task import ReleaseTask
from davy.workflows.story.stages import Story, canary_stage, examined, framed, gated
from davy.workflows.story.task import OUT, release_name, started
from davy.workflows.wiring import kayenta_file
from davy.workflows.wiring.reach import reached


@contextmanager
def opened(
    cluster: ClusterOptions,
    *,
    out: Path = OUT,
    acting: bool = False,
    holds: bool = False,
    accept_budget: str = "",
) -> Iterator[ReleaseTask]:
    """The configuration and the clock, which has Ctrl-C and SIGTERM while it is open. Raises Unusable.

    `acting`: the command changes the world. `holds`: suites run, too, so the folder `out` is this command's alone. A
    canary alone is never kept out of it: a runner that hangs there must not keep the one out who takes over.
    """
    config = reached(load.loaded(cluster.file, os.environ), cluster.reach)
    folder = cluster.file.resolve().parent
    analysis = kayenta_file.read(config.checks, folder)
    with wiring.clock() as clock, wiring.held(out) if holds else nullcontext():
        yield ReleaseTask(
            config=config,
            folder=folder,
            out=out,
            clock=clock,
            release=release_name(config.service, clock.now()),
            runner=wiring.runner(),
            reach=cluster.reach,
            acting=acting,
            accepted=Accepted(by=wiring.person(), why=accept_budget) if accept_budget else None,
            analysis=analysis,
        )


def _play(task: ReleaseTask, view: ViewOptions, story: Story) -> Ending:
    events = framed(started(task), task.clock, story)
    return play(events, task.clock, view, keeper(task.out))


def release(task: ReleaseTask, view: ViewOptions) -> Ending:
    """The whole way."""
    return _play(task, view, stages.release(ReleaseSteps(task=task)))


def canary(task: ReleaseTask, options: StartOptions) -> Ending:
    """The canary alone, of images that are in the registry."""
    images = named.given(task.config, options.images)

    def story() -> Story:
        own = ReleaseSteps(task=task, given=images)
        yield from examined(own)
        if stop := (yield from gated(own)):
            return stop
        return (yield from canary_stage(task.clock, lambda: own.canary(images)))

    return _play(task, options.view, story())


def resume(task: ReleaseTask, view: ViewOptions) -> Ending:
    """Go on with the one in the journal."""
    journal = task.side.journal
    images = attest.journaled(journal)
    resumed = rollout_stage.rolled(Resume(runner=task.runner), task)
    stage = canary_stage(task.clock, lambda: attest.canary(task, images, resumed))
    events = chain(retold(journal), framed(started(task), task.clock, stage))
    return play(events, task.clock, view, keeper(task.out))


def plan_resume(task: ReleaseTask, output: str) -> Ending:
    """Where it stands, and so what would be gone on with."""
    side = task.side
    snapshot = status.taken(side.cluster, side.lock, side.journal, side.now)
    click.echo(json_text(status.document(snapshot)) if output == "json" else status.text(snapshot))
    return Ending.DONE


def plan(task: ReleaseTask, output: str, *, images: tuple[str, ...] = (), offline: bool = False) -> Ending:
    """What a release would do. Asks git where images are to be built, and unless offline the cluster and Prometheus.

    Raises Unusable.
    """
    revision = None if images else wiring.source(task.folder).revision()
    replicas: int | None = None
    canary_steps: tuple[StepPlan, ...] = ()
    warnings: tuple[str, ...] = ()
    if not offline:
        seen = rollout_stage.examined(task, named.given(task.config, images))
        budgets = error_budget.foreseen(task.config.checks.gate, lambda: rollout_stage.budgeted(task))
        warnings, replicas = (*seen.warnings, *budgets), seen.replicas
        canary_steps = strategy.planned(task.config.canary, task.config.checks.worse, replicas, wiring.router()).steps
    else:
        warnings = rollout_stage.notes(task)
    print_plan(release_plan.planned(task.config, revision, replicas=replicas, canary=canary_steps), output, warnings)
    return Ending.DONE

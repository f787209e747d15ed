"""Doing: what the commands that change the world do, between their options and their ending."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import click

from davy.canary import strategy
from davy.canary.rollout import Resume, rollout
from davy.pipeline import configfile, plan
from davy.pipeline.codec import plain
from davy.pipeline.config import Config
from davy.pipeline.endings import Ending
from davy.pipeline.errors import Unusable
from davy.pipeline.events import Event, ImageBuilt, StepPlan
from davy.pipeline.model import Image
from davy.workflows import canaryfile, parts, standing, wiring
from davy.workflows.parts import Order
from davy.workflows.release import End, Told, canary_stage, examined, framed, sourced
from davy.workflows.release import release as whole
from davy.workflows.render.clean import harmless
from davy.workflows.screens import View
from davy.workflows.telling import told
from davy.workflows.watching import retold

Said = Mapping[str, Any]
"""The command line: options by name."""


@contextmanager
def opened(said: Said) -> Iterator[Order]:
    """The configuration and the clock, which has Ctrl-C and SIGTERM while it is open. Raises Unusable."""
    config = configfile.loaded(said["file"], os.environ)
    canaryfile.read(config.checks, said["file"].resolve().parent)
    with wiring.clock() as clock:
        yield parts.order(config, said["file"], said.get("out", Path("davy-out")), clock)


def view(said: Said) -> View:
    """How to show it."""
    return View(output=said["output"], plain=said["plain"], no_color=said["no_color"])


def _played(task: Order, said: Said, body: Told) -> Ending:
    events = framed(parts.started(task), task.clock, body)
    return told(events, task.clock, view(said), parts.keeper(task.out))


def release(task: Order, said: Said) -> Ending:
    """The whole way."""
    return _played(task, said, whole(parts.parts(task)))


def build(task: Order, said: Said) -> Ending:
    """The images alone; their references are the data on stdout."""
    made: list[Image] = []
    events = _heard(framed(parts.started(task), task.clock, _building(task)), made)
    ending = told(events, task.clock, view(said), parts.keeper(task.out), talk=True)
    if said["output"] == "text":
        with suppress(OSError):
            for image in made:
                click.echo(image.reference)
    return ending


def _building(task: Order) -> Told:
    revision = wiring.source(task.folder).revision()
    yield from sourced(revision, task.clock)
    images = yield from parts.built(task, revision)
    return End(ending=Ending.DONE, sentence=f"{len(images)} in the registry")


def _heard(events: Iterator[Event], made: list[Image]) -> Iterator[Event]:
    for event in events:
        if isinstance(event, ImageBuilt):
            made.append(event.image)
        yield event


def test(task: Order, said: Said) -> Ending:
    """The suites alone."""
    return _played(task, said, _testing(task, given(task.config, said["images"])))


def _testing(task: Order, images: tuple[Image, ...]) -> Told:
    if not images:
        revision = wiring.source(task.folder).revision()
        yield from sourced(revision, task.clock)
        images = yield from parts.built(task, revision)
    failed = yield from parts.tested(task, images)
    if failed:
        return End(ending=Ending.REJECTED, sentence=failed)
    return End(ending=Ending.DONE, sentence="every suite passed")


def given(config: Config, references: tuple[str, ...]) -> tuple[Image, ...]:
    """Images named on the command line. Raises Unusable where one is not of this configuration."""
    images = tuple(parts.image(reference) for reference in references)
    known = {image.name for image in config.images}
    strange = [image.name for image in images if image.name not in known]
    if strange:
        raise Unusable(
            f"{', '.join(strange)}: no image of the configuration has this name.",
            remedy=f"It has {', '.join(sorted(known))}.",
        )
    return images


def canary(task: Order, said: Said) -> Ending:
    """The canary alone, of images that are in the registry."""
    images = given(task.config, said["images"])

    def body() -> Told:
        yield from examined(replace(parts.parts(task), examine=lambda: parts.examined(task, images)))
        return (yield from canary_stage(task.clock, lambda: parts.canaried(task, images)))

    return _played(task, said, body())


def resume(task: Order, said: Said) -> Ending:
    """Go on with the one in the journal."""
    side = wiring.side_of(task.config)
    ports = parts.ports(side, task)
    stage = canary_stage(task.clock, lambda: rollout(Resume(runner=task.runner), ports))
    events = chain(retold(side.journal), framed(parts.started(task), task.clock, stage))
    return told(events, task.clock, view(said), parts.keeper(task.out))


def planned_resume(task: Order, said: Said) -> Ending:
    """Where it stands, and so what would be gone on with."""
    side = wiring.side_of(task.config)
    snapshot = standing.taken(side.cluster, side.lock, side.journal, side.now)
    shown = json.dumps(standing.document(snapshot)) if said["output"] == "json" else standing.text(snapshot)
    click.echo(shown)
    return Ending.DONE


def planned(task: Order, said: Said) -> Ending:
    """What a release would do. Asks git, and unless offline the cluster and Prometheus. Raises Unusable."""
    revision = wiring.source(task.folder).revision()
    replicas: int | None = None
    canary_steps: tuple[StepPlan, ...] = ()
    warnings: tuple[str, ...] = ()
    if not said.get("offline"):
        images = given(task.config, said.get("images", ()))
        warnings = parts.examined(task, images)
        replicas = wiring.side_of(task.config).cluster.standing().replicas
        canary_steps = strategy.planned(task.config.canary, task.config.checks.worse, replicas).steps
    else:
        warnings = parts.notes(task)
    _print_plan(plan.planned(task.config, revision, replicas=replicas, canary=canary_steps), said, warnings)
    return Ending.DONE


def planned_build(task: Order, said: Said) -> Ending:
    """What a build would do."""
    return _planned_stages(task, said, {"source", "build"})


def planned_test(task: Order, said: Said) -> Ending:
    """What a test would do."""
    return _planned_stages(task, said, {"source", "test"} if said["images"] else {"source", "build", "test"})


def _planned_stages(task: Order, said: Said, stages: set[str]) -> Ending:
    made = plan.planned(task.config, wiring.source(task.folder).revision())
    _print_plan(replace(made, steps=tuple(step for step in made.steps if step.stage.value in stages)), said, ())
    return Ending.DONE


def _print_plan(made: plan.Plan, said: Said, warnings: tuple[str, ...]) -> None:
    if said["output"] == "json":
        click.echo(json.dumps({"davy_plan": 1, **plain(made), "warnings": list(warnings)}))
        return
    click.echo(harmless(f"Plan for {made.service}, {made.workload}. Nothing is touched yet."))
    for step in made.steps:
        click.echo(harmless(f"  {step.stage:<7} {step.sentence}"))
        if step.if_it_fails:
            click.echo(harmless(f"          else: {step.if_it_fails}"))
    for warning in warnings:
        click.echo(harmless(f"  warning {warning}"))

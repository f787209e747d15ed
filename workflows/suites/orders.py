"""Orders: suites of the configuration as orders with their secrets read, ready to run."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import click

from davy.pipeline.config.sections.suites import SuiteConfig
from davy.pipeline.core.artifacts import Image
from davy.pipeline.core.text.sanitize import harmless
from davy.pipeline.suites.plan import order as ordering
from davy.pipeline.suites.plan.order import Wanted
from davy.pipeline.suites.plan.pieces import PlannedSuite
from davy.workflows import wiring
from davy.workflows.story.task import Task
from davy.workflows.suites import testfiles

Told = Callable[[SuiteConfig], Mapping[str, str]]
"""What a suite is told beside its own environment."""


def nothing(suite: SuiteConfig) -> Mapping[str, str]:  # noqa: ARG001 - the shape of Told
    """Nothing more."""
    return {}


def asks(
    task: Task, wanted: Sequence[SuiteConfig], *, shard: tuple[int, int] | None = None
) -> tuple[PlannedSuite, ...]:
    """The suites with the test files that there are now. Raises Unusable with every suite that has none."""
    asked = ordering.asks(wanted, lambda suite: testfiles.listed(task.folder, suite), shard=shard)
    for suite in wanted:
        for glob in testfiles.idle(task.folder, suite):
            click.echo(harmless(f"warning: suite {suite.name}: no file is named by {glob!r}"), err=True)
    if not any(suite.config for suite in wanted):
        return asked
    from davy.workflows.suites import sauce_config  # noqa: PLC0415 - few have such a file

    made, notes = sauce_config.asked(asked, task.folder, os.environ)
    for note in notes:
        click.echo(harmless(f"note: {note}"), err=True)
    return made


def ordered(
    task: Task, asked: Sequence[PlannedSuite], images: Sequence[Image], out: Path, told: Told = nothing
) -> tuple[Wanted, ...]:
    """The orders, with the environment they run in. Raises Unusable for images and secrets that are missing."""
    by_name = {image.name: image for image in images}
    made = ordering.wanted(asked, task.config, by_name, out, folder=task.folder, release=task.release)
    return tuple(replace(one, order=replace(one.order, env=_environment(one, told(one.ask.suite)))) for one in made)


def _environment(one: Wanted, told: Mapping[str, str]) -> dict[str, str]:
    """What the suite asked for by name, then what the configuration says, then what is known only now."""
    order, held = one.order, os.environ
    inherited = {name: held[name] for name in one.ask.suite.inherit if name in held}
    said = {name: wiring.secret(value, f"tests.{order.name}.env.{name}") for name, value in order.env.items()}
    return {**inherited, **said, **told}

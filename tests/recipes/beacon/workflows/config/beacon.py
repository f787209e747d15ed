"""Beacon: how often it shines."""

import click

from davy.pipeline.core.fast_dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class BeaconOptions:
    """Of `davy beacon`."""

    times: int
    output: str


def shine(options: BeaconOptions) -> None:
    """Print it."""
    click.echo(f"shines {options.times} times as {options.output}")

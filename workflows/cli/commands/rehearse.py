"""`davy rehearse`."""

import os
import sys
from pathlib import Path
from typing import Any

import click

from davy.pipeline.core.endings import Ending
from davy.workflows.cli import options, param_types
from davy.workflows.render.json_text import json_text

FAULTS = ["none", "never-ready", "crash-loop", "oom", "image-pull", "prometheus-down"]


@click.command()
@options.file
@options.output
@options.view
@options.option(
    "--rps",
    type=param_types.Number(min=0.01, max=1e6),
    default=100.0,
    show_default=True,
    help="Requests a second, over all pods.",
)
@options.option("--replicas", type=click.IntRange(1, 1000), default=10, show_default=True, help="Pods of stable.")
@options.option(
    "--errors", type=param_types.Share(), default="0.1%", show_default=True, help="Share of errors on stable."
)
@options.option(
    "--times",
    type=param_types.Number(min=0),
    default=1.0,
    show_default=True,
    help="The canary fails this many times as often.",
)
@options.option(
    "--slow",
    type=param_types.Share(),
    default="0.5%",
    show_default=True,
    help="Share of slow answers on stable, for latency SLOs.",
)
@options.option(
    "--latency-times",
    type=param_types.Number(min=0),
    default=1.0,
    show_default=True,
    help="The canary is slow this many times as often.",
)
@options.option("--fault", type=click.Choice(FAULTS), default="none", show_default=True, help="What else goes wrong.")
@options.option("--seed", type=int, default=1, show_default=True, help="The same seed plays the same.")
@options.option(
    "--repeat",
    type=click.IntRange(1, 10000),
    default=1,
    show_default=True,
    help="Play this many seeds, and print how they ended as a table.",
)
@options.option(
    "--exit-code",
    is_flag=True,
    help="Exit as the release would have; without it, a rehearsal that could be played exits 0.",
)
def command(file: Path, output: str, repeat: int, exit_code: bool, **wish: Any) -> Ending:
    """Play the same plan in memory, with simulated traffic: what would this policy do, at my traffic?

    The machine, the judge and the configuration are the real ones; the cluster, Prometheus and the users are
    simulated, and an hour passes in a second or so. No cluster and no Docker is touched. Changes nothing.
    """
    from davy.workflows.config import load  # noqa: PLC0415
    from davy.workflows.release.rehearsal import show  # noqa: PLC0415
    from davy.workflows.release.rehearsal.run import Fault, Wish  # noqa: PLC0415
    from davy.workflows.story.screens import View  # noqa: PLC0415

    config = load.loaded(file, os.environ)
    view = View(output=output, **{name: wish.pop(name) for name in ("plain", "verbose", "no_color")})
    wished = Wish(**{**wish, "fault": Fault(wish["fault"])})
    if repeat > 1:
        plays = show.many(config, wished, repeat, sys.stderr)
        shown = show.document(plays) if output == "json" else None
        click.echo(json_text(shown) if shown else show.text(plays))
        return Ending.DONE
    ending = show.one(config, wished, view)
    return ending if exit_code else Ending.DONE

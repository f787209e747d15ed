"""`davy rehearse`."""

import os
import sys
from typing import TYPE_CHECKING

import click

from davy.pipeline.core.endings import Ending
from davy.workflows.cli import param_types, parameters
from davy.workflows.cli.definition import command
from davy.workflows.render.json_text import json_text

if TYPE_CHECKING:
    from davy.workflows.release.rehearsal.show import RehearseOptions

FAULTS = ["none", "never-ready", "crash-loop", "oom", "image-pull", "prometheus-down"]


@command(
    "release.rehearsal.show:RehearseOptions",
    parameters.file,
    parameters.output,
    parameters.view,
    parameters.option(
        "--rps",
        type=param_types.Number(min=0.01, max=1e6),
        default=100.0,
        show_default=True,
        help="Requests a second, over all pods.",
    ),
    parameters.option(
        "--replicas", type=click.IntRange(1, 1000), default=10, show_default=True, help="Pods of stable."
    ),
    parameters.option(
        "--errors", type=param_types.Share(), default="0.1%", show_default=True, help="Share of errors on stable."
    ),
    parameters.option(
        "--times",
        type=param_types.Number(min=0),
        default=1.0,
        show_default=True,
        help="The canary fails this many times as often.",
    ),
    parameters.option(
        "--slow",
        type=param_types.Share(),
        default="0.5%",
        show_default=True,
        help="Share of slow answers on stable, for latency SLOs.",
    ),
    parameters.option(
        "--latency-times",
        type=param_types.Number(min=0),
        default=1.0,
        show_default=True,
        help="The canary is slow this many times as often.",
    ),
    parameters.option(
        "--fault", type=click.Choice(FAULTS), default="none", show_default=True, help="What else goes wrong."
    ),
    parameters.option("--seed", type=int, default=1, show_default=True, help="The same seed plays the same."),
    parameters.option(
        "--repeat",
        type=click.IntRange(1, 10000),
        default=1,
        show_default=True,
        help="Play this many seeds, and print how they ended as a table.",
    ),
    parameters.option(
        "--exit-code",
        is_flag=True,
        help="Exit as the release would have; without it, a rehearsal that could be played exits 0.",
    ),
)
def rehearse(options: "RehearseOptions") -> Ending:
    """Play the same plan in memory, with simulated traffic: what would this policy do, at my traffic?

    The machine, the judge and the configuration are the real ones; the cluster, Prometheus and the users are
    simulated, and an hour passes in a second or so. No cluster and no Docker is touched. Changes nothing.
    """
    from dataclasses import replace  # noqa: PLC0415

    from davy.workflows.config import load  # noqa: PLC0415
    from davy.workflows.release.rehearsal import show  # noqa: PLC0415
    from davy.workflows.release.rehearsal.run import Fault  # noqa: PLC0415

    config = load.loaded(options.file, os.environ)
    wish = replace(options.wish, fault=Fault(options.wish.fault))  # Click knows words alone.
    if options.repeat > 1:
        plays = show.many(config, wish, options.repeat, sys.stderr)
        shown = show.document(plays) if options.view.output == "json" else None
        click.echo(json_text(shown) if shown else show.text(plays))
        return Ending.DONE
    ending = show.one(config, wish, options.view)
    return ending if options.exit_code else Ending.DONE

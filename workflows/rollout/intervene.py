"""Intervene: a person's word, from the command line to its effect."""

import os
import sys
from collections.abc import Iterator
from dataclasses import field
from datetime import timedelta
from itertools import chain
from pathlib import Path

import click

from davy.canary.ports.judge import Judge
from davy.pipeline.core.endings import Ending
from davy.pipeline.core.events import Event, ReleaseStarted
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.ports import Clock
from davy.workflows import wiring
from davy.workflows.render.json_text import json_text
from davy.workflows.rollout.blind import Blind
from davy.workflows.rollout.request import lives, never, patience_for
from davy.workflows.rollout.request import said as spoken
from davy.workflows.rollout.watch import retold
from davy.workflows.story.options import TargetOptions, ViewOptions, part
from davy.workflows.story.player import play
from davy.workflows.story.screens import is_live
from davy.workflows.story.stages import canary_stage, framed

LATE = timedelta(seconds=3)
"""A lock that has run out is given to somebody else so much later: servers' clocks differ a little."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestOptions:
    """What the command line of `davy canary promote`, `abort` or `hold` says."""

    target: TargetOptions = field(metadata=part(TargetOptions))
    why: str
    by: str | None
    dry_run: bool
    view: ViewOptions = field(metadata=part(ViewOptions))


def request(what: str, options: RequestOptions) -> Ending:
    """Leave the word; carry it out where no runner lives."""
    side = wiring.side_at(options.target.file, options.target.reach)
    alive = _lives(side)
    if options.dry_run:
        who = "the runner would heed it" if alive else "no runner lives: this command would carry it out"
        click.echo(json_text({"davy_word": 1, "word": what, "alive": alive}) if options.view.output == "json" else who)
        return Ending.DONE
    judge = Blind() if alive or what != "promote" else _judge(options.target.file)
    with wiring.clock() as clock:
        view = options.view
        events = spoken(
            what,
            by=options.by or wiring.person(),
            why=options.why,
            alive=alive,
            journal=side.journal,
            clock=clock,
            act=lambda: _acted(side, clock, judge, retell=view.verbose or is_live(view, sys.stderr)),
            # To promote, somebody has to look, and this one was not made ready for it.
            lost=(lambda: not _lives(side)) if what == "abort" else never,
            marked=lambda: side.cluster.snapshot().marked,
            patience=patience_for(side.lock),
        )
        return play(events, clock, view)


def _lives(side: wiring.Side) -> bool:
    """Whether a runner has the lock, or had it so lately that nobody else would get it."""
    side.lock.holder()  # Its answer brings the server's time.
    return lives(side.lock, side.now() - LATE)


def _judge(file: Path) -> Judge:
    """To go on, someone has to look: the whole configuration is needed."""
    from davy.workflows.config import load  # noqa: PLC0415 - not needed to roll back
    from davy.workflows.wiring import kayenta_file  # noqa: PLC0415 - as above

    config, folder = load.loaded(file, os.environ), file.resolve().parent
    analysis = kayenta_file.read(config.checks, folder)
    return wiring.servers(config, folder, acting=True).judge(analysis)


def _acted(side: wiring.Side, clock: Clock, judge: Judge, *, retell: bool) -> Iterator[Event]:
    """Take the lock and go on; the word is in the journal, and the machine heeds it first.

    `retell`: what was before, for a picture of the whole; where lines are printed, the answer is what was asked for.
    """
    from davy.canary.engine.driver.rollout import Resume, rollout  # noqa: PLC0415 - a word to a living runner shall be there at once

    runner = wiring.runner()
    ports = side.ports(judge, clock)
    started = ReleaseStarted(at=clock.now(), release="", service=str(side.workload), runner=runner)
    story = framed(started, clock, canary_stage(clock, lambda: rollout(Resume(runner=runner), ports)))
    return chain(retold(side.journal), story) if retell else story

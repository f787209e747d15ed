"""Intervene: a person's word, from the command line to its effect."""

import os
import sys
from collections.abc import Iterator, Mapping
from datetime import timedelta
from itertools import chain
from pathlib import Path
from typing import Any

import click

from davy.canary.ports.judge import Judge
from davy.pipeline.core.endings import Ending
from davy.pipeline.core.events import Event, ReleaseStarted
from davy.pipeline.core.ports import Clock
from davy.workflows import wiring
from davy.workflows.render.json_text import json_text
from davy.workflows.rollout.blind import Blind
from davy.workflows.rollout.request import lives, never, patience_for
from davy.workflows.rollout.request import said as spoken
from davy.workflows.rollout.watch import retold
from davy.workflows.story.player import told
from davy.workflows.story.screens import is_live, view_of
from davy.workflows.story.stages import canary_stage, framed

LATE = timedelta(seconds=3)
"""A lock that has run out is given to somebody else so much later: servers' clocks differ a little."""


def word(what: str, said: Mapping[str, Any]) -> Ending:
    """Leave the word; carry it out where no runner lives."""
    side = wiring.side_at(said)
    alive = _lives(side)
    if said["dry_run"]:
        who = "the runner would heed it" if alive else "no runner lives: this command would carry it out"
        click.echo(json_text({"davy_word": 1, "word": what, "alive": alive}) if said["output"] == "json" else who)
        return Ending.DONE
    judge = Blind() if alive or what != "promote" else _judge(said)
    with wiring.clock() as clock:
        view = view_of(said)
        events = spoken(
            what,
            by=said["by"] or wiring.person(),
            why=said["why"],
            alive=alive,
            journal=side.journal,
            clock=clock,
            act=lambda: _acted(side, clock, judge, retell=view.verbose or is_live(view, sys.stderr)),
            # To promote, somebody has to look, and this one was not made ready for it.
            lost=(lambda: not _lives(side)) if what == "abort" else never,
            marked=lambda: side.cluster.snapshot().marked,
            patience=patience_for(side.lock),
        )
        return told(events, clock, view)


def _lives(side: wiring.Side) -> bool:
    """Whether a runner has the lock, or had it so lately that nobody else would get it."""
    side.lock.holder()  # Its answer brings the server's time.
    return lives(side.lock, side.now() - LATE)


def _judge(said: Mapping[str, Any]) -> Judge:
    """To go on, someone has to look: the whole configuration is needed."""
    from davy.workflows.config import load  # noqa: PLC0415 - not needed to roll back

    file: Path = said["file"]
    return wiring.judge(load.loaded(file, os.environ), file.resolve().parent)


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

"""Task: what a command that builds or tests is given. It needs no cluster and no checks."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from davy.pipeline.config import file as config_file
from davy.pipeline.config.document import DeliveryConfig
from davy.pipeline.core.artifacts import Revision
from davy.pipeline.core.errors import DavyError
from davy.pipeline.core.events import ReleaseStarted
from davy.pipeline.core.ports import Clock
from davy.workflows import wiring
from davy.workflows.wiring.reach import FILE, Reach

if TYPE_CHECKING:
    from davy.pipeline.suites.history.quarantine import Quarantine

OUT = Path("davy-out")


@dataclass(frozen=True, kw_only=True, eq=False)
class Task:
    """One command's task. What it opens, it opens when it is asked for first, and once."""

    config: DeliveryConfig
    folder: Path
    """Of the configuration: contexts are relative to it."""
    out: Path
    clock: Clock
    release: str
    runner: str
    reach: Reach = FILE
    """What the command line says of the cluster."""

    @cached_property
    def quarantine(self) -> "Quarantine":
        """The tests that are not to be trusted, as the file that the configuration names says. Raises Unusable."""
        return wiring.quarantine(self.config, self.folder)


@contextmanager
def opened(file: Path, *, out: Path = OUT, holds: bool = False, reach: Reach | None = None) -> Iterator[Task]:
    """The configuration and the clock, which has Ctrl-C and SIGTERM while it is open. Raises Unusable.

    `holds`: the command writes into the folder `out`, so it is this command's alone meanwhile. Raises LockedOut.
    """
    config = config_file.delivery(file, os.environ)
    folder = file.resolve().parent
    wiring.masks(config, folder)
    with wiring.clock() as clock, wiring.held(out) if holds else nullcontext():
        yield Task(
            config=config,
            folder=folder,
            out=out,
            clock=clock,
            release=release_name(config.service, clock.now()),
            runner=wiring.runner(),
            reach=reach or Reach(folder=folder),
        )


def release_name(service: str, now: datetime) -> str:
    """A release's name, fit for a label: `checkout-20260501-120000`."""
    return f"{service.lower()[:40]}-{now:%Y%m%d-%H%M%S}"


def started(task: Task, part: str = "") -> ReleaseStarted:
    """The first event of its story. `part`: the command, where it is only one part of a release."""
    now = task.clock.now()
    return ReleaseStarted(at=now, release=task.release, service=task.config.service, runner=task.runner, part=part)


def known(task: Task) -> Revision | None:
    """What git says; None where it is not asked in vain: a suite needs no work tree."""
    try:
        return wiring.source(task.folder).revision()
    except DavyError:
        return None

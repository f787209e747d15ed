"""Task: what a command that builds or tests is given. It needs no cluster and no checks."""

import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import datetime
from pathlib import Path
from typing import Any

from davy.pipeline.config import file
from davy.pipeline.config.document import DeliveryConfig
from davy.pipeline.core.artifacts import Revision
from davy.pipeline.core.errors import DavyError
from davy.pipeline.core.events import ReleaseStarted
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.ports import Clock
from davy.workflows import wiring
from davy.workflows.wiring.reach import FILE, Reach, reach_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """One command's task."""

    config: DeliveryConfig
    folder: Path
    """Of the configuration: contexts are relative to it."""
    out: Path
    clock: Clock
    release: str
    runner: str
    reach: Reach = FILE
    """What the command line says of the cluster."""


@contextmanager
def opened(said: Mapping[str, Any], *, looks: bool = False) -> Iterator[Errand]:
    """The configuration and the clock, which has Ctrl-C and SIGTERM while it is open. Raises Unusable.

    `looks`: the command writes nothing, and so the folder of `--out` stays whoever's it is.
    """
    config = file.delivery(said["file"], os.environ)
    folder = said["file"].resolve().parent
    wiring.masks(config, folder)
    with wiring.clock() as clock, nullcontext() if looks else writing(said):
        yield Errand(
            config=config,
            folder=folder,
            out=said.get("out", Path("davy-out")),
            clock=clock,
            release=named(config.service, clock.now()),
            runner=wiring.runner(),
            reach=reach_of(said),
        )


def writing(said: Mapping[str, Any]) -> AbstractContextManager[None]:
    """The folder of `--out`, held while the command runs; nothing where it only looks. Raises LockedOut, Unusable."""
    if "out" not in said or said.get("dry_run") or said.get("plan"):
        return nullcontext()
    return wiring.held(said["out"])


def named(service: str, now: datetime) -> str:
    """A release's name, fit for a label: `checkout-20260501-120000`."""
    return f"{service.lower()[:40]}-{now:%Y%m%d-%H%M%S}"


def started(task: Errand, part: str = "") -> ReleaseStarted:
    """The first event of its story. `part`: the command, where it is only one part of a release."""
    now = task.clock.now()
    return ReleaseStarted(at=now, release=task.release, service=task.config.service, runner=task.runner, part=part)


def known(task: Errand) -> Revision | None:
    """What git says; None where it is not asked in vain: a suite needs no work tree."""
    try:
        return wiring.source(task.folder).revision()
    except DavyError:
        return None

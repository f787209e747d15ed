"""Release task: the whole configuration, for commands that release."""

from pathlib import Path

from davy.checks.gates.error_budget import Accepted
from davy.pipeline.config.document import Config
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.ports import Clock
from davy.workflows import wiring
from davy.workflows.story.task import Errand, named
from davy.workflows.wiring.reach import FILE, Reach


@dataclass(frozen=True, slots=True, kw_only=True)
class Order(Errand):
    """The task of a command that releases: with the whole configuration."""

    config: Config
    accepted: Accepted | None = None
    """A person's word that the error budgets do not matter this once."""


def order(
    config: Config, file: Path, out: Path, clock: Clock, accept_budget: str = "", *, reach: Reach = FILE
) -> Order:
    """A new release of the configured service."""
    release = named(config.service, clock.now())
    return Order(
        config=config,
        folder=file.resolve().parent,
        out=out,
        clock=clock,
        release=release,
        runner=wiring.runner(),
        reach=reach,
        accepted=Accepted(by=wiring.person(), why=accept_budget) if accept_budget else None,
    )

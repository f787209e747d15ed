"""Ports: what a rollout needs of the world."""

from dataclasses import dataclass, field

from davy.canary.engine.state import State
from davy.canary.engine.view import View
from davy.canary.ports.background import Aside, InTurn
from davy.canary.ports.journal import Journal
from davy.canary.ports.judge import Judge
from davy.canary.ports.lock import Lock
from davy.canary.ports.platform import Platform
from davy.canary.ports.router import Router
from davy.canary.ports.snapshot import Snapshot
from davy.pipeline.core.ports import Clock

TICK = 1.0
"""Seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """What a rollout needs of the world."""

    platform: Platform
    router: Router
    lock: Lock
    journal: Journal
    judge: Judge
    clock: Clock
    aside: Aside = field(default_factory=InTurn)
    """Where looks go on beside the ticks."""
    listen: float = TICK
    """Seconds after which people's words are heard again."""

    def view(self, state: State, snapshot: Snapshot) -> View:
        """What is seen of a rollout, with nothing of its judge."""
        return View(state=state, snapshot=snapshot, terms=self.platform.terms, router=self.router)

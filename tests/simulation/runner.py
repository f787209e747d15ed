"""Runner: one davy process from its order to its end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from davy.canary.engine.driver.loop import Outcome, Patience
from davy.canary.engine.driver.ports import Ports
from davy.canary.engine.driver.rollout import Enforce, Order, Resume, Start, rollout
from davy.canary.platforms.memory.platform import Killed
from davy.canary.ports.background import InTurn
from davy.canary.routers.replicas import Replicas
from davy.pipeline.core.events import CanaryPolicy, Event
from simulation.beside import Beside
from simulation.judge import SimulatedJudge
from simulation.machine import WORKLOAD, Machine
from simulation.timeline import Over
from simulation.world import NEW

if TYPE_CHECKING:
    from simulation.timeline import Task

CONTAINER = "app"


@dataclass(frozen=True)
class Manner:
    """How the judge of a seed is, and how patient its runners are."""

    mood: str
    interval: float
    takes: float
    beside: bool
    """Looks go on beside the ticks, as they do in a real runner; else in turn."""
    patience: Patience


class Runner:
    """A machine with an order."""

    def __init__(self, machine: Machine, order: Callable[[], Order], manner: Callable[[], Manner]) -> None:
        self.machine, self._order, self._manner = machine, order, manner
        self.outcome: Outcome | None = None
        self.error: BaseException | None = None
        self.task: Task | None = None

    @property
    def is_over(self) -> bool:
        return self.task is not None and self.task.done

    def start(self, after: float = 0.0) -> Runner:
        self.task = self.machine.world.timeline.start(self.machine.name, self._play, after)
        return self

    def _play(self) -> None:
        machine, world = self.machine, self.machine.world
        try:
            self.outcome = self._played()
            if self.outcome:
                world.tell(machine.name, "ended", f"{self.outcome.ending.name}: {self.outcome.sentence}")
        except (Killed, Over):
            return
        except Exception as error:  # noqa: BLE001 - what it is, the law says
            self.error = error
            world.tell(machine.name, "raised", f"{type(error).__name__}: {error}")
        machine.is_over = True
        world.law.ended(machine, self.outcome, self.error)

    @property
    def manner(self) -> Manner:
        return self._manner()

    def ports(self) -> Ports:
        """What the engine is given here."""
        machine, manner = self.machine, self.manner
        luck = machine.world.luck(f"judge of {machine.name}")
        judge = SimulatedJudge(machine, manner.mood, luck, manner.interval, manner.takes)
        return Ports(
            platform=machine.cluster,
            router=Replicas(),
            lock=machine.lock,
            journal=machine.journal,
            judge=judge,
            clock=machine,
            aside=Beside(machine) if manner.beside else InTurn(),
        )

    def _played(self) -> Outcome | None:
        order = self._order()
        self.machine.world.tell(self.machine.name, "begins", type(order).__name__)
        run = rollout(order, self.ports(), self.manner.patience)
        while True:
            try:
                event = next(run)
            except StopIteration as stop:
                outcome: Outcome = stop.value
                return outcome
            self.tell(event)

    def tell(self, event: Event) -> None:
        said = getattr(event, "what", "") or getattr(event, "because", "") or getattr(event, "sentence", "")
        self.machine.world.tell(self.machine.name, type(event).__name__, said)


def start_order(machine: Machine, policy: Callable[[], CanaryPolicy], release: str, image: str = NEW) -> Order:
    """A new release."""
    machine.begun = release
    return Start(release=release, workload=WORKLOAD, images={CONTAINER: image}, policy=policy(), runner=machine.name)


def resume_order(machine: Machine) -> Order:
    return Resume(runner=machine.name)


def enforce_order(machine: Machine) -> Order:
    return Enforce(runner=machine.name)

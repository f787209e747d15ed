"""World: a cluster, the law, the weather and everybody in it."""

from __future__ import annotations

import random
from random import Random
from typing import TYPE_CHECKING

from simulation.controller import Controller
from simulation.law import Law
from simulation.manifest import first_deployment
from simulation.pods import Nature
from simulation.server import Server
from simulation.timeline import Timeline
from simulation.weather import Weather

if TYPE_CHECKING:
    from simulation.machine import Machine

OLD, NEW = "shop/app@sha256:1", "shop/app@sha256:2"


class World:
    """One seed's."""

    def __init__(self, seed: int, replicas: int = 4, **spec: object) -> None:
        self.seed = seed
        random.seed(seed)  # The client spreads its retries by it.
        self.timeline = Timeline()
        self.chance = self.luck("world")
        self.weather = Weather(self.timeline, self.luck("weather"))
        self.machines: dict[str, Machine] = {}
        self.law = Law(self)
        self.natures: dict[str, Nature] = {}
        self.promotes_late = False
        """The policy is to promote where no verdict comes in time."""
        self.server = Server(self.timeline, self.law, first_deployment(replicas, OLD, **spec))
        controller = Controller(
            self.timeline, self.luck("controller"), lambda: self.server.deployment, self.server.noted, self.natures
        )
        self.server.controller = controller
        controller.start(3600.0)
        self.slowest = 0.05
        """Seconds of a request's way, at most."""
        self.log: list[tuple[float, str, str, str]] = []

    def luck(self, name: str) -> Random:
        """Chance of its own for each part: leaving one out changes no other."""
        return Random(f"{self.seed}:{name}")

    def latency(self) -> tuple[float, float]:
        chance = self.chance
        return 0.001 + chance.random() * self.slowest, 0.001 + chance.random() * self.slowest

    def tell(self, who: str, what: str, how: str) -> None:
        self.log.append((self.timeline.now, who, what, how))

    def note(self, machine: Machine, what: str, how: str) -> None:
        self.log.append((self.timeline.now, f"{machine.name}#{machine.calls}", what, how))

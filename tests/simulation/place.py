"""Place: the simulated cluster as a place for the contracts: the real adapters on the API server in memory."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from davy.canary.platforms.kubernetes.journal.journal import KubernetesJournal
from davy.canary.platforms.kubernetes.lease import KubernetesLock
from davy.canary.ports.journal import Journal
from davy.canary.ports.lock import Lock
from davy.canary.ports.platform import Platform
from simulation.machine import WORKLOAD, Machine
from simulation.pods import Nature
from simulation.world import NEW, World

CRASHING = "shop/app@sha256:3"


class SimulatedPlace:
    """Every hand has a machine of its own."""

    def __init__(self) -> None:
        self._world = World(1)
        self._world.natures[CRASHING] = Nature(crashes_after=1.0)
        self.good, self.crashing = {"app": NEW}, {"app": CRASHING}

    def _machine(self) -> Machine:
        return Machine(self._world, f"hand {len(self._world.machines) + 1}")

    def cluster(self) -> Platform:
        return self._machine().cluster

    def lock(self, lasts: timedelta = timedelta(seconds=30)) -> Lock:
        machine = self._machine()
        return KubernetesLock(machine.api, WORKLOAD, lasts=lasts, sleep=machine.doze, monotonic=machine.monotonic)

    def journal(self, fence: Callable[[], int]) -> Journal:
        return KubernetesJournal(self._machine().api, WORKLOAD, fence=fence)

    def until(self, true: Callable[[], bool]) -> None:
        for _ in range(300):
            if true():
                return
            self.wait(1)
        pytest.fail("did not come true in five minutes")

    def wait(self, seconds: float) -> None:
        self._world.timeline.sleep(seconds)

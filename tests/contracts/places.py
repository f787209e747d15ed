"""Places where the canary's ports are kept to: the memory twin and the simulated API server always, a real cluster
in the lab.

A contract asks for the fixture `place` and is then run in each; another place is another line in PLACES.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Protocol

import pytest

from contracts.kube_lab import CRASH, NAMESPACE, KubeLab, kube_lab, until
from davy.canary.platforms.memory import platform
from davy.canary.platforms.memory.deployment import Behaviour
from davy.canary.ports.journal import Journal
from davy.canary.ports.lock import Lock
from davy.canary.ports.platform import Platform
from davy.canary.ports.snapshot import FailureKind, PodFailure
from davy.pipeline.core.workload import Workload
from davy.pipeline.simulated_clock import SimulatedClock
from simulation.place import SimulatedPlace


class Place(Protocol):
    """A Deployment of four pods, and hands on it. Each call gives hands of their own, as another runner has them."""

    good: dict[str, str]
    """Images of a version that works, by container."""
    crashing: dict[str, str]

    def cluster(self) -> Platform: ...

    def lock(self, lasts: timedelta = timedelta(seconds=30)) -> Lock: ...

    def journal(self, fence: Callable[[], int]) -> Journal: ...

    def until(self, true: Callable[[], bool]) -> None: ...

    def wait(self, seconds: float) -> None: ...


class MemoryPlace:
    """The twin."""

    def __init__(self) -> None:
        self._clock = SimulatedClock()
        self._world = platform.World(self._clock)
        self.good, self.crashing = {"app": "shop/app@sha256:2"}, {"app": "shop/app@sha256:3"}
        crash = PodFailure(kind=FailureKind.CRASH_LOOP, words="exit code 3")
        self._world.deployment.behaviours[self.crashing["app"]] = Behaviour(
            trouble=crash, words="cannot find the price list"
        )

    def cluster(self) -> Platform:
        return platform.MemoryPlatform(self._world)

    def lock(self, lasts: timedelta = timedelta(seconds=30)) -> Lock:
        return platform.MemoryLock(self._world, lasts=lasts)

    def journal(self, fence: Callable[[], int]) -> Journal:
        return platform.MemoryJournal(self._world)

    def until(self, true: Callable[[], bool]) -> None:
        for _ in range(300):
            if true():
                return
            self.wait(1)
        pytest.fail("did not come true in five minutes")

    def wait(self, seconds: float) -> None:
        self._clock.sleep(seconds)


class KubernetesPlace:
    """A real cluster."""

    name = "contract"

    def __init__(self) -> None:
        import time  # noqa: PLC0415 -- real time passes only here

        self.wait = time.sleep
        self._lab: KubeLab = kube_lab()
        self.workload = Workload(namespace=NAMESPACE, name=self.name)
        self.good, self.crashing = {"shop": self._lab.image("v2")}, {"shop": self._lab.image("crash", CRASH)}
        self._is_up = False
        self._apis: list[Any] = []

    def _api(self) -> Any:
        self._apis.append(self._lab.api())
        return self._apis[-1]

    def cluster(self) -> Platform:
        from davy.canary.platforms.kubernetes.deployment import KubernetesPlatform  # noqa: PLC0415
        from davy.canary.platforms.kubernetes.watches.feeds import ThreadFeed  # noqa: PLC0415
        from davy.canary.platforms.kubernetes.watches.mirror import Listening  # noqa: PLC0415

        if not self._is_up:
            self._lab.deployment(self.name, self._lab.image("v1"))
            self._is_up = True
        return KubernetesPlatform(self._api(), self.workload, listening=Listening(opened=ThreadFeed))

    def lock(self, lasts: timedelta = timedelta(seconds=30)) -> Lock:
        from davy.canary.platforms.kubernetes.lease import KubernetesLock  # noqa: PLC0415

        return KubernetesLock(self._api(), self.workload, lasts=lasts)

    def journal(self, fence: Callable[[], int]) -> Journal:
        from davy.canary.platforms.kubernetes.journal.journal import KubernetesJournal  # noqa: PLC0415
        from davy.canary.platforms.kubernetes.watches.feeds import ThreadFeed  # noqa: PLC0415
        from davy.canary.platforms.kubernetes.watches.mirror import Listening  # noqa: PLC0415

        return KubernetesJournal(self._api(), self.workload, fence=fence, listening=Listening(opened=ThreadFeed))

    def until(self, true: Callable[[], bool]) -> None:
        until(true)

    def gone(self) -> None:
        self._lab.gone(self.name)
        for api in self._apis:
            api.close()


PLACES = [
    pytest.param(MemoryPlace, id="memory"),
    pytest.param(SimulatedPlace, id="simulated"),
    pytest.param(KubernetesPlace, id="kubernetes", marks=pytest.mark.lab),
]

"""Machine: the computer that a runner or a person sits at: its clocks, its way to the API server, and its death."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from davy.canary.platforms.kubernetes.deployment import KubernetesPlatform
from davy.canary.platforms.kubernetes.journal.journal import KubernetesJournal
from davy.canary.platforms.kubernetes.lease import KubernetesLock
from davy.canary.platforms.kubernetes.watches.mirror import Listening
from davy.canary.platforms.memory.platform import Killed
from davy.pipeline.clients.kubernetes.access import Access
from davy.pipeline.clients.kubernetes.api import KubeApi
from davy.pipeline.clients.kubernetes.call import ApiRequest
from davy.pipeline.clients.kubernetes.host import Host
from davy.pipeline.core.verdict import Decision
from davy.pipeline.core.workload import Workload
from simulation.feeds import SimulatedFeed
from simulation.objects import EPOCH
from simulation.wire import Wire

if TYPE_CHECKING:
    from simulation.law import Era
    from simulation.world import World

BEGAN = datetime.fromtimestamp(EPOCH, UTC)
WORKLOAD = Workload(namespace="shop", name="checkout")
ACCESS = Access(server="http://api.invalid:6443", token="t", context="shop")


class Machine:
    """A davy process, and what stands below it. It is also the engine's Clock."""

    def __init__(self, world: World, name: str, *, ahead: float = 0.0, pace: float = 1.0) -> None:
        """`ahead`: seconds its wall clock is wrong by. `pace`: how much longer than asked its sleeps take."""
        self.world, self.name = world, name
        self._timeline = world.timeline
        self.ahead, self.pace = ahead, pace
        self.calls = 0
        self.watches = 0
        self.feeds: list[SimulatedFeed] = []
        self.bytes_read = 0
        """Of bodies and of what watches told."""
        self.kill_at: tuple[int, str] | None = None
        """Call and moment (`before`, `during`, `after`) of its death."""
        self.stalls: dict[int, float] = {}
        """By call, seconds for which the whole process is stopped before it."""
        self.stood_still = 0
        """How often it was stopped."""
        self.begun = ""
        """The release that it was ordered to begin."""
        self.dead = False
        self.is_over = False
        self.helpers = 0
        """How often something was begun beside the ticks."""
        self.touched = False
        """True once a write of its that moves the rollout was carried out."""
        self.last: Decision | None = None
        """What its judge said last."""
        self.condemned: Era | None = None
        """The rollout that its judge said to roll back."""
        self._interrupted = False
        self._wakes = False
        self._naps = False
        host = Host(wall=self.wall, monotonic=self.monotonic, connected=self.connected, asked=self.asked)
        self.api = KubeApi(ACCESS, sleep=self.doze, host=host)
        self.lock = KubernetesLock(self.api, WORKLOAD, sleep=self.doze, monotonic=self.monotonic)
        listening = Listening(opened=self.opened, monotonic=self.monotonic)
        self.cluster = KubernetesPlatform(self.api, WORKLOAD, listening=listening)
        world.machines[name] = self
        self.journal = KubernetesJournal(self.api, WORKLOAD, fence=lambda: self.lock.fence, listening=listening)

    # ---- clocks ----

    def wall(self) -> float:
        return EPOCH + self._timeline.now + self.ahead

    def monotonic(self) -> float:
        return 1000.0 + self._timeline.now

    def elapsed(self) -> timedelta:
        return timedelta(seconds=1000.0 + self._timeline.now)

    def now(self) -> datetime:
        return BEGAN + timedelta(seconds=self.world.timeline.now + self.ahead)

    def sleep(self, seconds: float) -> None:
        """The Clock's: the first signal ends one wait."""
        if not self._wakes:
            self._naps = True
            self.doze(seconds * self.pace)
            self._naps = False
        self._wakes = False

    def doze(self, seconds: float) -> None:
        """Sleep that no signal ends."""
        if self.dead:
            raise Killed
        self._timeline.sleep(seconds)
        if self.dead:
            raise Killed

    def interrupted(self) -> bool:
        return self._interrupted

    def interrupt(self) -> None:
        """As Ctrl-C or SIGTERM would."""
        if self.dead or self._interrupted:
            return
        self._interrupted = self._wakes = True
        if self._naps:
            self.world.timeline.rouse(self.name)

    # ---- life ----

    def live(self) -> None:
        """Raises Killed where it is dead: nothing of it acts any more."""
        if self.dead:
            raise Killed

    def die(self) -> None:
        self.dead = True
        raise Killed

    def connected(self, access: Access, tls: object, ends: float) -> Any:
        return Wire(self, ends)

    def opened(self, api: KubeApi, path: str, query: Mapping[str, Any], accept: str) -> SimulatedFeed:
        self.feeds.append(SimulatedFeed(self, path, query, accept))
        return self.feeds[-1]

    def asked(self, access: Access, wire: Any, ask: ApiRequest) -> Any:
        return wire.ask(ask)

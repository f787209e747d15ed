"""A stage for the canary's tests: a world in memory, scripted judges, faults, and runs played to their end."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from davy.canary.engine.driver.loop import Outcome, Patience
from davy.canary.engine.driver.ports import Ports
from davy.canary.engine.driver.rollout import Order, Resume, Start, rollout
from davy.canary.platforms.memory.deployment import template_hash
from davy.canary.platforms.memory.platform import Killed, MemoryJournal, MemoryLock, MemoryPlatform, World
from davy.canary.ports.judge import Judge
from davy.canary.routers.replicas import Replicas
from davy.pipeline.core.events import CanaryPolicy, Event, StepPlan
from davy.pipeline.core.verdict import Counts, Decision, Evidence, Gap, Pair, Verdict, Window
from davy.pipeline.core.workload import Sides
from davy.pipeline.simulated_clock import SimulatedClock

OLD = {"app": "shop/app@sha256:1"}
NEW = {"app": "shop/app@sha256:2"}
STABLE = template_hash(OLD)
MINUTE = timedelta(minutes=1)

Says = Callable[[Sides, datetime, float, int], Decision]


def good(sides: Sides, now: datetime, worse: float, windows: int) -> Decision:
    """Good enough at every second look."""
    return Decision.PROMOTE if windows % 2 == 0 else Decision.GO_ON


def bad(sides: Sides, now: datetime, worse: float, windows: int) -> Decision:
    """Failing from the third look on."""
    return Decision.ROLL_BACK if windows >= 3 else Decision.GO_ON


def shy(sides: Sides, now: datetime, worse: float, windows: int) -> Decision:
    return Decision.GO_ON


def deaf(sides: Sides, now: datetime, worse: float, windows: int) -> Decision:
    return Decision.UNKNOWN


def failing_at(pods: int) -> Says:
    """Good until `pods` canary pods serve, failing from there on."""

    def says(sides: Sides, now: datetime, worse: float, windows: int) -> Decision:
        return Decision.ROLL_BACK if len(sides.canary) >= pods else Decision.PROMOTE

    return says


@dataclass
class ScriptedJudge:
    """A judge whose state is the number of windows it has seen, so that forgetting shows."""

    says: Says
    interval: timedelta = timedelta(seconds=5)
    bad_rate: float = 0.0
    gap: Gap = Gap.UNREACHABLE
    windows: int = 0
    asked_worse: list[float] = field(default_factory=list)

    def look(self, sides: Sides, now: datetime, worse: float) -> Verdict:
        decision = self.says(sides, now, worse, self.windows + 1)
        self.asked_worse.append(worse)
        if decision is Decision.UNKNOWN:
            return Verdict(at=now, decision=decision, sentence="Nothing is known.", gaps={"availability": self.gap})
        self.windows += 1
        counts = Counts(bad=int(100 * self.bad_rate), total=100)
        return Verdict(
            at=now,
            decision=decision,
            sentence=f"The judge says {decision}.",
            evidence=(Evidence(metric="availability", canary=counts, stable=Counts(bad=0, total=100)),),
            windows=(Window(start=now - self.interval, end=now, counts={"availability": Pair(canary=counts)}),),
        )

    def recall(self, windows: Iterable[Window]) -> None:
        self.windows = len(list(windows))


def policy(clock: SimulatedClock, *pods: int, replicas: int = 4, **more: object) -> CanaryPolicy:
    """Steps of these many pods, and short times."""
    approve = bool(more.pop("approve", False))
    at_least = more.pop("at_least", timedelta(seconds=10))
    at_most = more.pop("at_most", None)
    steps = tuple(
        StepPlan(
            weight=100 * k / (replicas + k),
            pods=k,
            share=100 * k / (replicas + k),
            at_least=at_least,  # type: ignore[arg-type]
            at_most=at_most,  # type: ignore[arg-type]
            worse=2.0 + len(pods) - number,
            approve=approve,
        )
        for number, k in enumerate(pods, start=1)
    )
    values: dict[str, object] = {
        "warmup": timedelta(0),
        "ready_within": MINUTE,
        "promote_within": 2 * MINUTE,
        "bake": timedelta(seconds=20),
        "deadline": clock.now() + 10 * MINUTE,
    }
    return CanaryPolicy(steps=steps, replicas=replicas, **{**values, **more})  # type: ignore[arg-type]


class Fault:
    """Counts calls and does something at one of them; a killed runner's hands stay dead."""

    def __init__(self, at: int = -1, then: Callable[[], BaseException] | None = None, writes_only: bool = True) -> None:
        self.at = at
        self.then = then or Killed
        self.writes_only = writes_only
        self.calls: list[str] = []
        self.dead = False

    def __call__(self, name: str) -> None:
        if self.dead:
            raise Killed
        if self.writes_only and name.split()[1] in READS:
            return
        self.calls.append(name)
        if len(self.calls) - 1 == self.at:
            error = self.then()
            self.dead = isinstance(error, Killed)
            raise error


READS = ("snapshot", "surroundings", "renew", "read", "asked", "words", "release")


class Broken:
    """From a moment on, and for so long, calls that are meant raise what is said."""

    def __init__(
        self,
        stage: "Stage",
        meant: str,
        error: BaseException,
        after: timedelta = timedelta(seconds=20),
        lasts: timedelta = timedelta(days=1),
    ) -> None:
        """`meant`: words of which one is in the name of the call, as `before write`."""
        self.stage, self.meant, self.error = stage, meant.split(","), error
        self.begins = stage.clock.elapsed() + after
        self.ends = self.begins + lasts
        self.met = 0

    def __call__(self, name: str) -> None:
        inside = self.begins <= self.stage.clock.elapsed() < self.ends
        if inside and any(word in name for word in self.meant):
            self.met += 1
            raise self.error.with_traceback(None)  # One object raised again and again grows without end.


class Stage:
    """A world with a clock, and what was seen of it at every moment."""

    def __init__(self, replicas: int = 4) -> None:
        self.clock = SimulatedClock()
        self.world = World(self.clock, replicas=replicas, images=OLD)
        self.trace: list[tuple[int, int]] = []
        """(stable, canary) pods serving, at every step of time."""
        self.clock.whenever(lambda _: self.trace.append(self.world.serving(STABLE)))
        self.latest = self.clock.world_now() + timedelta(days=1)
        self.clock.whenever(self._ends)

    def _ends(self, now: datetime) -> None:
        """A runner that goes on for two simulated hours never ends: that fails the test."""
        assert now < self.latest, "it never ends"

    def ports(self, judge: Judge, fault: Callable[[str], None] | None = None) -> Ports:
        fault = fault or Fault()
        return Ports(
            platform=MemoryPlatform(self.world, fault),
            router=Replicas(),
            lock=MemoryLock(self.world, fault),
            journal=MemoryJournal(self.world, fault),
            judge=judge,
            clock=self.clock,
        )

    def start(self, policy: CanaryPolicy, release: str = "r1", runner: str = "ci-1") -> Start:
        return Start(release=release, workload=self.world.workload, images=NEW, policy=policy, runner=runner)

    def play(
        self,
        order: Order,
        judge: Judge,
        fault: Callable[[str], None] | None = None,
        on: Callable[[Event], None] = lambda _: None,
        patience: Patience | None = None,
    ) -> tuple[list[Event], Outcome]:
        """Every event and the outcome."""
        return self.driven(order, self.ports(judge, fault), on, patience)

    def driven(
        self,
        order: Order,
        ports: Ports,
        on: Callable[[Event], None] = lambda _: None,
        patience: Patience | None = None,
    ) -> tuple[list[Event], Outcome]:
        """The same with ports of one's own."""
        run, events = rollout(order, ports, patience), []
        self.latest = self.clock.world_now() + timedelta(hours=2)
        while True:
            try:
                event = next(run)
            except StopIteration as stop:
                return events, stop.value
            events.append(event)
            on(event)

    def resume(self, judge: ScriptedJudge, runner: str = "ci-2") -> tuple[list[Event], Outcome]:
        """Go on from a fresh runner after the lease has run out."""
        self.clock.sleep(60)
        return self.play(Resume(runner=runner), judge)

    @property
    def images(self) -> dict[str, str]:
        return self.world.deployment.images

    @property
    def serving(self) -> tuple[int, int]:
        return self.world.serving(STABLE)

    @property
    def is_as_it_was(self) -> bool:
        """No mark is left, and the strategy is the user's own."""
        rollout = self.world.deployment.rollout
        own = (rollout.surge, rollout.unavailable, rollout.min_ready, rollout.paused)
        return self.world.marks is None and not self.world.fenced and own == ("25%", "25%", timedelta(0), False)

"""Run: the same plan, played in the memory twins with simulated traffic. The machine and the judge are real."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from statistics import median

from davy.canary.engine import steps
from davy.canary.engine.driver.rollout import Ports, Start, rollout
from davy.canary.platforms.memory.deployment import Behaviour
from davy.canary.platforms.memory.platform import MemoryJournal, MemoryLock, MemoryPlatform, World
from davy.canary.ports.snapshot import FailureKind, PodFailure
from davy.checks.judges.sequential.judge import SequentialJudge
from davy.checks.metrics.memory import SimulatedMetrics
from davy.checks.traces import rules_text
from davy.pipeline.config.document import Config
from davy.pipeline.config.sections.objectives import SloConfig
from davy.pipeline.core.endings import Ending
from davy.pipeline.core.errors import Problem, Unusable
from davy.pipeline.core.events import Event, ReleaseFinished, ReleaseStarted, Stage, Warned
from davy.pipeline.core.text.time_text import shown
from davy.pipeline.core.verdict import Gap
from davy.pipeline.core.workload import Workload
from davy.pipeline.simulated_clock import SimulatedClock
from davy.workflows import wiring
from davy.workflows.release.rehearsal.traffic import Signal, Traffic
from davy.workflows.story.stages import End, Story, canary_stage, framed

OLD, NEW = "rehearsed@sha256:" + "a" * 64, "rehearsed@sha256:" + "b" * 64
CONTAINER = "app"


class Fault(StrEnum):
    """What goes wrong with the new version, or around it."""

    NONE = "none"
    NEVER_READY = "never-ready"
    CRASH_LOOP = "crash-loop"
    OOM = "oom"
    IMAGE_PULL = "image-pull"
    PROMETHEUS_DOWN = "prometheus-down"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is to be rehearsed."""

    rps: float = 100.0
    """Requests a second, over all pods."""
    replicas: int = 10
    errors: float = 0.001
    """Stable's share of errors, 0 to 1."""
    times: float = 1.0
    """The canary's share of errors is this many times stable's."""
    slow: float = 0.005
    """Stable's share of events over a latency SLO's bound."""
    latency_times: float = 1.0
    fault: Fault = Fault.NONE
    seed: int = 1


BEHAVIOURS = {
    Fault.NEVER_READY: Behaviour(ready_after=None, words="readiness probe failed: HTTP 503"),
    Fault.CRASH_LOOP: Behaviour(
        ready_after=None,
        trouble=PodFailure(kind=FailureKind.CRASH_LOOP, words="back-off restarting failed container, exit code 1"),
        trouble_after=timedelta(seconds=20),
        words="KeyError: 'DATABASE_URL'",
    ),
    Fault.OOM: Behaviour(
        trouble=PodFailure(kind=FailureKind.OUT_OF_MEMORY, words="OOMKilled, exit code 137"),
        trouble_after=timedelta(minutes=4),
        words="cache warmed: 498 MiB",
    ),
    Fault.IMAGE_PULL: Behaviour(
        ready_after=None,
        trouble=PodFailure(kind=FailureKind.IMAGE_PULL, words="ImagePullBackOff: manifest unknown"),
        trouble_after=timedelta(seconds=10),
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """How one rehearsal ended."""

    ending: Ending
    took: timedelta
    excess: float
    """Bad answers beyond what stable would have given."""
    canary_requests: int


class Rehearsal:
    """One play of a plan; `events` tells it, `play` sums it up when it has ended."""

    def __init__(self, config: Config, wish: Wish) -> None:
        """Raises Unusable where the plan cannot be played."""
        self._config, self._wish, self._given = rehearsed(config, wish), wish, config
        self.clock = SimulatedClock(grain=timedelta(seconds=1))
        self._world = World(self.clock, replicas=wish.replicas, images={CONTAINER: OLD})
        kubernetes = config.deploy.kubernetes
        self._world.workload = Workload(namespace=kubernetes.namespace, name=kubernetes.deployment)
        if behaviour := BEHAVIOURS.get(wish.fault):
            self._world.deployment.behaviours[NEW] = behaviour
        self._metrics = SimulatedMetrics()
        current = self._world.deployment.current_set()
        self._traffic = Traffic(
            self._world.deployment.pods,
            self._metrics,
            signals(config, wish),
            stable_hash=current.hash if current else "",
            rps=wish.rps,
            interval=config.checks.interval,
            seed=wish.seed,
        )
        self.clock.whenever(self._traffic.pass_time)
        # A past, so that the counters of stable were there before the canary.
        self.clock.sleep(2 * config.checks.interval.total_seconds())

    def events(self) -> Iterator[Event]:
        """The rehearsal, told as a release is."""
        started = ReleaseStarted(
            at=self.clock.now(),
            release=f"rehearsal-{self._wish.seed}",
            service=self._config.service,
            rehearsal=True,
            runner="nobody",
        )
        return framed(started, self.clock, self._told())

    def _told(self) -> Story:
        for warning in warnings(self._given, self._wish):
            yield Warned(at=self.clock.now(), what=warning)
        began = self.clock.now()
        if self._wish.fault is Fault.PROMETHEUS_DOWN:
            down = began + timedelta(seconds=30)
            self._metrics.fail(Gap.UNREACHABLE, down, down + timedelta(days=365))
        end = yield from canary_stage(self.clock, lambda: rollout(self._start(began), self._ports()))
        return End(ending=end.ending, sentence=f"{end.sentence}\n{self._felt()}", remedy=end.remedy)

    def _felt(self) -> str:
        canary, stable = self._traffic.canary, self._traffic.stable
        return (
            f"Simulated users sent {canary.total:,} requests to the canary and got {canary.bad:,} bad answers, "
            f"{max(self._traffic.excess, 0):,.0f} more than stable would have given; "
            f"stable gave {stable.bad:,} of {stable.total:,}."
        )

    def _start(self, now: datetime) -> Start:
        config = self._config
        return Start(
            release=f"rehearsal-{self._wish.seed}",
            workload=self._world.workload,
            images={CONTAINER: NEW},
            policy=steps.policy(
                config.canary,
                config.checks.worse,
                self._wish.replicas,
                now,
                router=wiring.router(),
                target=MemoryPlatform.terms.target,
            ),
            runner="rehearsal",
            rules=rules_text.text(config.checks),
        )

    def _ports(self) -> Ports:
        return Ports(
            platform=MemoryPlatform(self._world),
            router=wiring.router(),
            lock=MemoryLock(self._world),
            journal=MemoryJournal(self._world),
            judge=SequentialJudge(self._metrics, self._config.checks, self._config.canary.warmup),
            clock=self.clock,
        )

    def play(self, finished: ReleaseFinished) -> Play:
        """Its end in numbers."""
        return Play(
            ending=finished.ending,
            took=finished.took,
            excess=max(self._traffic.excess, 0.0),
            canary_requests=self._traffic.canary.total,
        )


def rehearsed(config: Config, wish: Wish) -> Config:
    """The configuration with each SLO reading the simulated service. Raises Unusable where nothing could be judged."""
    problems = []
    if config.checks.judge == "mannwhitney":
        what = (
            "is `mannwhitney`, and that cannot be rehearsed: there is no PromQL in memory for Kayenta's queries; "
            "`davy judge replay --judge mannwhitney` plays the rule on counts"
        )
        problems.append(Problem(path="checks.judge", what=what))
    elif not config.checks.slos:
        problems.append(Problem(path="checks.slos", what="is empty: a rehearsal simulates SLOs, not PromQL"))
    if wish.replicas < 1:
        problems.append(Problem(what="--replicas must be at least 1"))
    if problems:
        raise Unusable("There is nothing to rehearse.", problems=tuple(problems))
    sources = signals(config, wish)
    slos = tuple(_reading(slo, signal) for slo, signal in zip(config.checks.slos, sources, strict=True))
    changes = {"slos": slos, "judge": "sequential", "thresholds": (), "pod_label": "pod", "week_ago": False}
    if config.checks.dispersion == "auto":
        changes |= {"dispersion": 1.0}
    if config.checks.baseline == "fresh":
        changes |= {"baseline": "stable"}
    return config.copied(checks=config.checks.copied(**changes))


def _reading(slo: SloConfig, signal: Signal) -> SloConfig:
    if signal.bound:
        return slo.copied(histogram=f"{signal.metric}_bucket", bounds=())
    return slo.copied(total=f"{signal.metric}_total", errors=f"{signal.metric}_errors", good=None)


def signals(config: Config, wish: Wish) -> tuple[Signal, ...]:
    """What the simulated service exports for each SLO."""
    return tuple(
        Signal(
            name=slo.name,
            stable=wish.slow,
            canary=min(wish.slow * wish.latency_times, 1.0),
            bound=f"{slo.under.total_seconds():g}",
        )
        if slo.under is not None
        else Signal(name=slo.name, stable=wish.errors, canary=min(wish.errors * wish.times, 1.0))
        for slo in config.checks.slos
    )


def warnings(config: Config, wish: Wish) -> Iterator[str]:
    """Where the rehearsal cannot be like the real thing, and what the plan itself warns of."""
    yield from steps.planned(config.canary, config.checks.worse, wish.replicas, wiring.router()).warnings
    yield f"{Stage.BUILD} and {Stage.TEST} are not rehearsed"
    if config.checks.thresholds or config.checks.judge == "threshold":
        yield "threshold checks are not rehearsed: there is no PromQL in memory; the SLOs are judged sequentially"
    if config.checks.dispersion == "auto":
        yield "simulated errors come one by one; how real ones cluster, the judge measures on the stable pods' past"
    if config.checks.baseline == "fresh":
        yield "baseline pods are not rehearsed: the canary is compared with the stable pods"
    if any(step.approve for step in config.canary.steps):
        yield "nobody approves in a rehearsal: a step with `approve` waits until its time is over"


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """Plays that ended alike."""

    ending: Ending
    count: int
    of: int
    took: timedelta
    """Median."""
    excess: float
    """Median of the bad answers beyond stable's."""
    most_excess: float


def shares(plays: tuple[Play, ...]) -> tuple[Share, ...]:
    """By ending, the most frequent first."""
    groups: dict[Ending, list[Play]] = {}
    for play in plays:
        groups.setdefault(play.ending, []).append(play)
    return tuple(
        Share(
            ending=ending,
            count=len(group),
            of=len(plays),
            took=timedelta(seconds=median(play.took.total_seconds() for play in group)),
            excess=median(play.excess for play in group),
            most_excess=max(play.excess for play in group),
        )
        for ending, group in sorted(groups.items(), key=lambda item: -len(item[1]))
    )


def table(found: tuple[Share, ...], words: dict[Ending, str]) -> str:
    """For people, a line for each ending."""
    rows = [f"{'ended':<14}{'share':>16}{'median time':>13}{'median excess':>15}{'most excess':>13}"]
    rows += [
        f"{words[share.ending]:<14}{f'{share.count} of {share.of}, {100 * share.count / share.of:.0f} %':>16}"
        f"{shown(share.took):>13}{share.excess:>15,.0f}{share.most_excess:>13,.0f}"
        for share in found
    ]
    return "\n".join([*rows, "excess: bad answers served beyond what stable would have given to the same requests"])

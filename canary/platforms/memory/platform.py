"""Platform: twins of the canary's ports, for tests and rehearsals. One world; every runner has its own hands on it."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from davy.canary.platforms.held_update import HELD_UPDATE
from davy.canary.platforms.memory.deployment import Rollout, SimulatedDeployment, held, restore_of, rollout_of
from davy.canary.ports.journal import Past
from davy.canary.ports.lock import Holder
from davy.canary.ports.platform import Proposal, Speed
from davy.canary.ports.snapshot import Baseline, PodView, Snapshot
from davy.canary.ports.surroundings import Surroundings
from davy.pipeline.core.errors import Conflict, LockedOut, Missing
from davy.pipeline.core.events import Asked, CanaryFinished, CanaryStarted, Event, Judged, Restore
from davy.pipeline.core.json.codec import decode, encode
from davy.pipeline.core.verdict import Verdict
from davy.pipeline.core.workload import Workload
from davy.pipeline.simulated_clock import SimulatedClock

Before = Callable[[str], None]
"""Told `before size`, `after size` and so on; may raise."""


def nothing(_name: str) -> None:
    """No fault."""


class Killed(BaseException):
    """Stands for SIGKILL."""


class World:
    """A Deployment, a Lease and a journal, that outlive any runner."""

    def __init__(self, clock: SimulatedClock, *, replicas: int = 4, images: Mapping[str, str] | None = None) -> None:
        self.clock = clock
        self.workload = Workload(namespace="shop", name="checkout")
        self.deployment = SimulatedDeployment(images or {"app": "shop/app@sha256:1"}, replicas, clock.world_now())
        self.baseline: Baseline | None = None
        self.surroundings = Surroundings(strategy="RollingUpdate", containers=self.deployment.images)
        self.marks: Proposal | None = None
        """What the annotations say."""
        self.fence = 0
        self.fenced = False
        self.holder: Holder | None = None
        self.last_fence = 0
        self.journal: list[str] = []
        self.asked: list[Asked] = []
        self.past: list[Past] = []
        clock.whenever(self.deployment.reconcile)

    def serving(self, stable_hash: str) -> tuple[int, int]:
        """Pods that get traffic now: (stable, canary)."""
        now = self.clock.world_now()
        sides = [pod.hash == stable_hash for pod in self.deployment.pods() if pod.ready_since(now)]
        return sides.count(True), sides.count(False)


class MemoryPlatform:
    """The Deployment, as one runner reaches it."""

    terms = HELD_UPDATE

    def __init__(self, world: World, fault: Before = nothing) -> None:
        self._world = world
        self._fault = fault
        self._fence: int | None = None

    def snapshot(self) -> Snapshot:
        """As the port says."""
        self._fault("before snapshot")
        world, now = self._world, self._world.clock.world_now()
        deployment, marks = world.deployment, world.marks
        current = deployment.current_set()
        snapshot = Snapshot(
            workload=world.workload,
            replicas=deployment.replicas,
            images=dict(deployment.images),
            hash=current.hash if current else "",
            is_current=deployment.observed,
            is_frozen=deployment.rollout.paused,
            size=int(surge) if (surge := deployment.rollout.surge).isdecimal() else None,
            own=restore_of(deployment),
            held=marks.restore if marks else None,
            release=marks.release if marks else "",
            stable_hash=marks.stable_hash if marks else "",
            baseline=world.baseline,
            marked=marks is not None,
            traces=marks is not None or world.fenced,
            at=now,
            pods=tuple(
                PodView(
                    name=pod.name,
                    hash=pod.hash,
                    ready=pod.ready_since(now) is not None,
                    serving=pod.ready_since(now) is not None,
                    created_at=pod.made_at,
                    ready_since=pod.ready_since(now),
                    trouble=pod.trouble(now),
                )
                for pod in deployment.pods()
            ),
        )
        self._fault("after snapshot")
        return snapshot

    def surroundings(self) -> Surroundings:
        """As the port says."""
        self._fault("before surroundings")
        return self._world.surroundings

    def take(self, fence: int) -> None:
        """As the port says."""
        self._fault("before take")
        if self._world.fenced and fence < self._world.fence:
            raise Conflict("a newer runner has written its fence")
        self._fence = self._world.fence = fence
        self._world.fenced = True
        self._fault("after take")

    def untake(self) -> None:
        """As the port says."""
        self._write("untake", lambda: setattr(self._world, "fenced", False))

    def propose(self, proposal: Proposal, pods: int) -> None:
        """As the port says."""

        def write() -> None:
            self._world.marks, deployment = proposal, self._world.deployment
            deployment.changed(images=proposal.images, rollout=held(deployment.rollout, pods))

        self._write("propose", write)

    def size(self, pods: int) -> None:
        """As the port says."""
        self._roll("size", lambda rollout: held(rollout, pods))

    def freeze(self) -> None:
        """As the port says."""
        self._roll("freeze", lambda rollout: replace(rollout, paused=True))

    def complete(self, before: Restore) -> None:
        """As the port says."""
        self._roll("complete", lambda _: rollout_of(before))

    def restore(self, before: Restore, speed: Speed, bad_pods: int) -> None:
        """As the port says."""
        rollout = rollout_of(before)
        if speed is Speed.STABLE_FIRST:
            rollout = replace(rollout, surge="100%", unavailable="0")
        if speed is Speed.CANARY_FIRST:
            rollout = replace(rollout, surge="100%", unavailable=str(bad_pods))
        self._write("restore", lambda: self._world.deployment.changed(images=before.images, rollout=rollout))

    def settle(self, before: Restore) -> None:
        """As the port says: the fence goes with the marks."""

        def write() -> None:
            self._world.deployment.changed(rollout=rollout_of(before))
            self._world.marks = None
            self._world.fenced = False

        self._write("settle", write)

    def words(self, pod: str) -> str:
        """As the port says."""
        self._fault("before words")
        return next((each.behaviour.words for each in self._world.deployment.pods() if each.name == pod), "")

    def _roll(self, name: str, change: Callable[[Rollout], Rollout]) -> None:
        kept = self._world.deployment
        self._write(name, lambda: kept.changed(rollout=change(kept.rollout)))

    def _write(self, name: str, write: Callable[[], None]) -> None:
        self._fault(f"before {name}")
        if self._fence != self._world.fence:
            raise Conflict("the Deployment carries a newer fence: another runner took over")
        write()
        self._fault(f"after {name}")


class MemoryLock:
    """The Lease, as one runner reaches it."""

    def __init__(self, world: World, fault: Before = nothing, lasts: timedelta = timedelta(seconds=30)) -> None:
        self._world = world
        self._fault = fault
        self._lasts = lasts
        self._mine: int | None = None

    def acquire(self, runner: str) -> int:
        """As the port says."""
        self._fault("before acquire")
        world, now = self._world, self._world.clock.world_now()
        if world.holder and not world.holder.lost(now) and world.holder.fence != self._mine:
            raise LockedOut(f"{world.holder.runner} holds {world.workload} since {world.holder.since:%H:%M:%S}")
        world.last_fence += 1
        self._mine = world.last_fence
        world.holder = Holder(runner=runner, fence=self._mine, since=now, renewed_at=now, lasts=self._lasts)
        self._fault("after acquire")
        return self._mine

    def renew(self) -> None:
        """As the port says."""
        self._fault("before renew")
        holder = self._world.holder
        if holder is None or holder.fence != self._mine:
            raise LockedOut("the lock is no longer ours" + (f", {holder.runner} holds it" if holder else ""))
        self._world.holder = replace(holder, renewed_at=self._world.clock.world_now())

    def release(self) -> None:
        """As the port says."""
        self._fault("before release")
        if self._world.holder and self._world.holder.fence == self._mine:
            self._world.holder = None
        self._mine = None

    def holder(self) -> Holder | None:
        """As the port says."""
        return self._world.holder


class MemoryJournal:
    """The journal, as one runner reaches it. Events are kept as text, as in a cluster."""

    def __init__(self, world: World, fault: Before = nothing) -> None:
        self._world = world
        self._fault = fault

    def write(self, events: Sequence[Event]) -> None:
        """As the port says."""
        self._fault("before write")
        begun = any('"CanaryStarted"' in line for line in self._world.journal)
        if events and not (begun or isinstance(events[0], CanaryStarted)):
            raise Missing("there is no journal of this rollout")
        for event in events:
            if isinstance(event, CanaryStarted):
                self._begin_anew(event)
            self._world.journal.append(json.dumps(encode(_compact(event))))
        self._fault("after write")

    def read(self) -> tuple[Event, ...]:
        """As the port says."""
        self._fault("before read")
        return tuple(decode(json.loads(line)) for line in self._world.journal)

    def ask(self, asked: Asked) -> None:
        """As the port says."""
        self._world.asked.append(asked)

    def asked(self) -> tuple[Asked, ...]:
        """As the port says."""
        self._fault("before asked")
        return tuple(self._world.asked)

    def history(self) -> tuple[Past, ...]:
        """As the port says."""
        return tuple(self._world.past[:10])

    def _begin_anew(self, started: CanaryStarted) -> None:
        """A beginning that is written again is the same rollout."""
        events = tuple(decode(json.loads(line)) for line in self._world.journal)
        if events and isinstance(events[0], CanaryStarted) and events[0].release != started.release:
            self._world.past.insert(0, _past(events[0], events[-1]))
        self._world.journal.clear()
        self._world.asked.clear()


def _compact(event: Event) -> Event:
    """Of a look only what folds into evidence is kept."""
    if not isinstance(event, Judged):
        return event
    seen = event.verdict
    return replace(event, verdict=Verdict(at=seen.at, decision=seen.decision, sentence="", windows=seen.windows))


def _past(first: CanaryStarted, last: Event) -> Past:
    end = last if isinstance(last, CanaryFinished) else None
    return Past(
        release=first.release,
        started_at=first.at,
        ended_at=last.at,
        ending=end.ending.name.lower() if end else "lost",
        sentence=end.sentence if end else "",
        images=first.images,
    )

"""Deployment: a small, faithful model of the Deployment controller, as far as a held rolling update leans on it.

What it keeps to (Kubernetes' pkg/controller/deployment: rolling.go, sync.go): the new ReplicaSet grows while the total
is below replicas + maxSurge; old ones shrink by what is available above replicas - maxUnavailable, pods that are not
available first; a pod is available after minReadySeconds of Ready; a paused Deployment rolls nothing, yet a change of
`replicas` scales all its ReplicaSets in proportion; both limits at 0 mean maxUnavailable 1.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256

from davy.canary.ports.snapshot import PodFailure
from davy.pipeline.core.events import Restore
from davy.pipeline.core.json import tree


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """How pods of an image behave."""

    ready_after: timedelta | None = timedelta(seconds=3)
    """From being made to Ready; None: never."""
    trouble: PodFailure | None = None
    trouble_after: timedelta = timedelta(0)
    """From being made; the pod is not Ready from then on."""
    words: str = ""
    """What its log says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """`spec.strategy` with what else holds or hurries a rolling update."""

    surge: str = "25%"
    unavailable: str = "25%"
    min_ready: timedelta = timedelta(0)
    paused: bool = False


@dataclass(slots=True, kw_only=True)
class SimulatedPod:
    """A pod."""

    name: str
    hash: str
    made_at: datetime
    behaviour: Behaviour

    def ready_since(self, now: datetime) -> datetime | None:
        """Since when it is Ready; None while it is not."""
        after = self.behaviour.ready_after
        if after is None or self.trouble(now) or self.made_at + after > now:
            return None
        return self.made_at + after

    def trouble(self, now: datetime) -> PodFailure | None:
        """What keeps it from working."""
        begun = self.made_at + self.behaviour.trouble_after <= now
        return self.behaviour.trouble if begun else None


@dataclass(slots=True, kw_only=True)
class SimulatedSet:
    """A ReplicaSet."""

    hash: str
    images: tuple[str, ...]
    min_ready: timedelta
    pods: list[SimulatedPod] = field(default_factory=list)

    def available(self, now: datetime) -> list[SimulatedPod]:
        """Its pods that count."""
        return [pod for pod in self.pods if (since := pod.ready_since(now)) and since + self.min_ready <= now]


def template_hash(images: Mapping[str, str]) -> str:
    """What stands for Kubernetes' `pod-template-hash`."""
    return sha256(repr(sorted(images.items())).encode()).hexdigest()[:10]


def resolved(value: str, replicas: int, *, up: bool) -> int:
    """`25%` or `3` as pods: surge rounds up, unavailable down."""
    if not value.endswith("%"):
        return int(value)
    percent = int(value[:-1]) * replicas
    return -(-percent // 100) if up else percent // 100


class SimulatedDeployment:
    """A Deployment, its controller and its pods."""

    def __init__(self, images: Mapping[str, str], replicas: int, now: datetime) -> None:
        self.images = dict(images)
        self.replicas = replicas
        self.rollout = Rollout()
        self.behaviours: dict[str, Behaviour] = {}
        """By image; any other is Ready in 3 s and stays so."""
        self.sets: dict[str, SimulatedSet] = {}
        self.observed = True
        self._scaled_for = replicas
        self._pods_made = 0
        first = self._set_for_template()
        self._grow(first, replicas, now - timedelta(hours=1))

    def changed(self, images: Mapping[str, str] | None = None, rollout: Rollout | None = None) -> None:
        """A write of the spec; the controller sees it at the next step of time."""
        self.images = {**self.images, **(images or {})}
        self.rollout = rollout or self.rollout
        self.observed = False

    def reconcile(self, now: datetime) -> None:
        """One round of the controller."""
        self.observed = True
        if self.replicas != self._scaled_for:
            self._scale_all(now)
        new = self.sets.get(template_hash(self.images))
        if new:
            new.min_ready = self.rollout.min_ready
        if not self.rollout.paused:
            self._roll(self._set_for_template(), now)

    def pods(self) -> list[SimulatedPod]:
        """All pods, oldest first."""
        return sorted(
            (pod for each in self.sets.values() for pod in each.pods), key=lambda pod: (pod.made_at, pod.name)
        )

    def current_set(self) -> SimulatedSet | None:
        """The ReplicaSet of the template; None until the controller made it."""
        return self.sets.get(template_hash(self.images))

    def _set_for_template(self) -> SimulatedSet:
        name = template_hash(self.images)
        fresh = SimulatedSet(hash=name, images=tuple(self.images.values()), min_ready=self.rollout.min_ready)
        return self.sets.setdefault(name, fresh)

    def _limits(self) -> tuple[int, int]:
        surge = resolved(self.rollout.surge, self.replicas, up=True)
        unavailable = resolved(self.rollout.unavailable, self.replicas, up=False)
        return surge, (unavailable if surge or unavailable else 1)

    def _roll(self, new: SimulatedSet, now: datetime) -> None:
        surge, unavailable = self._limits()
        total = len(self.pods())
        room = min(self.replicas + surge - total, self.replicas - len(new.pods))
        if room > 0:
            self._grow(new, room, now)
            return
        if len(new.pods) > self.replicas:
            self._shrink(new, len(new.pods) - self.replicas, now)
            return
        floor = self.replicas - unavailable
        missing = len(new.pods) - len(new.available(now))
        may_go = total - floor - missing
        for old in self._old(new):
            sick = len(old.pods) - len(old.available(now))
            gone = min(sick, max(may_go, 0))
            self._shrink(old, gone, now)
            may_go -= gone
        above = sum(len(each.available(now)) for each in self.sets.values()) - floor
        for old in self._old(new):
            gone = min(len(old.pods), max(above, 0))
            self._shrink(old, gone, now)
            above -= gone

    def _old(self, new: SimulatedSet) -> list[SimulatedSet]:
        return [each for each in self.sets.values() if each is not new and each.pods]

    def _scale_all(self, now: datetime) -> None:
        """Proportional scaling: every ReplicaSet by its share of the pods allowed."""
        surge, _ = self._limits()
        before, after = len(self.pods()), self.replicas
        active = [each for each in self.sets.values() if each.pods]
        if len(active) > 1:
            after = round(before * (self.replicas + surge) / (self._scaled_for + surge))
        sizes = {each.hash: round(len(each.pods) * after / before) for each in active} if before else {}
        for each in active:
            size = sizes[each.hash]
            self._grow(each, size - len(each.pods), now)
            self._shrink(each, len(each.pods) - size, now)
        self._scaled_for = self.replicas

    def _grow(self, each: SimulatedSet, more: int, now: datetime) -> None:
        known = [self.behaviours[image] for image in each.images if image in self.behaviours]
        behaviour = known[0] if known else Behaviour()
        for _ in range(more):
            self._pods_made += 1
            name = f"{each.hash}-{self._pods_made}"
            each.pods.append(SimulatedPod(name=name, hash=each.hash, made_at=now, behaviour=behaviour))

    def _shrink(self, each: SimulatedSet, fewer: int, now: datetime) -> None:
        """Pods that are not Ready go first, then the youngest."""
        order = sorted(each.pods, key=lambda pod: (pod.ready_since(now) is not None, -pod.made_at.timestamp()))
        for pod in order[: max(fewer, 0)]:
            each.pods.remove(pod)


def held(rollout: Rollout, surge: int) -> Rollout:
    """The hold: `surge` more pods, none fewer, none ever available."""
    return replace(rollout, surge=str(surge), unavailable="0", min_ready=timedelta(days=7), paused=False)


def restore_of(deployment: SimulatedDeployment) -> Restore:
    """Its own settings, as they are put back."""
    rollout = deployment.rollout
    limits = {"maxSurge": rollout.surge, "maxUnavailable": rollout.unavailable}
    return Restore(
        images=dict(deployment.images),
        strategy=tree.compact({"rollingUpdate": limits, "type": "RollingUpdate"}),
        min_ready_seconds=int(rollout.min_ready.total_seconds()) or None,
    )


def rollout_of(restore: Restore) -> Rollout:
    """The settings that a Restore says."""
    limits = json.loads(restore.strategy)["rollingUpdate"]
    return Rollout(
        surge=limits["maxSurge"],
        unavailable=limits["maxUnavailable"],
        min_ready=timedelta(seconds=restore.min_ready_seconds or 0),
    )

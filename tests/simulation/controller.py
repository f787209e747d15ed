"""Controller: the Deployment and ReplicaSet controllers of the simulated cluster.

It keeps to Kubernetes' pkg/controller/deployment (rolling.go, sync.go) step by step: a paused or scaled Deployment is
only scaled, all its ReplicaSets in proportion; else the new ReplicaSet grows below replicas + maxSurge, and old ones
shrink by what is available above replicas - maxUnavailable, pods that are not available first. One round a moment, with
a lag between them, so that every state in between is seen.
https://github.com/kubernetes/kubernetes/tree/v1.34.0/pkg/controller/deployment
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random

from simulation.objects import Doc
from simulation.pods import NEVER, Nature, Pod, ReplicaSet, template_hash
from simulation.timeline import Timeline

DAY = 86_400.0
NOT_COPIED = ("kubectl.kubernetes.io/last-applied-configuration", "deployment.kubernetes.io/revision")


def resolved(value: int | str, replicas: int, *, up: bool) -> int:
    """`25%` or 3 as pods."""
    if not isinstance(value, str):
        return value
    percent = int(value[:-1]) * replicas
    return -(-percent // 100) if up else percent // 100


def limits(spec: Doc) -> tuple[int, int]:
    """maxSurge and maxUnavailable as pods: both at 0 mean one may be unavailable."""
    rolling = spec["strategy"]["rollingUpdate"]
    surge = resolved(rolling["maxSurge"], spec["replicas"], up=True)
    unavailable = resolved(rolling["maxUnavailable"], spec["replicas"], up=False)
    return surge, min(unavailable if surge or unavailable else 1, spec["replicas"])


class Controller:
    """Makes the pods what `spec()` asks for."""

    def __init__(
        self,
        timeline: Timeline,
        chance: Random,
        deployment: Callable[[], Doc],
        changed: Callable[[], None],
        natures: Mapping[str, Nature],
    ) -> None:
        """`changed`: called after every round that changed a pod or a ReplicaSet."""
        self._timeline, self._chance = timeline, chance
        self._deployment, self._changed, self.natures = deployment, changed, natures
        self.sets: list[ReplicaSet] = []
        self.observed = 0
        self.revision = 0
        self.version = 0
        """Grows whenever a pod or a ReplicaSet looks different."""
        self._made = 0
        self._synced_at = NEVER
        self._due_at = NEVER

    # ---- what others see ----

    def pods(self) -> list[Pod]:
        return [pod for each in self.sets for pod in each.pods]

    def current(self) -> ReplicaSet | None:
        """The ReplicaSet of the template."""
        wanted = template_hash(self._deployment()["spec"]["template"])
        return next((each for each in self.sets if each.hash == wanted), None)

    def serving(self, image: str) -> tuple[int, int]:
        """Pods that get traffic: (of this image, of others)."""
        now, ours, others = self._timeline.now, 0, 0
        for each in self.sets:
            ready = each.ready(now)
            if each.image == image:
                ours += ready
            else:
                others += ready
        return ours, others

    def awake(self) -> None:
        """The Deployment changed: a round will come."""
        at = self._timeline.now + self._chance.uniform(0.005, 0.2)
        if at < self._synced_at:
            self._synced_at = at
            self._timeline.at(at, self._sync)

    # ---- rounds ----

    def start(self, long_ago: float) -> None:
        """The Deployment has been there for long, whole."""
        spec = self._deployment()["spec"]
        new = self._made_set(spec, -long_ago)
        new.size = new.desired = spec["replicas"]
        new.most = spec["replicas"] + limits(spec)[0]
        for _ in range(new.size):
            self._make(new, -long_ago)
        self.observed = 1

    def _sync(self) -> None:
        if self._timeline.now < self._synced_at:
            return
        self._synced_at = NEVER
        deployment = self._deployment()
        changed = self._round(deployment["spec"], deployment["metadata"].get("annotations") or {})
        changed = self._fill() or changed
        if changed or self.observed != deployment["metadata"]["generation"]:
            self.observed = deployment["metadata"]["generation"]
            self.version += 1
            self._changed()
        if changed:
            self.awake()
        self._look_ahead()

    def _due(self) -> None:
        """A pod looks different by itself, or is gone."""
        now = self._timeline.now
        if now < self._due_at:
            return
        self._due_at = NEVER
        for each in self.sets:
            each.pods = [pod for pod in each.pods if pod.gone_at > now]
        self.version += 1
        self._changed()
        self.awake()
        self._look_ahead()

    def _look_ahead(self) -> None:
        now, limit = self._timeline.now, min(self._due_at, self._timeline.now + DAY)
        first = limit
        for each in self.sets:
            for pod in each.pods:
                available = pod.made_at + pod.nature.ready_after + each.min_ready
                for at in (*pod.changes_at(), available, pod.gone_at):
                    if now < at < first:
                        first = at
        if first < limit:
            self._due_at = first
            self._timeline.at(first, self._due)

    def _round(self, spec: Doc, notes: Mapping[str, str]) -> bool:
        new = self.current()
        if spec.get("paused") or self._is_scaling(spec):
            return self._scale(spec, new)
        changed = new is None
        if new is None:
            new = self._made_set(spec, self._timeline.now)
        self._renew(new, spec, notes)
        return self._grow(spec, new) or self._shrink(spec, new) or changed

    def _made_set(self, spec: Doc, at: float) -> ReplicaSet:
        self.revision += 1
        name = template_hash(spec["template"])
        made = ReplicaSet(name, spec["template"], at, self.revision, spec.get("minReadySeconds", 0))
        self.sets.append(made)
        return made

    def _renew(self, new: ReplicaSet, spec: Doc, notes: Mapping[str, str]) -> None:
        if new.revision != self.revision:
            self.revision += 1
            new.revision = self.revision
        new.min_ready = spec.get("minReadySeconds", 0)
        new.notes = {key: value for key, value in notes.items() if key not in NOT_COPIED}

    def _is_scaling(self, spec: Doc) -> bool:
        return any(each.size and each.desired != spec["replicas"] for each in self.sets)

    def _sized(self, spec: Doc, each: ReplicaSet, size: int) -> bool:
        """Scaled to `size`; True where that changed it."""
        changed = each.size != size
        each.size, each.desired = size, spec["replicas"]
        each.most = spec["replicas"] + limits(spec)[0]
        return changed

    def _grow(self, spec: Doc, new: ReplicaSet) -> bool:
        replicas = spec["replicas"]
        if new.size >= replicas:
            return new.size > replicas and self._sized(spec, new, replicas)
        room = replicas + limits(spec)[0] - sum(each.size for each in self.sets)
        return room > 0 and self._sized(spec, new, new.size + min(room, replicas - new.size))

    def _shrink(self, spec: Doc, new: ReplicaSet) -> bool:
        """Old ReplicaSets: first pods that are not available, then what is above the floor."""
        now, old = self._timeline.now, [each for each in self.sets if each is not new and each.size]
        floor = spec["replicas"] - limits(spec)[1]
        most = sum(each.size for each in self.sets) - floor - (new.size - new.available(now))
        if not old or most <= 0:
            return False
        changed, gone = False, 0
        for each in old:
            sick = min(most - gone, max(each.size - each.available(now), 0))
            changed = (sick > 0 and self._sized(spec, each, each.size - sick)) or changed
            gone += sick
        # The status still counts pods that go with this round: it is asked before they are gone.
        above = sum(min(each.available(now), each.size) for each in self.sets) - floor
        for each in old:
            fewer = min(each.size, max(above, 0))
            changed = (fewer > 0 and self._sized(spec, each, each.size - fewer)) or changed
            above -= fewer
        return changed

    def _scale(self, spec: Doc, new: ReplicaSet | None) -> bool:
        """Every ReplicaSet by its share of the pods allowed."""
        replicas, active = spec["replicas"], [each for each in self.sets if each.size]
        if len(active) <= 1:
            only = active[0] if active else new
            return only is not None and only.desired != replicas and self._sized(spec, only, replicas)
        if new is not None and new.size == new.desired == replicas == new.available(self._timeline.now):
            return sum(self._sized(spec, each, 0) for each in active if each is not new) > 0
        allowed = replicas + limits(spec)[0] if replicas else 0
        to_add = allowed - sum(each.size for each in active)
        order = sorted(active, key=lambda each: (-each.size, -each.made_at if to_add > 0 else each.made_at))
        sizes, added = [], 0
        for each in order:
            part = self._part(each, allowed, to_add, added)
            sizes.append(each.size + part)
            added += part
        sizes[0] += to_add - added
        return sum(self._sized(spec, each, max(size, 0)) for each, size in zip(order, sizes, strict=True)) > 0

    def _part(self, each: ReplicaSet, allowed: int, to_add: int, added: int) -> int:
        if not to_add or to_add == added:
            return 0
        wished = -each.size if not allowed else int(each.size * allowed / (each.most or allowed) + 0.5) - each.size
        left = to_add - added
        return min(wished, left) if to_add > 0 else max(wished, left)

    # ---- pods ----

    def _fill(self) -> bool:
        changed, now = False, self._timeline.now
        for each in self.sets:
            living = each.living()
            for _ in range(each.size - len(living)):
                self._make(each, now)
                changed = True
            if len(living) > each.size:
                # Those that are not Ready first, then the youngest.
                order = sorted(living, key=lambda pod: (pod.is_ready(now), -pod.made_at))
                for pod in order[: len(living) - each.size]:
                    pod.deleted_at, pod.gone_at = now, now + self._chance.uniform(0.5, 3.0)
                    changed = True
        return changed

    def _make(self, each: ReplicaSet, at: float) -> None:
        self._made += 1
        nature = self.natures.get(each.image) or Nature()
        each.pods.append(Pod(f"{each.name}-{self._made}", each, at, nature))

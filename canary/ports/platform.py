"""Platform: the cluster, the lock, the journal, the judge. In the canary's words, safe to repeat."""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from davy.pipeline.core.events import Restore
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.workload import ReadyPod, Workload


class TroubleKind(StrEnum):
    """Ways a pod cannot work that need no statistics."""

    CRASH_LOOP = "crash_loop"
    IMAGE_PULL = "image_pull"
    NEVER_READY = "never_ready"
    OUT_OF_MEMORY = "out_of_memory"
    CONFIG_ERROR = "config_error"
    UNSCHEDULABLE = "unschedulable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What Kubernetes says of a pod that cannot work."""

    kind: TroubleKind
    words: str
    """Reason, message, exit code, as Kubernetes has them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PodView:
    """One pod of the Deployment."""

    name: str
    hash: str
    """Its `pod-template-hash`: the side it is on."""
    ready: bool
    serving: bool
    """In an EndpointSlice as ready, or, where no Service selects it, Ready and not terminating."""
    created_at: datetime
    ready_since: datetime | None = None
    terminating: bool = False
    trouble: Trouble | None = None
    ip: str = ""
    """Empty until it has one."""
    port: int = 0
    """Where a Service sends its traffic to, else its first container port; 0 where neither is said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """A Deployment of the user's own that runs fresh pods of the stable version, to compare the canary with."""

    name: str
    images: Mapping[str, str] = field(default_factory=dict)
    """By container; none where there is no such Deployment."""
    pods: tuple[PodView, ...] = ()
    """Those of its present template."""

    def runs(self, images: Mapping[str, str]) -> bool:
        """Every one of these containers is there, with the same image."""
        return bool(images) and all(self.images.get(container) == image for container, image in images.items())

    def ready_pods(self, stable: Mapping[str, str]) -> tuple[ReadyPod, ...]:
        """Those that are Ready; none once their Deployment has got another image than `stable`."""
        if not self.runs(stable):
            return ()
        return tuple(
            ReadyPod(name=pod.name, ready_since=pod.ready_since)
            for pod in self.pods
            if pod.ready_since and not pod.terminating
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The Deployment and its pods at one moment."""

    workload: Workload
    replicas: int
    """`spec.replicas`."""
    images: Mapping[str, str]
    """By container, as the Deployment's template has them now."""
    template_hash: str
    """`pod-template-hash` of the ReplicaSet that has the template now; empty until Kubernetes made it."""
    seen: bool
    """True once the Deployment controller has seen the last write (observedGeneration)."""
    paused: bool
    surge: str
    """`maxSurge` now, as text."""
    own: Restore
    """Strategy, minReadySeconds and progress deadline as they stand now: before a rollout began, what to restore."""
    held: Restore | None
    """What the annotation of a rollout in progress says to restore; None where none is in progress."""
    release: str = ""
    """Of the rollout in progress, from the annotation."""
    stable_hash: str = ""
    """Of the rollout in progress, from the annotation."""
    pods: tuple[PodView, ...] = ()
    baseline: Baseline | None = None
    """None where none is kept."""
    marked: bool = False
    """True where it says that a rollout is in progress, even where what to restore cannot be read."""
    traces: bool = False
    """True where anything of davy's is written on it."""
    notes: tuple[str, ...] = ()
    """What of the marks could not be read, and what was taken instead."""
    at: datetime | None = None
    """When, by the API server's clock; None where that is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Autoscaler:
    """An HPA that scales the Deployment."""

    name: str
    at_least: int
    at_most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """A PodDisruptionBudget that selects its pods."""

    name: str
    allowed: int
    """Disruptions allowed now."""
    rule: str
    """`maxUnavailable: 0`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What is asked once, before anything is touched."""

    strategy: str
    """`RollingUpdate` or `Recreate`."""
    containers: Mapping[str, str]
    """Image by container."""
    without_readiness: tuple[str, ...] = ()
    """Containers with no readiness probe."""
    autoscalers: tuple[Autoscaler, ...] = ()
    budgets: tuple[Budget, ...] = ()
    missing_rights: tuple[str, ...] = ()
    """As `patch deployments.apps`, what these credentials may not do and davy needs."""
    managers: tuple[str, ...] = ()
    """Controllers that re-apply the Deployment (Argo CD, Flux), by their marks."""


class Speed(StrEnum):
    """How a rollback brings stable back."""

    WHOLE = "whole"
    """Stable is whole: the user's own strategy; the canary's pods go at once."""
    SURGE = "surge"
    """Stable pods come back before canary pods go: for canary pods that still are capacity."""
    REPLACE = "replace"
    """Canary pods go at once: for pods whose answers are worth nothing."""


class Cluster(Protocol):
    """The Deployment under release. Every write is one patch, refused with Conflict where the fence is not ours."""

    def standing(self) -> Standing:
        """Raises Missing, Forbidden, Unreachable."""
        ...

    def surroundings(self) -> Surroundings:
        """Read-only."""
        ...

    def take(self, fence: int) -> None:
        """Write the lock's fence onto the Deployment: from here on older runners' writes are refused."""
        ...

    def untake(self) -> None:
        """Take the fence away again; nothing else is changed."""
        ...

    def begin(
        self,
        *,
        release: str,
        images: Mapping[str, str],
        surge: int,
        restore: Restore,
        stable_hash: str,
    ) -> None:
        """The first patch: template, hold, what to restore."""
        ...

    def grow(self, surge: int) -> None:
        """Let Kubernetes make canary pods up to `surge`."""
        ...

    def hold(self) -> None:
        """Pause the Deployment."""
        ...

    def promote(self, restore: Restore) -> None:
        """Give the strategy back and unpause: Kubernetes finishes its rolling update."""
        ...

    def roll_back(self, restore: Restore, speed: Speed, bad_pods: int) -> None:
        """Template and strategy in one patch. With WHOLE nothing is left to settle but the annotation."""
        ...

    def settle(self, restore: Restore) -> None:
        """Put back what is not yet as it was, and take the annotations away."""
        ...

    def words(self, pod: str) -> str:
        """The pod's own words: last log lines (of the crashed container too) and warning events."""
        ...

"""Snapshot: the target at one moment, its pods, and which of them cannot work."""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from enum import StrEnum

from davy.pipeline.core.events import Restore
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.workload import ReadyPod, Workload


class FailureKind(StrEnum):
    """Ways a pod cannot work that need no statistics."""

    CRASH_LOOP = "crash_loop"
    IMAGE_PULL = "image_pull"
    NEVER_READY = "never_ready"
    OUT_OF_MEMORY = "out_of_memory"
    CONFIG_ERROR = "config_error"
    UNSCHEDULABLE = "unschedulable"


@dataclass(frozen=True, slots=True, kw_only=True)
class PodFailure:
    """What the platform says of a pod that cannot work."""

    kind: FailureKind
    words: str
    """Reason, message, exit code, as the platform has them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PodView:
    """One pod of the target. The fields' names stand in the JSON of `davy canary status`."""

    name: str
    hash: str
    """Of its version: the side it is on."""
    ready: bool
    serving: bool
    """It is sent traffic."""
    created_at: datetime
    ready_since: datetime | None = None
    terminating: bool = False
    trouble: PodFailure | None = None
    ip: str = ""
    """Empty until it has one."""
    port: int = 0
    """Where traffic is sent to; 0 where that is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """A target of the user's own that runs fresh pods of the stable version, to compare the canary with."""

    name: str
    images: Mapping[str, str] = field(default_factory=dict)
    """By container; none where there is no such target."""
    pods: tuple[PodView, ...] = ()
    """Those of its present version."""

    def runs(self, images: Mapping[str, str]) -> bool:
        """Every one of these containers is there, with the same image."""
        return bool(images) and all(self.images.get(container) == image for container, image in images.items())

    def ready_pods(self, stable: Mapping[str, str]) -> tuple[ReadyPod, ...]:
        """Those that are Ready; none once it has got another image than `stable`."""
        if not self.runs(stable):
            return ()
        return tuple(
            ReadyPod(name=pod.name, ready_since=pod.ready_since)
            for pod in self.pods
            if pod.ready_since and not pod.terminating
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The target and its pods at one moment."""

    workload: Workload
    replicas: int
    """Pods that it has where nothing is released."""
    images: Mapping[str, str]
    """By container, of the version that it has now."""
    hash: str
    """Of the version that it has now, as its pods have it; empty while that is not known yet."""
    is_current: bool
    """True once the platform acts on the last write."""
    is_frozen: bool
    """True where the platform leaves its pods as they are."""
    size: int | None
    """Canary pods that there is room for; None where the user's own settings say it otherwise."""
    own: Restore
    """The settings as they stand now: before a rollout began, what to restore."""
    held: Restore | None
    """What the marks of a rollout in progress say to restore; None where none is in progress."""
    release: str = ""
    """Of the rollout in progress, from its marks."""
    stable_hash: str = ""
    """Of the rollout in progress, from its marks."""
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
    """When, by the platform's clock; None where that is not known."""

"""Workload: what is deployed, and its pods by side."""

from datetime import datetime

from davy.pipeline.core.fast_dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """The Deployment being released."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyPod:
    """A pod that serves, as the judge needs to know it."""

    name: str
    ready_since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """Which pods are canary and which are stable: the question the judge is asked about."""

    canary: tuple[ReadyPod, ...]
    stable: tuple[ReadyPod, ...]
    baseline: tuple[ReadyPod, ...] = ()
    """Fresh pods of the stable version, kept for the comparison; none where there is no such Deployment."""
    started_at: datetime
    """When the rollout began; a pod Ready after it is new, and its counters start from 0."""

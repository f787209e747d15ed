"""Surroundings: what stands around the target and could pull at it."""

from collections.abc import Mapping

from davy.pipeline.core.fast_dataclass import dataclass


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

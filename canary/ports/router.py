"""Router: who shares traffic between stable and the canary."""

from typing import Protocol

from davy.pipeline.core.fast_dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What a weight that was wished for comes to."""

    pods: int
    """Canary pods that it takes."""
    share: float
    """Percent of traffic that they get."""


class Router(Protocol):
    """Shares traffic. A weight is what the canary gets now, never what was wished for."""

    def refusal(self, weight: float) -> str:
        """Why so many percent cannot be reached before the promotion; empty where they can."""
        ...

    def reach(self, weight: float, replicas: int) -> Reach:
        """How near it comes to `weight` percent, beside so many stable pods."""
        ...

    def weight(self, stable: int, canary: int) -> float:
        """Percent of traffic that the canary gets, while so many pods of each side serve."""
        ...

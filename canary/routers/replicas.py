"""Replicas: no router at all. Each pod that serves gets the same, so the share follows the pods. Pure."""

from davy.canary.ports.router import Reach
from davy.pipeline.core.fast_dataclass import dataclass

MOST = 50.0
"""Stable stays whole beside at most as many canary pods: half of the traffic."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replicas:
    """`canary.ports.router.Router` by the number of pods."""

    def refusal(self, weight: float) -> str:
        """See the port."""
        if weight <= MOST:
            return ""
        return (
            f"{weight:g}%: by replicas at most {MOST:g} % can be reached before stable pods have to go; "
            f"write {MOST:g}% or less, the promotion takes it from there to 100 %"
        )

    def reach(self, weight: float, replicas: int) -> Reach:
        """See the port. The pods whose share is nearest; ties go up; from 1 to `replicas`."""
        exact = replicas * weight / (100.0 - weight) if weight < 100.0 else float(replicas)
        low = min(max(int(exact), 1), replicas)
        pods = min((min(low + 1, replicas), low), key=lambda each: abs(share(each, replicas) - weight))
        return Reach(pods=pods, share=share(pods, replicas))

    def weight(self, stable: int, canary: int) -> float:
        """See the port: percent of the pods that serve."""
        return round(share(canary, stable), 2)


def share(pods: int, replicas: int) -> float:
    """Percent of traffic that `pods` canary pods beside `replicas` stable ones get."""
    return 100.0 * pods / (replicas + pods) if pods else 0.0

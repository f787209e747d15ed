"""Nats: the evidence that a request brings in the mean, by the true rates, in natural logs. Pure, on `math` alone."""

import math

from davy.pipeline.core.text.shares import rest


def information(share: float, ratio: float, null: float, base: float) -> float:
    """Nats of evidence a request (of all traffic) brings against `null`, where the canary is `ratio` times worse.

    The divergence of the canary's binomial part of all bad events: `p [s r ln(r/r0) - (1+s(r-1)) ln((1+s(r-1)) /
    (1+s(r0-1)))]`. The same formula is the evidence for health, with `null` above `ratio`.
    """
    if ratio == null:
        return 0.0
    own = share * ratio * math.log(ratio / null)
    tolerated = 1 + share * (null - 1)
    both = math.log1p(share * (ratio - null) / tolerated)
    return max(0.0, base * (own - (1 + share * (ratio - 1)) * both))


def health(share: float, base: float, objective: float | None) -> float:
    """Nats a request (of all traffic) brings that the canary, as bad as `base`, is inside its objective."""
    allowed = rest(objective) if objective is not None else 0.0
    if not 0 < allowed < 1 or base >= allowed:
        return 0.0
    of_bad = base * math.log(base / allowed) if base > 0 else 0.0
    return share * (of_bad + (1 - base) * (math.log1p(-base) - math.log1p(-allowed)))


def excess(rate: float, allowed: float) -> float:
    """Nats a canary request brings that its rate of bad events is above the `allowed` one; 0 where it is not."""
    if rate <= allowed:
        return 0.0
    of_good = (1 - rate) * math.log((1 - rate) / (1 - allowed)) if rate < 1 else 0.0
    return rate * math.log(rate / allowed) + of_good

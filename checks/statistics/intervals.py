"""Intervals: the exact interval for a share that was counted (Clopper and Pearson 1934). Pure."""

import math
from collections.abc import Callable


def interval(hits: int, of: int, miss: float = 0.05) -> tuple[float, float]:
    """The shares not refuted by `hits` out of `of`, each side at `miss` / 2; (0, 1) for nothing counted."""
    if of <= 0:
        return (0.0, 1.0)
    low = 0.0 if hits == 0 else _root(lambda share: _at_least(hits, of, share) - miss / 2)
    high = 1.0 if hits == of else _root(lambda share: miss / 2 - _at_most(hits, of, share))
    return (low, high)


def _at_most(hits: int, of: int, share: float) -> float:
    return math.fsum(_mass(k, of, share) for k in range(hits + 1))


def _at_least(hits: int, of: int, share: float) -> float:
    # Summed itself: as what the rest leaves of 1 it would have no digits where it is small.
    return math.fsum(_mass(k, of, share) for k in range(hits, of + 1))


def _mass(hits: int, of: int, share: float) -> float:
    ways = math.lgamma(of + 1) - math.lgamma(hits + 1) - math.lgamma(of - hits + 1)
    return math.exp(ways + hits * math.log(share) + (of - hits) * math.log1p(-share))


def _root(rising: Callable[[float], float]) -> float:
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < 0 else (low, middle)
    return (low + high) / 2

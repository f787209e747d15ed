"""Shares: percent and parts of 1 as they are written. 99.9 / 100 is no 0.999 in floats, and 1 - 0.999 no 0.001."""

from fractions import Fraction
from functools import lru_cache


def written(number: float) -> Fraction:
    """The number that was written: 999/10 for 99.9, which no float is."""
    return Fraction(repr(float(number)))


def share_of(percent: float) -> float:
    """The share that a percentage is: 0.999 for 99.9."""
    return float(written(percent) / 100)


def percent_of(share: float) -> float:
    """The percentage that a share is: 99.9 for 0.999."""
    return float(written(share) * 100)


@lru_cache(maxsize=256)
def rest(share: float) -> float:
    """What is left of 1: 0.001 for 0.999."""
    return float(1 - written(share))

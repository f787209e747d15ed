"""Sampling: counts as traffic makes them, exact in distribution, from a seeded source. On `math` alone.

For rare events the cumulative sum is walked up to a uniform number; else Hörmann's transformed rejection (BTRS, 1993),
which costs the same however many events there are.
"""

import math
from random import Random

FEW = 10.0
"""Below this mean the walk is shorter than the rejection."""


def binomial(count: int, share: float, dice: Random) -> int:
    """How many of `count` happen, each with probability `share`."""
    if share <= 0 or count <= 0:
        return 0
    if share >= 1:
        return count
    if share > 0.5:
        return count - binomial(count, 1 - share, dice)
    if count * share < FEW:
        return _walked(count, share, dice)
    return _rejected(count, share, dice)


def _walked(count: int, share: float, dice: Random) -> int:
    odds = share / (1 - share)
    term = math.exp(count * math.log1p(-share))
    left, happened = dice.random() - term, 0
    while left > 0 and happened < count:
        term *= odds * (count - happened) / (happened + 1)
        happened += 1
        left -= term
        # Rounding: the sum of all terms may end a hair below the uniform number.
        if term < 1e-300:
            break
    return happened


def _rejected(count: int, share: float, dice: Random) -> int:
    spread = math.sqrt(count * share * (1 - share))
    b = 1.15 + 2.53 * spread
    a = -0.0873 + 0.0248 * b + 0.01 * share
    centre = count * share + 0.5
    squeeze = 0.92 - 4.2 / b
    alpha = (2.83 + 5.1 / b) * spread
    log_odds = math.log(share / (1 - share))
    mode = math.floor((count + 1) * share)
    highest = math.lgamma(mode + 1) + math.lgamma(count - mode + 1)
    while True:
        u, v = dice.random() - 0.5, dice.random()
        us = 0.5 - abs(u)
        if us == 0:
            continue
        k = math.floor((2 * a / us + b) * u + centre)
        if not 0 <= k <= count:
            continue
        if us >= 0.07 and v <= squeeze:
            return k
        v *= alpha / (a / (us * us) + b)
        height = highest - math.lgamma(k + 1) - math.lgamma(count - k + 1) + (k - mode) * log_odds
        if v <= 0 or math.log(v) <= height:
            return k


def poisson(mean: float, dice: Random) -> int:
    """How many happen where `mean` are expected; large means are split at a gamma time (Ahrens and Dieter 1974)."""
    happened = 0
    while mean > FEW:
        steps = int(mean * 7 / 8)
        at = dice.gammavariate(steps, 1.0)
        if at > mean:
            return happened + binomial(steps - 1, mean / at, dice)
        happened, mean = happened + steps, mean - at
    floor, product = math.exp(-mean), dice.random()
    while product > floor:
        product *= dice.random()
        happened += 1
    return happened


def geometric(mean: float, dice: Random) -> int:
    """A number from 1 on with this mean: the size of a cluster."""
    if mean <= 1:
        return 1
    return 1 + int(math.log(1 - dice.random()) / math.log1p(-1 / mean))

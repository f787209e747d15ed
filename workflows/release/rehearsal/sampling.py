"""Sampling: counts as traffic makes them, from a seeded source."""

import math
import random


def poisson(mean: float, dice: random.Random) -> int:
    """Requests where `mean` are expected. Above 50 the normal curve stands in, within a count of the truth."""
    if mean <= 0:
        return 0
    if mean > 50:
        return max(0, round(dice.gauss(mean, math.sqrt(mean))))
    floor, product, count = math.exp(-mean), dice.random(), 0
    while product > floor:
        product *= dice.random()
        count += 1
    return count


def binomial(count: int, share: float, dice: random.Random) -> int:
    """Bad ones among `count`; by Poisson's law where they are rare and many, else one by one."""
    if share <= 0 or count <= 0:
        return 0
    if share >= 1:
        return count
    if count > 60 and share < 0.2:
        return min(count, poisson(count * share, dice))
    return sum(dice.random() < share for _ in range(count))

"""Bounds: the fewest requests that any rule of an error rate needs, whoever wrote it.

Both hold for every rule whose false rollbacks are at most `alpha` whatever the base rate does over time. The hardest
such base rate has as many bad events over both sides as there are; against it each request brings `information` nats.
"""

import math
from collections.abc import Iterator
from functools import cache

from davy.checks.forecast.power import information


@cache
def wald(share: float, ratio: float, base: float, alpha: float = 0.01, null: float = 1.0) -> float:
    """Requests (of all traffic) in the mean that a rule needs which finds this ratio always: ln(1/alpha) / information.

    Wald 1945 (Sequential Tests of Statistical Hypotheses, section 4.7): the mean of the log likelihood ratio at the
    end is at least the divergence between the decisions, here ln(1/alpha), and is its mean a request times requests.
    """
    return math.log(1 / alpha) / information(share, ratio, null, base)


def neyman_pearson(share: float, ratio: float, base: float, alpha: float = 0.01, null: float = 1.0) -> float:
    """Requests by which a rule can at best have found this ratio in half of the rollouts; for rare events.

    Stopping by then is a test of level `alpha`, and none has more power than Neyman and Pearson's (1933) with a fixed
    number of requests and one look. Nothing that looks often, or must allow for other ratios, can reach it.
    """
    return _events(share, ratio, alpha, null) / base


@cache
def _events(share: float, ratio: float, alpha: float, null: float) -> float:
    """In bad events that stable alone would have had."""
    low, high = 0.0, 2 * wald(share, ratio, 1.0, alpha, null)
    for _ in range(12):
        middle = (low + high) / 2
        if _power(middle, share, (ratio, null), alpha) < 0.5:
            low = middle
        else:
            high = middle
    return high


def _power(events: float, share: float, ratios: tuple[float, float], alpha: float) -> float:
    """Of the best test on the canary's part of all bad events, randomised to exactly `alpha`."""
    mean = events * (1 + share * (ratios[0] - 1))
    theta, other = (share * r / (1 + share * (r - 1)) for r in ratios)
    level = power = 0.0
    for log_ratio, mass in sorted(_cells(mean, theta, other), reverse=True):
        under_null = mass * math.exp(-log_ratio)
        if level + under_null > alpha:
            return power + mass * (alpha - level) / under_null
        level, power = level + under_null, power + mass
    return power


def _cells(mean: float, theta: float, other: float) -> Iterator[tuple[float, float]]:
    """Every likely outcome's log likelihood ratio, and its probability."""
    on_canary, on_stable = math.log(theta / other), math.log((1 - theta) / (1 - other))
    reach = 7 * math.sqrt(mean) + 10
    for events in range(max(0, int(mean - reach)), int(mean + reach) + 1):
        log_events = events * math.log(mean) - mean
        middle, spread = events * theta, 8 * math.sqrt(events * theta * (1 - theta)) + 8
        for bad in range(max(0, int(middle - spread)), min(events, int(middle + spread)) + 1):
            good = events - bad
            orders = math.lgamma(bad + 1) + math.lgamma(good + 1)
            mass = math.exp(log_events - orders + bad * math.log(theta) + good * math.log(1 - theta))
            yield bad * on_canary + good * on_stable, mass

"""Bounds: the fewest requests that any rule of an error rate needs, whoever wrote it.

Both hold for every rule whose false rollbacks are at most `alpha` whatever the base rate does over time. The hardest
such base rate has as many bad events over both sides as there are; against it each request brings `information` nats.
"""

import math
from functools import cache

from davy.checks.planning import information


@cache
def wald(share: float, ratio: float, base: float, alpha: float = 0.01, null: float = 1.0) -> float:
    """Requests (of all traffic) in the mean that a rule needs which finds this ratio always: ln(1/alpha) / information.

    Wald 1945 (Sequential Tests of Statistical Hypotheses, section 4.7): the mean of the log likelihood ratio at the
    end is at least the divergence between the decisions, here ln(1/alpha), and is its mean a request times requests.
    """
    return math.log(1 / alpha) / information(share, ratio, null, base)


@cache
def neyman_pearson(share: float, ratio: float, base: float, alpha: float = 0.01, null: float = 1.0) -> float:
    """Requests by which a rule can at best have found this ratio in half of the rollouts.

    Stopping by then is a test of level `alpha`, and none has more power than Neyman and Pearson's (1933) with a fixed
    number of requests and one look. Nothing that looks often, or must allow for other ratios, can reach it.
    """
    low, high = 0.0, 2 * wald(share, ratio, base, alpha, null)
    for _ in range(12):
        middle = (low + high) / 2
        if _power(middle, share, ratio, base, alpha, null) < 0.5:
            low = middle
        else:
            high = middle
    return high


def _power(requests: float, share: float, ratio: float, base: float, alpha: float, null: float) -> float:
    """Of the best test on the canary's part of all bad events, randomised to exactly `alpha`."""
    mean = requests * base * (1 + share * (ratio - 1))
    theta, other = (share * r / (1 + share * (r - 1)) for r in (ratio, null))
    on_canary, on_stable = math.log(theta / other), math.log((1 - theta) / (1 - other))
    cells = []
    reach = 7 * math.sqrt(mean) + 10
    for events in range(max(0, int(mean - reach)), int(mean + reach) + 1):
        log_events = events * math.log(mean) - mean - math.lgamma(events + 1)
        middle = events * theta
        spread = 8 * math.sqrt(events * theta * (1 - theta)) + 8
        for bad in range(max(0, int(middle - spread)), min(events, int(middle + spread)) + 1):
            ways = math.lgamma(events + 1) - math.lgamma(bad + 1) - math.lgamma(events - bad + 1)
            log_ratio = bad * on_canary + (events - bad) * on_stable
            mass = math.exp(log_events + ways + bad * math.log(theta) + (events - bad) * math.log(1 - theta))
            cells.append((log_ratio, mass))
    cells.sort(reverse=True)
    level = power = 0.0
    for log_ratio, mass in cells:
        under_null = mass * math.exp(-log_ratio)
        if level + under_null > alpha:
            return power + mass * (alpha - level) / under_null
        level, power = level + under_null, power + mass
    return power

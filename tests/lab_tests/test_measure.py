"""The budgets' measures: they stop when they are sure, and not before."""

import random

from bench.measure import ratio, spread, until_clear


def told(ours: float, theirs: float, noise: float, seed: int = 1):
    chance = random.Random(seed)
    return lambda _: (ours * chance.lognormvariate(0, noise), theirs * chance.lognormvariate(0, noise))


def test_a_clear_ratio_needs_the_fewest_rounds():
    assert len(until_clear(told(50, 75, 0.1), limit=1.2, least=7, most=35)) == 7


def test_a_limit_that_is_passed_is_measured_to_the_end():
    assert len(until_clear(told(150, 75, 0.1), limit=1.2, least=7, most=35)) == 35


def test_a_ratio_near_the_limit_is_measured_for_longer():
    pairs = until_clear(told(80, 75, 0.5), limit=1.2, least=7, most=35)
    assert 7 < len(pairs) <= 35


def test_luck_hardly_decides():
    """A ratio of 1.0 with threefold noise is called over 1.2 less often than by seven rounds alone."""
    runs = [until_clear(told(75, 75, 0.4, seed), limit=1.2, least=7, most=35) for seed in range(40)]
    by_rule, by_seven = (sum(ratio(pairs[:most]) > 1.2 for pairs in runs) for most in (35, 7))
    assert by_rule < by_seven


def test_the_spread_holds_the_ratio():
    pairs = [told(60, 50, 0.3, seed)(0) for seed in range(5, 30)]
    low, high = spread(pairs)
    assert low <= ratio(pairs) <= high
    assert spread(pairs) == (low, high), "the same pairs give the same spread"

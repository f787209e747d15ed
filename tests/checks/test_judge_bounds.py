"""The benchmark's bounds: no rule is below them, and they are where they are said to be."""

import math
from random import Random

import pytest

from bench.judge_bounds import neyman_pearson, wald
from bench.judge_rules import tail
from davy.checks.statistics.sampling import poisson


def test_a_tenth_of_traffic_fivefold_at_a_thousandth_needs_13802_requests_in_the_mean():
    assert wald(0.1, 5.0, 0.001) == pytest.approx(13_802, abs=1)


@pytest.mark.parametrize("ratio", [2.0, 5.0, 10.0])
def test_half_may_be_found_sooner_than_all_in_the_mean(ratio):
    assert 0.4 < neyman_pearson(0.1, ratio, 0.001) / wald(0.1, ratio, 0.001) < 0.7


def test_a_harder_null_takes_longer():
    assert wald(0.1, 5.0, 0.001, null=1.1) > wald(0.1, 5.0, 0.001)
    assert neyman_pearson(0.1, 5.0, 0.001, null=1.1) > neyman_pearson(0.1, 5.0, 0.001)


def test_the_likelihood_ratio_that_knows_the_ratio_finds_half_at_the_bound():
    share, ratio, base = 0.1, 5.0, 0.001
    requests = neyman_pearson(share, ratio, base)
    theta = share * ratio / (1 + share * (ratio - 1))
    step, stay = math.log(theta / share), math.log((1 - theta) / (1 - share))
    dice = Random(1)

    def ratios(times):
        for _ in range(4000):
            events = poisson(requests * base * (1 + share * (ratio - 1)), dice)
            bad = sum(dice.random() < times for _ in range(events))
            yield bad * step + (events - bad) * stay

    null = sorted(ratios(share))
    limit = null[int(0.99 * len(null))]
    assert sum(one >= limit for one in ratios(theta)) / 4000 == pytest.approx(0.5, abs=0.06)


def test_the_binomial_tail_is_exact():
    whole = sum(math.comb(40, k) * 0.1**k * 0.9 ** (40 - k) for k in range(9, 41))
    assert tail(9, 40, 0.1) == pytest.approx(whole, rel=1e-9)

"""Chance: drawn counts have the distribution they are named after."""

import math
from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from davy.checks.statistics.sampling import binomial, geometric, poisson

DRAWS = 20_000


def chi_square(drawn, mass):
    """Of the draws against the exact masses, neighbours pooled to 20 expected; with its degrees of freedom."""
    cells, have, expected = [], 0, 0.0
    for value in sorted(mass):
        have, expected = have + drawn.get(value, 0), expected + DRAWS * mass[value]
        if expected >= 20:
            cells.append((have, expected))
            have, expected = 0, 0.0
    cells[-1] = (cells[-1][0] + have, cells[-1][1] + expected)
    return sum((seen - wanted) ** 2 / wanted for seen, wanted in cells), len(cells) - 1


def limit(freedom):
    """The 99.99 % quantile of chi square, by Wilson and Hilferty."""
    return freedom * (1 - 2 / (9 * freedom) + 3.72 * math.sqrt(2 / (9 * freedom))) ** 3


@pytest.mark.parametrize(
    ("count", "share"), [(1350, 0.001), (150, 0.01), (8, 0.4), (30, 0.9), (150, 0.3), (1350, 0.05), (100_000, 0.5)]
)
def test_a_binomial_is_binomial(count, share):
    dice = Random(11)
    drawn = Counter(binomial(count, share, dice) for _ in range(DRAWS))
    logs = {
        k: math.lgamma(count + 1) - math.lgamma(k + 1) - math.lgamma(count - k + 1)
        + k * math.log(share) + (count - k) * math.log1p(-share)
        for k in range(count + 1)
    }  # fmt: skip
    found, freedom = chi_square(drawn, {k: math.exp(value) for k, value in logs.items() if value > -40})
    assert found < limit(freedom)


@pytest.mark.parametrize("mean", [0.15, 3, 25, 1500])
def test_a_poisson_is_poisson(mean):
    dice = Random(12)
    drawn = Counter(poisson(mean, dice) for _ in range(DRAWS))
    top = int(mean + 12 * math.sqrt(mean) + 20)
    logs = {k: k * math.log(mean) - mean - math.lgamma(k + 1) for k in range(top)}
    found, freedom = chi_square(drawn, {k: math.exp(value) for k, value in logs.items() if value > -40})
    assert found < limit(freedom)


def test_clusters_have_their_mean_and_their_scatter():
    dice = Random(13)
    sizes = [geometric(4, dice) for _ in range(DRAWS)]
    mean = sum(sizes) / DRAWS
    assert mean == pytest.approx(4, rel=0.03)
    assert sum(size * size for size in sizes) / sum(sizes) == pytest.approx(7, rel=0.06)
    assert min(sizes) == 1


@given(count=st.integers(0, 10**6), share=st.floats(0, 1), seed=st.integers(0, 99))
def test_no_count_is_out_of_range(count, share, seed):
    assert 0 <= binomial(count, share, Random(seed)) <= count

"""The formulas near 0 and 1: where a difference of floats would have no digits left, the promise still holds."""

import math
from decimal import Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from davy.checks.forecast.power import health, information
from davy.checks.statistics import bands, intervals
from davy.checks.statistics.dispersion import ASSUMED, estimated
from davy.checks.statistics.mixtures import (
    BETTER_GRID,
    BURN_GRID,
    HEALTH_GRID,
    WORSE_GRID,
    Lot,
    Mixture,
    log_e_burn,
    log_e_health,
    log_e_rate,
    odds,
)
from davy.checks.statistics.ratio_sequence import RatioSequence
from davy.pipeline.core.verdict import Counts

near_an_end = st.builds(lambda digits, power: digits * 10.0**power, st.floats(1, 9.99), st.integers(-13, -2))
shares = st.one_of(st.floats(0, 1), near_an_end, near_an_end.map(lambda short: 1 - short), st.sampled_from([0.0, 1.0]))
inner = shares.filter(lambda share: 1e-30 < share < 1)


def binomial(n, k, p):
    return math.comb(n, k) * p**k * (1 - p) ** (n - k)


@settings(max_examples=150)
@given(st.integers(1, 9), shares, st.floats(1, 3), shares)
def test_the_conditional_form_expects_at_most_one_whatever_share_the_canary_has(bad, share, null, inside):
    truth = null * inside
    for grid, ratio in ((WORSE_GRID, truth), (BETTER_GRID, null / max(inside, 1e-12))):
        served = 1 - share + share * ratio
        theta = share * ratio / served if served else 0.0
        expected = sum(
            binomial(bad, x, theta) * math.exp(Mixture.against(null, grid).seen(Lot(x, bad, share)).log_e())
            for x in range(bad + 1)
        )
        assert expected <= 1 + 1e-9


@settings(max_examples=150)
@given(st.integers(1, 25), shares, shares)
def test_the_absolute_forms_expect_at_most_one_whatever_rate_is_allowed(n, allowed, inside):
    for form, truth in ((log_e_burn, allowed * inside), (log_e_health, allowed + (1 - allowed) * inside)):
        expected = sum(binomial(n, x, truth) * math.exp(form(x, n, allowed)) for x in range(n + 1))
        assert expected <= 1 + 1e-9


@pytest.mark.parametrize("rate", [0.0, 1.0, 1e-300, 5e-324, 1 - 2**-53, 1e-12, 1 - 1e-12])
def test_a_limit_at_an_end_is_finite_for_every_count(rate):
    for grid in (BURN_GRID, HEALTH_GRID):
        for bad, total in ((0, 0), (0, 10**12), (10**12, 10**12), (1, 10**12)):
            assert math.isfinite(log_e_rate(bad, total, odds(rate, grid)))


@settings(max_examples=150)
@given(inner, st.floats(0.05, 64), st.floats(1, 10), inner)
def test_the_information_of_a_request_is_as_exact_as_in_decimals(share, ratio, null, base):
    with localcontext(prec=120):
        s, r, r0, p = map(Decimal, (share, ratio, null, base))
        both = 1 + s * (r - 1)
        exact = p * (s * r * (r / r0).ln() - both * (both / (1 + s * (r0 - 1))).ln())
    # Around r = r0 it is a square: the difference of two terms that are each as large as the first.
    assert information(share, ratio, null, base) == pytest.approx(
        float(exact), rel=1e-9, abs=1e-14 * base * share * ratio
    )


@settings(max_examples=100)
@given(shares, shares, st.one_of(st.none(), shares))
def test_health_is_finite_and_never_negative(share, base, objective):
    told = health(share, base, objective)
    assert 0 <= told < math.inf


@settings(max_examples=100)
@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 10**13)), min_size=2, max_size=5))
def test_dispersion_is_as_exact_as_fractions_however_unequal_the_pods_are(pods):
    counts = [Counts(bad=bad, total=bad + good) for bad, good in pods]
    bad, total = sum(one.bad for one in counts), sum(one.total for one in counts)
    means = [Fraction(bad * one.total, total) for one in counts]
    scatter = sum((one.bad - mean) ** 2 for one, mean in zip(counts, means, strict=True))
    alone = sum(mean * (1 - Fraction(one.total, total)) for one, mean in zip(counts, means, strict=True))
    measured = estimated([{str(number): one for number, one in enumerate(counts)}])
    least = 1.0 if measured.is_measured else ASSUMED
    assert measured.value == pytest.approx(max(least, float(scatter / alone)) if alone else least, rel=1e-6)


@pytest.mark.parametrize("of", [1, 2, 1000])
@pytest.mark.parametrize("miss", [0.05, 1e-12, 1 - 1e-12])
def test_the_interval_of_nothing_and_of_all_are_mirrors_and_hold_what_was_counted(of, miss):
    low, high = intervals.interval(0, of, miss)
    other_low, other_high = intervals.interval(of, of, miss)
    assert (low, other_high) == (0.0, 1.0)
    assert high == pytest.approx(1 - other_low, abs=1e-12)
    assert 0 < high < 1
    assert high == pytest.approx(-math.expm1(math.log(miss / 2) / of), rel=1e-6)


@settings(max_examples=100)
@given(st.integers(0, 10**6), st.integers(1, 10**6), near_an_end, st.booleans())
def test_ratios_are_found_at_any_share(canary_bad, stable_bad, short, near_one):
    share = 1 - short if near_one else short
    low, high = RatioSequence().seen(Lot(canary_bad, canary_bad + stable_bad, share)).bounds() or (1, 1)
    assert 0 < low <= high < 65


@pytest.mark.parametrize("total", [0, 1, 2, 10**15])
def test_a_band_is_no_wider_than_all_there_is(total):
    assert 0 < bands.reach(total) <= 1

"""The statistics against numbers of independent programs, and the properties that make them worth believing."""

import math
from functools import reduce
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from davy.checks.ratios import RatioSequence
from davy.checks.statistics import (
    BETTER_GRID,
    WORSE_GRID,
    Lot,
    Mixture,
    geomspace,
    log_e_burn,
    log_e_health,
    log_e_rate,
    log_mean,
    log_weighted,
)

W1 = [(150, 1350, 1, 2), (148, 1362, 0, 1), (151, 1340, 2, 1), (149, 1355, 3, 2)]
"""(canary requests, stable requests, canary bad, stable bad) by window."""


def lots(windows):
    return [Lot(xc, xc + xb, nc / (nc + nb)) for nc, nb, xc, xb in windows]


def folded(start, windows):
    return reduce(lambda state, lot: state.seen(lot), windows, start)


@pytest.mark.parametrize(
    ("tolerate", "dispersion", "log_e"),
    [
        (1.0, 1, 5.224690393538),
        (1.1, 1, 4.869657888638),
        (1.25, 1, 4.387619914263),
        (1.1, 2, 2.294545425663),
    ],
)
def test_the_evidence_of_four_known_windows_is_the_golden_value(tolerate, dispersion, log_e):
    mixture = folded(Mixture.against(tolerate, WORSE_GRID), lots(W1))
    assert mixture.log_e(dispersion) == pytest.approx(log_e, abs=1e-11)


def test_the_confidence_sequence_of_four_known_windows_is_the_golden_one():
    low, high = folded(RatioSequence(), lots(W1)).bounds()
    assert (round(low, 4), round(high, 4)) == (1.3590, 59.8177)


def brute_force(windows, dispersion=1.0):
    """The same on all 1601 points."""
    logs_of_ratio = [math.log(64) * (2 * i / 1600 - 1) for i in range(1601)]
    logs = [0.0] * 1601
    for lot in windows:
        step = [lot.canary_bad * u - lot.bad * math.log1p(lot.share * math.expm1(u)) for u in logs_of_ratio]
        logs = [a + b / dispersion for a, b in zip(logs, step, strict=True)]
    limit = log_mean(logs) + math.log(0.05)
    inside = [math.exp(u) for u, log in zip(logs_of_ratio, logs, strict=True) if log > limit]
    return inside[0], inside[-1]


@st.composite
def any_lot(draw, most=10_000):
    bad = draw(st.integers(0, most))
    return Lot(draw(st.integers(0, bad)), bad, draw(st.floats(0.001, 0.999)))


@settings(max_examples=60, deadline=None)
@given(st.lists(any_lot(), min_size=1, max_size=5), st.sampled_from([1.0, 4.0]))
def test_the_kept_points_give_the_same_bounds_as_all_points(windows, dispersion):
    bounds = folded(RatioSequence(), windows).bounds(dispersion=dispersion)
    if any(lot.bad for lot in windows):
        assert bounds == pytest.approx(brute_force(windows, dispersion), rel=1e-9)
    else:
        assert bounds is None


def test_the_confidence_sequence_of_millions_of_events_narrows_to_the_truth():
    low, high = folded(RatioSequence(), [Lot(200_000, 1_100_000, 0.1)] * 5).bounds()
    assert low <= 2.0 <= high
    assert high / low < 1.02


def beta_log(a, b):
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def beta_mixture(x, m, share, k):
    """2a.3, two-sided: the closed form for a constant share."""
    a, b = k * share, k * (1 - share)
    fit = beta_log(a + x, b + m - x) - beta_log(a, b)
    return fit - x * math.log(share) - (m - x) * math.log(1 - share)


@pytest.mark.parametrize(("counts", "e"), [((3, 7), 1.2136715835648348), ((20, 57), 302.3938769712531)])
def test_the_closed_form_used_as_a_yardstick_is_that_of_savvi(counts, e):
    assert math.exp(beta_mixture(counts[0], sum(counts), 0.1, 10)) == pytest.approx(e, rel=1e-10)


def test_the_grid_in_the_limit_of_a_beta_prior_is_the_closed_form():
    share, k, x, m = 0.1, 10.0, 20, 77
    thetas = [(i + 0.5) / 20000 for i in range(20000)]
    prior = [(k * share - 1) * math.log(t) + (k * (1 - share) - 1) * math.log(1 - t) for t in thetas]
    ratios = tuple(t * (1 - share) / (share * (1 - t)) for t in thetas)
    logs = [Mixture.against(1.0, (ratio,)).seen(Lot(x, m, share)).log_e() for ratio in ratios]
    most = max(prior)
    terms = [(math.exp(p - most), log) for p, log in zip(prior, logs, strict=True)]
    whole = sum(weight for weight, _ in terms)
    assert log_weighted((w / whole, log) for w, log in terms) == pytest.approx(beta_mixture(x, m, share, k), abs=1e-3)


def binomial(n, k, p):
    return math.comb(n, k) * p**k * (1 - p) ** (n - k)


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 0.9])
@pytest.mark.parametrize("truth", [0.2, 0.7, 1.0, 1.1])
@pytest.mark.parametrize("dispersion", [1.0, 2.0])
def test_under_every_tolerated_ratio_the_evidence_against_expects_at_most_one(share, truth, dispersion):
    theta = share * truth / (1 + share * (truth - 1))
    expected = 0.0
    for first, second in product(range(4), range(6)):
        mixture = folded(Mixture.against(1.1, WORSE_GRID), [Lot(first, 3, share), Lot(second, 5, share)])
        expected += binomial(3, first, theta) * binomial(5, second, theta) * math.exp(mixture.log_e(dispersion))
    assert expected <= 1 + 1e-9


@pytest.mark.parametrize("share", [0.05, 0.5])
@pytest.mark.parametrize("truth", [2.0, 3.0, 20.0])
def test_under_every_bad_ratio_the_evidence_for_the_canary_expects_at_most_one(share, truth):
    theta = share * truth / (1 + share * (truth - 1))
    expected = sum(
        binomial(12, x, theta) * math.exp(Mixture.against(2.0, BETTER_GRID).seen(Lot(x, 12, share)).log_e())
        for x in range(13)
    )
    assert expected <= 1 + 1e-9


@pytest.mark.parametrize("rate", [0.001, 0.01, 0.3])
def test_the_absolute_kinds_expect_at_most_one_at_their_limit_and_beyond_it(rate):
    n = 40
    burning = sum(binomial(n, x, rate * 0.5) * math.exp(log_e_burn(x, n, rate)) for x in range(n + 1))
    at_limit = sum(binomial(n, x, rate) * math.exp(log_e_burn(x, n, rate)) for x in range(n + 1))
    healthy = sum(binomial(n, x, rate * 2) * math.exp(log_e_health(x, n, rate)) for x in range(n + 1))
    assert max(burning, at_limit, healthy) <= 1 + 1e-9
    assert at_limit == pytest.approx(1)


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 500), st.data(), st.floats(0.001, 0.999))
def test_one_more_bad_canary_event_never_speaks_for_the_canary(bad, data, share):
    x = data.draw(st.integers(0, bad - 1))
    one, more = Lot(x, bad, share), Lot(x + 1, bad, share)
    assert Mixture.against(1.1, WORSE_GRID).seen(more).log_e() > Mixture.against(1.1, WORSE_GRID).seen(one).log_e()
    assert Mixture.against(2, BETTER_GRID).seen(more).log_e() < Mixture.against(2, BETTER_GRID).seen(one).log_e()
    added = Lot(x + 1, bad + 1, share)
    assert Mixture.against(1.1, WORSE_GRID).seen(added).log_e() > Mixture.against(1.1, WORSE_GRID).seen(one).log_e()


@settings(max_examples=100, deadline=None)
@given(any_lot(), st.data())
def test_splitting_a_window_at_a_constant_share_changes_nothing(lot, data):
    x = data.draw(st.integers(0, lot.canary_bad))
    rest = lot.bad - lot.canary_bad
    y = data.draw(st.integers(0, rest))
    parts = [Lot(x, x + y, lot.share), Lot(lot.canary_bad - x, lot.bad - x - y, lot.share)]
    for start in (Mixture.against(1.1, WORSE_GRID), Mixture.against(2.0, BETTER_GRID)):
        assert folded(start, parts).log_e() == pytest.approx(start.seen(lot).log_e(), rel=1e-9, abs=1e-9)


@settings(max_examples=200, deadline=None)
@given(
    st.integers(0, 10**12),
    st.integers(0, 10**12),
    st.floats(0, 1),
    st.floats(1, 50),
    st.floats(1e-9, 2, exclude_min=True),
)
def test_no_counts_however_large_make_nan_or_overflow(bad, good, share, dispersion, rate):
    for x in {0, bad // 2, bad}:
        lot = Lot(x, bad, share)
        assert math.isfinite(Mixture.against(1.1, WORSE_GRID).seen(lot).log_e(dispersion))
        assert math.isfinite(Mixture.against(2.0, BETTER_GRID).seen(lot).log_e(dispersion))
        bounds = RatioSequence().seen(lot).bounds(dispersion=dispersion)
        assert bounds is None or 0 < bounds[0] <= bounds[1] < 65
    assert math.isfinite(log_e_burn(bad, bad + good, rate, dispersion))
    assert math.isfinite(log_e_health(bad, bad + good, rate, dispersion))


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_window_that_only_one_side_served_says_nothing(share):
    x = 7 if share else 0
    assert Mixture.against(1.1, WORSE_GRID).seen(Lot(x, 7, share)).log_e() == pytest.approx(0, abs=1e-12)
    assert RatioSequence().seen(Lot(x, 7, share)).bounds() is None


def test_a_burn_limit_that_no_rate_can_exceed_gives_no_evidence():
    assert log_e_burn(50, 50, 14.4 * 0.1) == 0.0
    assert log_e_rate(1, 2, 0.5, ()) == 0.0


def test_a_clean_canary_is_cleared_by_the_rule_of_three():
    """ln(20)/p0 requests suffice for one rate; spread over the grid it takes somewhat more."""
    assert log_e_health(0, 3600, 0.001) > math.log(20) - 0.5
    assert log_e_health(0, 2000, 0.001) < math.log(20)


def test_geomspace_ends_where_it_should():
    grid = geomspace(1.2, 10, 30)
    assert (grid[0], grid[-1], len(grid)) == (1.2, 10, 30)
    assert grid[1] / grid[0] == pytest.approx(grid[29] / grid[28])

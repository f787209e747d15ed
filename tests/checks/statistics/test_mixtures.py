"""The statistics against numbers of independent programs, and the properties that make them worth believing."""

import math
from functools import reduce
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from davy.checks.statistics.mixtures import (
    BETTER_GRID,
    WORSE_GRID,
    Lot,
    Mixture,
    geomspace,
    log_e_burn,
    log_e_health,
    log_e_rate,
    log_mean,
    log_sum,
    odds,
)
from davy.checks.statistics.ratio_sequence import RatioSequence

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


@pytest.mark.parametrize("log", [-800.0, -700.0, 0.0, 700.0, 709.5, 800.0])
def test_the_sum_of_exponentials_is_right_where_they_or_their_sum_are_no_floats(log):
    assert log_sum([log] * 1601) == pytest.approx(log + math.log(1601), rel=1e-12)
    assert log_mean([log] * 1601) == pytest.approx(log, rel=1e-12, abs=1e-12)


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


@settings(max_examples=60, deadline=None)
@given(st.lists(any_lot(300), min_size=1, max_size=4), st.sampled_from([0.01, 0.05, 0.2]))
def test_asked_again_without_a_new_window_the_bounds_are_the_same(windows, miss):
    seen = folded(RatioSequence(), windows)
    assert seen.bounds(miss) == seen.bounds(miss) == folded(RatioSequence(), windows).bounds(miss)
    assert seen.bounds(miss, 3.0) == folded(RatioSequence(), windows).bounds(miss, 3.0)


@pytest.mark.parametrize("truth", [0.25, 1.0, 3.0])
def test_the_confidence_sequence_misses_the_truth_no_more_often_than_promised(truth):
    """All paths of ten windows with one bad event each, at a changing share; missed at any look."""
    shares = [0.1, 0.5, 0.3, 0.9, 0.2, 0.5, 0.5, 0.7, 0.1, 0.5]
    paths, missed = [(1.0, RatioSequence())], 0.0
    for share in shares:
        theta = share * truth / (1 + share * (truth - 1))
        following = []
        for chance, seen in paths:
            for x, part in ((1, theta), (0, 1 - theta)):
                after = seen.seen(Lot(x, 1, share))
                low, high = after.bounds(0.2)
                if low <= truth <= high:
                    following.append((chance * part, after))
                else:
                    missed += chance * part
        paths = following
    assert missed <= 0.2


def test_the_confidence_sequence_of_millions_of_events_narrows_to_the_truth():
    low, high = folded(RatioSequence(), [Lot(200_000, 1_100_000, 0.1)] * 5).bounds()
    assert low <= 2.0 <= high
    assert high / low < 1.02


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


@pytest.mark.parametrize("rate", [0.0, 1e-4, 0.01, 0.1, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("truth", [0.0, 0.5, 1.0, 1.1])
@pytest.mark.parametrize("sizes", [((3, 6), (2, 2)), ((1, 9), (5, 2))])
def test_it_expects_at_most_one_for_events_of_any_rate_and_shares_that_change(rate, truth, sizes):
    """Every request is bad for itself, with the canary's rate `truth` times stable's."""
    canary, expected = min(1.0, rate * truth), 0.0
    for x1, y1, x2, y2 in product(*(range(n + 1) for pair in sizes for n in pair)):
        (c1, b1), (c2, b2) = sizes
        chance = binomial(c1, x1, canary) * binomial(b1, y1, rate) * binomial(c2, x2, canary) * binomial(b2, y2, rate)
        seen = [Lot(x1, x1 + y1, c1 / (c1 + b1)), Lot(x2, x2 + y2, c2 / (c2 + b2))]
        expected += chance * math.exp(folded(Mixture.against(1.1, WORSE_GRID), seen).log_e())
    assert expected <= 1 + 1e-9


@pytest.mark.parametrize(("whole", "canary", "bad"), [(200, 20, 15), (1000, 100, 300), (10, 5, 10), (8, 1, 4)])
@pytest.mark.parametrize("null", [1.0, 1.1])
def test_it_expects_at_most_one_where_the_bad_events_fall_on_requests_by_lot(whole, canary, bad, null):
    """Hypergeometric: `bad` of `whole` requests are bad, whichever side they were sent to (Hoeffding 1963)."""
    ways = math.comb(whole, bad)
    expected = sum(
        math.comb(canary, x) * math.comb(whole - canary, bad - x) / ways
        * math.exp(Mixture.against(null, WORSE_GRID).seen(Lot(x, bad, canary / whole)).log_e())
        for x in range(min(canary, bad) + 1)
    )  # fmt: skip
    assert expected <= 1 + 1e-9


@pytest.mark.parametrize(
    ("whole", "canary", "bad", "ratio", "expected"), [(200, 20, 15, 3.0, 0.881), (1000, 100, 300, 1.5, 0.425)]
)
def test_by_lot_one_ratio_expects_the_known_figures(whole, canary, bad, ratio, expected):
    ways = math.comb(whole, bad)
    found = sum(
        math.comb(canary, x) * math.comb(whole - canary, bad - x) / ways
        * math.exp(Mixture.against(1.0, (ratio,)).seen(Lot(x, bad, canary / whole)).log_e())
        for x in range(min(canary, bad) + 1)
    )  # fmt: skip
    assert found == pytest.approx(expected, abs=5e-4)


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
    assert log_e_rate(2, 2, odds(0.5, (1.5, 1.9))) > 0
    assert log_e_rate(2, 2, odds(0.5, (1.97, 2.5))) == log_e_rate(2, 2, odds(1.0, (0.5,))) == 0.0


def test_a_clean_canary_is_cleared_by_the_rule_of_three():
    """ln(20)/p0 requests suffice for one rate; spread over the grid it takes somewhat more."""
    assert log_e_health(0, 3600, 0.001) > math.log(20) - 0.5
    assert log_e_health(0, 2000, 0.001) < math.log(20)


def test_geomspace_ends_where_it_should():
    grid = geomspace(1.2, 10, 30)
    assert (grid[0], grid[-1], len(grid)) == (1.2, 10, 30)
    assert grid[1] / grid[0] == pytest.approx(grid[29] / grid[28])

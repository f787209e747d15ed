"""The two-sample form: evidence on events that are not rare."""

import math
from decimal import Decimal, localcontext
from functools import reduce
from itertools import pairwise, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from davy.checks.statistics.mixtures import BETTER_GRID, WORSE_GRID, Lot, Mixture
from davy.checks.statistics.two_sample import HIGHER_ODDS, Rate, TwoSample, log_ratio, nearest

RATES = [0.0, 1e-6, 0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99, 1.0]


def lot(canary_total, stable_total, canary_bad, stable_bad):
    whole = canary_total + stable_total
    return Lot(canary_bad, canary_bad + stable_bad, canary_total / whole, canary_total, stable_total)


def folded(start, lots):
    return reduce(lambda form, one: form.seen(one), lots, start)


def binomial(n, k, p):
    return math.comb(n, k) * p**k * (1 - p) ** (n - k)


def nulls(null, *, worse):
    """Pairs of a canary's and stable's rate, on the border of the null and inside it."""
    for stable in RATES:
        edge = null * stable
        if worse:
            yield min(edge, 1.0), stable
            yield min(edge, 1.0) / 2, stable
        elif edge <= 1:
            yield edge, stable
            yield (1 + edge) / 2, stable


def windows(sizes, canary, stable):
    """Every outcome of windows of such sizes, with its probability."""
    for counts in product(*(range(n + 1) for pair in sizes for n in pair)):
        chance, lots = 1.0, []
        for (n_c, n_b), x, y in zip(sizes, counts[::2], counts[1::2], strict=True):
            chance *= binomial(n_c, x, canary) * binomial(n_b, y, stable)
            lots.append(lot(n_c, n_b, x, y))
        yield chance, lots


@pytest.mark.parametrize(
    ("null", "grid"),
    [(1.0, HIGHER_ODDS), (1.1, HIGHER_ODDS), (2.0, HIGHER_ODDS), (2.0, BETTER_GRID), (5.0, BETTER_GRID)],
)
@pytest.mark.parametrize("sizes", [((3, 4), (2, 3)), ((1, 6), (4, 2)), ((1, 1), (1, 1), (1, 1))])
def test_under_every_null_the_expectation_is_at_most_one_though_stables_rate_is_learnt_on_the_way(null, grid, sizes):
    for canary, stable in nulls(null, worse=grid is HIGHER_ODDS):
        expected = sum(
            chance * math.exp(folded(TwoSample.against(null, grid), lots).log_e())
            for chance, lots in windows(sizes, canary, stable)
            if chance
        )
        assert expected <= 1 + 1e-9, (canary, stable)


from_an_end = st.builds(lambda digits, power: digits * 10.0**power, st.floats(1, 9.99), st.integers(-12, -1))
"""Rates as near to 0 as to a tenth, every power of ten alike: what lies near 1 is written by its distance from it."""
rates = st.one_of(
    st.floats(1e-3, 1 - 1e-3).map(lambda bad: Rate(bad, 1 - bad)),
    from_an_end.map(lambda bad: Rate(bad, 1 - bad)),
    from_an_end.map(lambda good: Rate(1 - good, good)),
)
ends = st.one_of(st.floats(0, 1), from_an_end, from_an_end.map(lambda short: 1 - short), st.sampled_from([0.0, 1.0]))


def expectation(sizes, null, learnt, odds, truth, *, worse):
    """Of one window's ratio, where the canary's and stable's true rates lie in the null."""
    n_c, n_b = sizes
    stable, inside = truth[0] / max(null, 1.0), truth[1]
    canary = null * stable * inside if worse else null * stable + (1 - null * stable) * inside
    expected = 0.0
    for x, y in product(range(n_c + 1), range(n_b + 1)):
        chance = binomial(n_c, x, canary) * binomial(n_b, y, stable)
        if chance:
            expected += chance * math.exp(log_ratio(lot(n_c, n_b, x, y), null, *learnt, odds, worse=worse))
    return expected


@settings(max_examples=200, deadline=None)
@given(
    st.tuples(st.integers(1, 12), st.integers(1, 12)),
    st.one_of(st.just(1.0), st.floats(1, 5), st.floats(0.2, 1), from_an_end.map(lambda more: 1 + more)),
    st.tuples(rates, st.floats(1e-3, 30), st.booleans()),
    st.tuples(ends, ends),
)
def test_one_window_expects_at_most_one_whatever_rate_was_learnt(sizes, null, alternative, truth):
    learnt, odds, worse = alternative
    assert expectation(sizes, null, learnt, odds, truth, worse=worse) <= 1 + 1e-9


def test_a_rate_learnt_within_a_millionth_of_one_gives_no_evidence_away():
    learnt = Rate(0.999999, 1 - 0.999999)
    assert expectation((1, 1), 1.0, learnt, 0.984375, (0.0, 0.0), worse=False) <= 1


@pytest.mark.parametrize("power", range(1, 16, 2))
@pytest.mark.parametrize(("null", "worse"), [(1.0, True), (1.0, False), (1.1, True), (2.0, False), (0.9, True)])
def test_however_near_to_an_end_the_learnt_rate_lies_the_expectation_is_at_most_one(power, null, worse):
    short = 10.0**-power
    for learnt, truth, step in product(
        (Rate(short, 1 - short), Rate(1 - short, short)),
        product([0.0, 1e-12, 0.5, 1 - 1e-12, 1.0], repeat=2),
        (0.05, 0.9, 1 - 1e-9, 1 + 1e-9, 1.05, 10),
    ):
        assert expectation((2, 3), null, learnt, null * step, truth, worse=worse) <= 1 + 1e-12


def test_the_nearest_null_without_a_tolerance_is_the_pooled_rate():
    canary, stable = nearest(lot(30, 70, 0, 0), 1.0, Rate(0.4, 0.6), Rate(0.2, 0.8))
    assert canary == pytest.approx(Rate(0.3 * 0.4 + 0.7 * 0.2, 0.3 * 0.6 + 0.7 * 0.8))
    assert stable == pytest.approx(canary)


@settings(max_examples=100, deadline=None)
@given(st.floats(0.2, 5), st.floats(0.01, 0.99), st.floats(0.01, 0.99), st.integers(1, 1000), st.integers(1, 1000))
def test_no_other_null_diverges_less(null, canary, stable, n_c, n_b):
    def divergence(t):
        return n_c * apart(canary, null * t) + n_b * apart(stable, t)

    def apart(p, q):
        return p * math.log(p / q) + (1 - p) * math.log((1 - p) / (1 - q))

    at_canary, at_stable = nearest(lot(n_c, n_b, 0, 0), null, Rate(canary, 1 - canary), Rate(stable, 1 - stable))
    t, most = at_stable.bad, min(1, 1 / null)
    assert at_canary.bad == pytest.approx(null * t)
    assert 0 < t < most
    least = divergence(t)
    for nearby in (t * 0.99, t * 0.9, t + (most - t) * 0.01, t + (most - t) * 0.1):
        assert divergence(nearby) >= least - 1e-9 * (n_c + n_b)


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.just(1.0), st.floats(1, 5), st.floats(0.2, 1)), rates, rates, st.integers(1, 10**6))
def test_a_rate_and_what_is_left_of_it_are_as_exact_as_fractions(null, canary, stable, n_c):
    """The slope at the nearest point is zero, reckoned without rounding, for its parts as they are kept."""
    at_canary, at_stable = nearest(lot(n_c, 1000, 0, 0), null, canary, stable)
    for rate, exact in zip((*at_canary, *at_stable), exact_nearest(null, canary, stable, n_c, 1000), strict=True):
        assert rate == pytest.approx(float(exact), rel=1e-9)


def exact_nearest(null, canary, stable, n_c, n_b):
    """The same quadratic in decimals of 80 digits, solved for stable's rate."""
    with localcontext(prec=80):
        ratio, n_c, n_b = Decimal(null), Decimal(n_c), Decimal(n_b)
        c, b = Decimal(canary.bad), Decimal(stable.bad)
        if canary.good < canary.bad:
            c = 1 - Decimal(canary.good)
        if stable.good < stable.bad:
            b = 1 - Decimal(stable.good)
        linear = n_c * (ratio + c) + n_b * (1 + ratio * b)
        constant = n_c * c + n_b * b
        t = (linear - (linear * linear - 4 * (n_c + n_b) * ratio * constant).sqrt()) / (2 * (n_c + n_b) * ratio)
        return ratio * t, 1 - ratio * t, t, 1 - t


RARE = [lot(150_000, 1_350_000, 1, 2), lot(148_000, 1_362_000, 0, 1), lot(151_000, 1_340_000, 3, 1)]


@pytest.mark.parametrize(("null", "grid"), [(1.0, WORSE_GRID), (1.1, WORSE_GRID), (2.0, BETTER_GRID)])
def test_for_rare_events_it_tends_to_the_conditional_form(null, grid):
    conditional = folded(Mixture.against(null, grid), RARE).log_e()
    distances = []
    for rarer in (1, 10, 100, 1000):
        lots = [one._replace(canary_total=one.canary_total * rarer, stable_total=one.stable_total * rarer)
                for one in RARE]  # fmt: skip
        distances.append(abs(folded(TwoSample.against(null, grid), lots).log_e() - conditional))
    assert distances[0] < 1e-3
    assert all(after < max(before / 5, 1e-7) for before, after in pairwise(distances))


def test_of_events_that_are_not_rare_it_tells_more():
    """30 % against 25 %: given all bad events, the canary's scatter less than the conditional form allows for."""
    lots = [lot(150, 1350, 45, 337)] * 40
    exact = folded(TwoSample.against(1.0, HIGHER_ODDS), lots).log_e()
    assert exact > folded(Mixture.against(1.0, WORSE_GRID), lots).log_e() + 2


def test_what_is_as_bad_as_tolerated_or_better_gives_no_evidence_in_the_long_run():
    lots = [lot(150, 1350, 45, 410)] * 100
    assert folded(TwoSample.against(1.1, WORSE_GRID), lots).log_e() < 0
    assert folded(TwoSample.against(2.0, BETTER_GRID), lots).log_e() > math.log(20)


def test_where_stable_fails_so_often_that_no_rate_is_worse_than_tolerated_nothing_is_said():
    lots = [lot(150, 1350, 150, 1330)] * 5
    first = TwoSample.against(1.1, WORSE_GRID).seen(lots[0])
    assert folded(first, lots[1:]).log_e() == pytest.approx(first.log_e())


def test_a_window_without_bad_events_counts_too():
    learnt = TwoSample.against(2.0, BETTER_GRID).seen(lot(100, 900, 5, 50))
    assert learnt.seen(lot(100, 900, 0, 0)).log_e() != learnt.log_e()


@pytest.mark.parametrize("sides", [(0, 900), (100, 0), (0, 0)])
def test_a_window_that_one_side_did_not_serve_says_nothing(sides):
    form = TwoSample.against(1.1, WORSE_GRID).seen(lot(100, 900, 5, 5))
    assert form.seen(Lot(0, 0, 0.5, *sides)) is form


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 200), st.integers(1, 2000), st.data())
def test_one_more_bad_canary_event_never_speaks_for_the_canary(n_c, n_b, data):
    before = lot(100, 900, *data.draw(st.tuples(st.integers(0, 100), st.integers(0, 900))))
    x, y = data.draw(st.integers(0, n_c - 1)), data.draw(st.integers(0, n_b))
    for null, grid, sign in ((1.1, WORSE_GRID, 1), (2.0, BETTER_GRID, -1)):
        form = TwoSample.against(null, grid).seen(before)
        one, more = form.seen(lot(n_c, n_b, x, y)), form.seen(lot(n_c, n_b, x + 1, y))
        assert sign * (more.log_e() - one.log_e()) >= -1e-9


huge = st.one_of(st.integers(0, 10), st.integers(0, 10**12))


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(huge, huge, huge, huge), min_size=1, max_size=3), st.sampled_from([1.0, 1.1, 1e6]))
def test_no_counts_make_nan_or_overflow(counts, dispersion):
    lots = [lot(x + good_c + 1, y + good_b + 1, x, y) for x, good_c, y, good_b in counts]
    for null, grid in ((1.0, WORSE_GRID), (1.1, WORSE_GRID), (2.0, BETTER_GRID), (50.0, BETTER_GRID)):
        assert math.isfinite(folded(TwoSample.against(null, grid), lots).log_e(dispersion))

"""Axes, thinned lines and bands: what every picture stands on."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from davy.checks.statistics.bands import CONSTANTS, reach
from davy.workflows.render.plots import axes, curves


@given(values=st.lists(st.floats(-9, 9), min_size=1, max_size=2000), most=st.integers(4, 300))
def test_thinning_keeps_both_ends_and_every_extreme(values: list[float], most: int) -> None:
    points = [(float(i), value) for i, value in enumerate(values)]
    kept = curves.thinned(points, most)
    assert len(kept) <= most
    assert (kept[0], kept[-1]) == (points[0], points[-1])
    assert {min(v for _, v in kept), max(v for _, v in kept)} == {min(values), max(values)}
    assert list(kept) == sorted(kept)


@given(st.lists(st.floats(0, 100), max_size=8), st.floats(0.1, 12))
def test_words_pushed_apart_keep_their_order_and_their_distance(places: list[float], least: float) -> None:
    moved = axes.apart(places, least, 0, 100)
    order = sorted(range(len(places)), key=lambda i: places[i])
    for one, other in pairwise(order):
        assert moved[other] - moved[one] >= least - 1e-6
    assert all(-1e-6 <= at <= 100 + 1e-6 for at in moved)


@given(st.lists(st.floats(0, 1e12), min_size=1, max_size=20), st.integers(2, 12))
def test_an_axis_of_time_has_few_ticks_that_all_lie_on_it(moments: list[float], most: int) -> None:
    axis = axes.time(moments, "", most)
    assert 1 <= len(axis.ticks) <= most + 1 or axis.low > 0
    assert all(axis.low <= tick.at <= axis.high * (1 + 1e-6) for tick in axis.ticks)


def test_bands_are_those_of_the_law_they_come_from() -> None:
    assert reach(1000, 0.05) == pytest.approx(0.0858060720, abs=1e-9)
    assert reach(10000, 0.05) == pytest.approx(0.0274723896, abs=1e-9)
    assert reach(0) == reach(1) == 1.0
    for miss in CONSTANTS:
        told = [reach(total, miss) for total in (1, 10, 100, 1000, 10**6, 10**12)]
        assert told == sorted(told, reverse=True)

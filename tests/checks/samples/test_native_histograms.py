"""Native histograms read as classic ones."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from davy.checks.ports import Histogram, Series
from davy.checks.samples import counts
from davy.checks.samples.counters import growth
from davy.checks.samples.native_histograms import classic, cut

LABELS = {"__name__": "http_seconds", "pod": "new-1"}


def histogram(*buckets, count=None):
    return Histogram(count=sum(b[2] for b in buckets) if count is None else count, sum=0.0, buckets=buckets)


def natives(*histograms):
    return (Series(labels=LABELS, samples=(), histograms=tuple((float(15 * n), h) for n, h in enumerate(histograms))),)


def values(made, le):
    (one,) = [series for series in made if series.labels["le"] == le]
    return [value for _, value in one.samples]


def test_a_bound_on_an_edge_is_exact_and_says_nothing():
    made, notes = classic(natives(histogram((0.25, 0.5, 7), (0.5, 1.0, 3), (2.0, 4.0, 1))), [0.5, 1.0])
    assert (values(made, "0.5"), values(made, "1.0"), values(made, "+Inf")) == ([7.0], [10.0], [11.0])
    assert notes == ()
    assert all(one.labels["__name__"] == "http_seconds_bucket" and one.labels["pod"] == "new-1" for one in made)


def test_a_bound_between_buckets_that_hold_nothing_is_exact_too():
    made, notes = classic(natives(histogram((0.25, 0.5, 7), (2.0, 4.0, 1))), [1.5, 10])
    assert (values(made, "1.5"), values(made, "10.0"), notes) == ([7.0], [8.0], ())


def test_an_edge_that_was_computed_otherwise_is_still_the_edge():
    edge = 2 ** (-1 / 8)
    low, high = edge / 2 ** (1 / 8), edge * (1 + 1e-13)
    assert cut(histogram((low, high, 5)), edge).inside is None
    assert cut(histogram((low, high, 5)), edge).below == 5


def test_inside_an_exponential_bucket_the_logarithm_divides_it_and_a_note_names_the_edges():
    made, notes = classic(natives(histogram((0.25, 0.5, 7), (0.5, 1.0, 4))), [2**-0.5])
    assert values(made, repr(2**-0.5)) == [pytest.approx(9)]
    (note,) = notes
    assert "from 0.5 to 1" in note
    assert "approximate" in note


def test_inside_a_custom_bucket_the_value_divides_it():
    assert cut(histogram((0.1, 0.4, 3), (0.4, 0.7, 9)), 0.6).below == pytest.approx(3 + 6)


def test_custom_buckets_are_exact_at_their_bounds_and_nothing_is_known_above_the_last():
    custom = histogram((-math.inf, 0.1, 5), (0.1, 0.3, 4), (0.3, math.inf, 2))
    made, notes = classic(natives(custom), [0.1, 0.3])
    assert (values(made, "0.1"), values(made, "0.3"), values(made, "+Inf"), notes) == ([5.0], [9.0], [11.0], ())
    made, notes = classic(natives(custom), [7.0])
    assert values(made, "7.0") == [9.0]
    assert len(notes) == 1


def test_a_zero_bucket_without_negative_ones_begins_at_zero():
    assert cut(histogram((-0.001, 0.001, 4), (0.5, 1, 2)), 0.0005).below == pytest.approx(2)
    assert cut(histogram((-2, -1, 3), (-0.001, 0.001, 4)), 0.0005).below == pytest.approx(3 + 3)
    assert cut(histogram((-0.001, 0.001, 4), (0.5, 1, 2)), 0.001).inside is None


def test_what_was_no_number_is_above_every_bound():
    made, _ = classic(natives(histogram((0.25, 0.5, 7), count=9)), [0.5])
    assert (values(made, "0.5"), values(made, "+Inf")) == ([7.0], [9.0])


def test_merged_buckets_are_no_reset_and_nothing_is_counted_twice():
    fine = histogram((0.5, 2**-0.5, 90), (2**-0.5, 1.0, 10))
    merged, later = histogram((0.5, 1.0, 110)), histogram((0.5, 1.0, 400))
    assert cut(merged, 0.7).below < cut(fine, 0.7).below
    made, _ = classic(natives(fine, merged, merged, later), [0.7])
    counted = values(made, "0.7")
    assert counted == sorted(counted)
    assert counted[-1] == cut(later, 0.7).below


def test_a_restart_is_still_a_reset():
    made, _ = classic(natives(histogram((0.5, 1.0, 100)), histogram((0.5, 1.0, 4))), [0.9, 1.0])
    assert values(made, "1.0") == [100.0, 4.0]
    assert values(made, "0.9")[1] < 4


def test_series_that_are_no_histograms_are_left_out():
    assert classic((Series(labels=LABELS, samples=((0.0, 1.0),)),), [1]) == ((), ())


def test_the_judge_reads_them_as_any_histogram():
    made, _ = classic(natives(histogram((0.25, 0.5, 7)), histogram((0.25, 0.5, 17), (1, 2, 2))), [0.5])
    raw = counts.of_histogram(made, 0.5)
    assert growth(raw.total[0].samples, start=0, end=15, born=False) == 12
    assert growth(raw.good["0.5"][0].samples, start=0, end=15, born=False) == 10


EDGES = sorted(2 ** (n / 4) for n in range(-24, 12))


@given(
    st.lists(st.lists(st.integers(0, 50), min_size=35, max_size=35), min_size=1, max_size=6),
    st.lists(st.floats(0.001, 20), min_size=1, max_size=5),
)
def test_counts_never_fall_in_time_nor_with_the_bound_and_never_pass_the_total(growths, bounds):
    standing, seen = [0] * 35, []
    for more in growths:
        standing = [a + b for a, b in zip(standing, more, strict=True)]
        seen.append(histogram(*[(EDGES[n], EDGES[n + 1], c) for n, c in enumerate(standing) if c]))
    made, _ = classic(natives(*seen), bounds)
    by_bound = sorted(made, key=lambda one: float(one.labels["le"]))
    for one in by_bound:
        points = [value for _, value in one.samples]
        assert all(b >= a - 1e-9 for a, b in pairwise(points))
    for low, high in pairwise(by_bound):
        assert all(a <= b + 1e-9 for (_, a), (_, b) in zip(low.samples, high.samples, strict=True))

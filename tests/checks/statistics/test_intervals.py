"""Clopper and Pearson's interval against published numbers."""

import pytest

from davy.checks.statistics.intervals import interval


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"),
    [
        (0, 10, 0.0, 0.3084971),
        (10, 10, 0.6915029, 1.0),
        (1, 10, 0.002528579, 0.4450161),
        (4, 20, 0.0573340, 0.4366140),
        (0, 1000, 0.0, 0.003682084),
    ],
)
def test_the_interval_is_the_published_one(hits, of, low, high):
    assert interval(hits, of) == pytest.approx((low, high), abs=2e-7)


def test_nothing_counted_refutes_nothing():
    assert interval(0, 0) == (0.0, 1.0)

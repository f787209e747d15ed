"""The bands of the latency picture."""

import math

import pytest

from davy.checks.statistics.bands import CONSTANTS, reach


@pytest.mark.parametrize(("total", "width"), [(1000, 0.0858060720), (10000, 0.0274723896)])
def test_the_bands_are_the_golden_ones(total, width):
    assert reach(total) == pytest.approx(width, abs=5e-11)


def test_without_events_nothing_is_known_and_with_more_the_bands_narrow():
    widths = [reach(total) for total in (0, 1, 10, 100, 10**3, 10**6, 10**12)]
    assert widths[:2] == [1.0, 1.0]
    assert widths == sorted(widths, reverse=True)
    assert widths[-1] < 1e-5


def test_a_smaller_miss_is_a_wider_band():
    assert sorted(CONSTANTS, key=lambda miss: reach(500, miss)) == sorted(CONSTANTS, reverse=True)


@pytest.mark.parametrize("miss", CONSTANTS)
def test_the_constants_solve_the_equation_they_come_from(miss):
    def missed(constant):
        each = []
        for i in range(1, 2000):
            h = 1 + (2 * 0.85**2 - 1) * i / 2000
            root = 0.85 - math.sqrt(2 * (h - 1) / constant)
            g = 2 / h * root**2
            if root > 0 and g > 1:
                each.append(4 * math.exp(-g * constant) * (1 + 1 / ((g - 1) * math.log(h))))
        return min(each)

    assert missed(CONSTANTS[miss]) == pytest.approx(miss, rel=1e-4)

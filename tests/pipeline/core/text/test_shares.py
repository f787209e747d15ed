"""Percent and shares as they are written."""

from decimal import Decimal

import pytest

from davy.pipeline.config.parsing.condition_parser import condition
from davy.pipeline.core.text.shares import percent_of, rest, share_of, written

TABLE = [f"{tenths / 10:.1f}" for tenths in range(900, 1000)] + [f"{one / 100:.2f}" for one in range(9990, 10000)]
TABLE += ["99.999", "99.9999", "99.99999", "0.1", "50", "1e-3"]


@pytest.mark.parametrize("text", TABLE)
def test_a_percentage_is_the_share_that_was_written_and_leaves_what_was_written(text):
    percent, share = float(text), Decimal(text) / 100
    assert share_of(percent) == float(share)
    assert percent_of(share_of(percent)) == percent
    assert rest(share_of(percent)) == float(1 - share)
    assert float(written(percent)) == percent


@pytest.mark.parametrize("text", TABLE)
def test_a_condition_in_percent_holds_at_its_limit(text):
    assert condition(f">= {text}%").holds(float(Decimal(text) / 100))
    assert condition(f"<= {text}%").holds(float(Decimal(text) / 100))

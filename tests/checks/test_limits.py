"""Exactly at a limit: what is promised is kept there, whatever a float makes of the number that was written."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import product

import pytest

from davy.checks.budget.budget import Budget, Spent, burns_of, refusals, spans_of
from davy.checks.traces.other_judges import threshold
from davy.checks.traces.reader import read
from davy.checks.traces.result import ReplayEnd
from davy.pipeline.config.sections.objectives import GateConfig
from davy.pipeline.core.text.shares import share_of

PERCENTS = [f"{tenths / 10:.1f}" for tenths in range(900, 1000)] + [f"{one / 100:.2f}" for one in range(9990, 10000)]
ARGO = {"style": "argo", "failure_limit": 0, "count": 1}
FLAGGER = {"style": "flagger", "threshold": 1, "iterations": 1, "at_once": True}


def verdict(objective, counts, settings):
    """What `--judge threshold` says of one minute."""
    header = {"davy_trace": 1, "metrics": [{"name": "errors", "objective": objective}], "threshold": settings}
    if objective is None:
        del header["metrics"][0]["objective"]
    bad, total = counts
    window = {
        "t": 60,
        "canary": {"errors": {"total": total, "bad": bad}},
        "stable": {"errors": {"total": 9000, "bad": 9}},
    }
    return threshold(read([json.dumps(line).encode() for line in (header, window)], "trace"))


@pytest.mark.parametrize("settings", [ARGO, FLAGGER])
def test_a_canary_exactly_at_its_objective_is_good_and_one_event_more_is_not(settings):
    for percent, times in product(PERCENTS, (3, 10**6)):
        allowed = 1 - Fraction(percent) / 100
        total = allowed.denominator * times
        bad = allowed.numerator * times
        assert verdict(float(percent), (bad, total), settings).verdict is ReplayEnd.PROMOTE
        assert verdict(float(percent), (bad + 1, total), settings).verdict is ReplayEnd.ROLL_BACK


@pytest.mark.parametrize(
    "limit",
    [
        lambda share, percent: ARGO | {"success": f">= {share}"},
        lambda share, percent: ARGO | {"failure": f"< {share}"},
        lambda share, percent: ARGO | {"success": f">= {percent}%"},
        lambda share, percent: FLAGGER | {"min": float(share)},
        lambda share, percent: FLAGGER | {"max": float(share)},
    ],
)
def test_a_written_limit_is_inclusive(limit):
    for percent in PERCENTS:
        share = Decimal(percent) / 100
        allowed = 1 - Fraction(share)
        counts = allowed.numerator * 3, allowed.denominator * 3
        assert verdict(None, counts, limit(share, percent)).verdict is ReplayEnd.PROMOTE


def test_the_sentence_says_the_limit_as_it_was_written():
    found = verdict(99.9, (2, 1000), ARGO)
    assert "wanted >= 0.999, the last was 0.998" in found.sentence


def test_a_value_just_below_its_limit_is_said_in_enough_digits_to_see_it():
    assert "wanted >= 0.999, the last was 0.998999999)" in verdict(99.9, (1_000_001, 10**9), ARGO).sentence
    assert (
        "wanted at least 0.999, the last bad one was 0.998999999)"
        in verdict(99.9, (1_000_001, 10**9), FLAGGER).sentence
    )


def budget(percent, spent):
    at = datetime(2026, 3, 1, tzinfo=UTC)
    return Budget(name="errors", objective=share_of(float(percent)), window=timedelta(days=30), at=at, spent=spent)


def test_a_budget_is_gone_exactly_where_it_is_spent():
    for percent, times in product(PERCENTS, (1, 3, 7, 1001)):
        allowed = 1 - Fraction(percent) / 100
        one = budget(percent, Spent(bad=allowed.numerator * times, total=allowed.denominator * times))
        assert one.left == 0
        assert refusals([one], GateConfig()) == ()


@pytest.mark.parametrize("burn", [14.4, 6.0, 3.0, 1.0])
def test_a_burn_exactly_at_its_limit_burns(burn):
    for percent in PERCENTS:
        rate = (1 - Fraction(percent) / 100) * Fraction(str(burn))
        if rate <= 1:
            spent, share = Spent(bad=rate.numerator, total=rate.denominator), share_of(float(percent))
            assert spent.burn(share) == burn
            readings = dict.fromkeys(spans_of(timedelta(days=30)), spent)
            burns = burns_of(readings, share, timedelta(days=30))
            assert {one.pair.burn for one in burns if one.burning} == {b for b in (14.4, 6.0, 3.0, 1.0) if b <= burn}

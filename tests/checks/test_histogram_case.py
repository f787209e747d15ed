"""Histograms in the case against a canary: evidence at every bound, the objective at one."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from davy.checks.judges.sequential import sentences
from davy.checks.judges.sequential.case import Comparison, Metric, Rules, SequentialCase
from davy.checks.statistics.mixtures import WORSE_GRID, Lot, Mixture
from davy.pipeline.core.verdict import NOTHING, Counts, Decision, Pair

BOUNDS = ("0.25", "0.5", "1")
LATENCY = Metric(name="latency", objective=0.99, bound="0.5", bounds=BOUNDS)


def side(total, *above, bounds=BOUNDS):
    at = dict(zip(bounds, above, strict=True))
    return Counts(total=total, bad=at.get("0.5", 0), above=at)


def case(*pairs, metric=LATENCY, **rules):
    opened = SequentialCase.opened(Rules(**rules), [metric])
    for pair in pairs:
        opened = opened.counted({"latency": pair})
    return opened


def evidence(*pairs, **more):
    return case(*pairs, **more).standing(2.0).evidence[0]


def one_bound(pairs, bound):
    mixture = Mixture.against(1.1, WORSE_GRID)
    for pair in pairs:
        x, y = pair.canary.above[bound], pair.stable.above[bound]
        mixture = mixture.seen(Lot(x, x + y, pair.canary.total / (pair.canary.total + pair.stable.total)))
    return math.exp(mixture.log_e())


PAIRS = [Pair(canary=side(150, 40, 5, 1), stable=side(1350, 270, 27, 2))] * 4


def test_the_evidence_is_the_mean_over_the_bounds():
    expected = sum(one_bound(PAIRS, bound) for bound in BOUNDS) / 3
    assert math.exp(evidence(*PAIRS).log_e_roll_back) == pytest.approx(expected)


def test_promotion_burn_and_ratio_are_asked_at_the_objectives_bound():
    plain = Metric(name="latency", objective=0.99)
    bare = [
        Pair(
            canary=Counts(bad=p.canary.bad, total=p.canary.total), stable=Counts(bad=p.stable.bad, total=p.stable.total)
        )
        for p in PAIRS
    ]
    ours, theirs = case(*PAIRS).standing(2.0), case(*bare, metric=plain).standing(2.0)
    assert ours.evidence[0].log_e_promote == theirs.evidence[0].log_e_promote
    assert ours.evidence[0].ratio == theirs.evidence[0].ratio
    assert ours.log_e_burn == theirs.log_e_burn


def test_a_window_that_lacks_a_bound_says_nothing_there_and_all_it_has_elsewhere():
    lacking = Pair(canary=side(150, 40, 5, bounds=BOUNDS[:2]), stable=side(1350, 270, 27, bounds=BOUNDS[:2]))
    expected = sum(
        one_bound(pairs, bound) for pairs, bound in ((5 * PAIRS[:1], "0.25"), (5 * PAIRS[:1], "0.5"), (PAIRS, "1"))
    )
    assert math.exp(evidence(*PAIRS, lacking).log_e_roll_back) == pytest.approx(expected / 3)


def test_a_bound_that_only_one_side_was_counted_at_is_no_zero_of_the_other():
    lopsided = Pair(canary=side(150, 40, 5, 1), stable=side(1350, 270, 27, bounds=BOUNDS[:2]))
    expected = sum(
        one_bound(pairs, bound) for pairs, bound in ((5 * PAIRS[:1], "0.25"), (5 * PAIRS[:1], "0.5"), (PAIRS, "1"))
    )
    assert math.exp(evidence(*PAIRS, lopsided).log_e_roll_back) == pytest.approx(expected / 3)


def test_counts_without_bounds_still_count_at_the_objectives_own():
    bare = Pair(canary=Counts(bad=5, total=150), stable=Counts(bad=27, total=1350))
    expected = one_bound(PAIRS, "0.25") + one_bound(5 * PAIRS[:1], "0.5") + one_bound(PAIRS, "1")
    assert math.exp(evidence(*PAIRS, bare).log_e_roll_back) == pytest.approx(expected / 3)


def test_summed_counts_drop_a_bound_that_one_part_was_not_counted_at():
    whole = side(150, 40, 5, 1) + side(100, 9, 2, bounds=BOUNDS[:2])
    assert whole == Counts(bad=7, total=250, above={"0.25": 49, "0.5": 7})
    assert whole + side(1, 1, 1, 1) == Counts(bad=8, total=251, above={"0.25": 50, "0.5": 8})
    assert NOTHING + side(150, 40, 5, 1) == side(150, 40, 5, 1)


def test_a_slow_canary_below_its_objectives_bound_is_rolled_back_too():
    """None is over 0.5 s, so the objective is kept; three times as many as on stable are over 0.25 s."""
    pairs = [Pair(canary=side(150, 60, 0, 0), stable=side(1350, 180, 0, 0))] * 4
    assert case(*pairs).standing(2.0).decision is Decision.ROLL_BACK


@settings(max_examples=100, deadline=None)
@given(st.permutations(BOUNDS), st.sampled_from(Comparison))
def test_the_order_of_bounds_does_not_matter(order, form):
    ours = Metric(name="latency", bound="0.5", bounds=BOUNDS, evidence=form)
    theirs = Metric(name="latency", bound="0.5", bounds=tuple(order), evidence=form)
    one, other = evidence(*PAIRS, metric=ours), evidence(*PAIRS, metric=theirs)
    assert one.log_e_roll_back == pytest.approx(other.log_e_roll_back)


def test_the_two_sample_form_is_taken_at_every_bound():
    """+20 % over 0.25 s, where a fifth of all requests are: the exact form tells more there."""
    pairs = [Pair(canary=side(1500, 360, 15, 2), stable=side(13500, 2700, 135, 18))] * 6
    exact = Metric(name="latency", objective=0.99, bound="0.5", bounds=BOUNDS, evidence=Comparison.TWO_SAMPLE)
    assert evidence(*pairs, metric=exact).log_e_roll_back > evidence(*pairs).log_e_roll_back + 1


def test_the_sentence_names_the_bound_that_tells_most():
    pairs = [Pair(canary=side(150, 60, 0, 0), stable=side(1350, 180, 0, 0))] * 4
    text = sentences.sentence(case(*pairs).standing(2.0), {"latency": LATENCY}, Rules(), worse=2.0, gaps={})
    assert text.startswith(
        "Rolled back: 240 of 600 canary requests took over 0.25 s (40%) against 720 of 5,400 on stable at the same "
        "moments (13%); a canary at most 10% worse than stable would look this bad in fewer than "
    )
    assert "times worse" not in text

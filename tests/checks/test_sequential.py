"""The case against a canary, from windows."""

import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from davy.checks import sentences
from davy.checks.sequential import Case, Metric, Rules
from davy.pipeline.model import Counts, Decision, Gap, Pair, Window

T0 = datetime(2026, 3, 1, tzinfo=UTC)


def window(i=0, **counts):
    """By metric (canary total, stable total, canary bad, stable bad)."""
    pairs = {
        name: Pair(canary=Counts(bad=xc, total=nc), stable=Counts(bad=xb, total=nb))
        for name, (nc, nb, xc, xb) in counts.items()
    }
    return Window(start=T0 + timedelta(seconds=15 * i), end=T0 + timedelta(seconds=15 * i + 15), counts=pairs)


def case(*metrics, windows=(), **rules):
    opened = Case.opened(Rules(**rules), metrics or (Metric(name="a", objective=0.999),))
    for one in windows:
        opened = opened.seen(one)
    return opened


def test_the_sentence_of_a_roll_back_has_the_known_numbers():
    metric = Metric(name="availability")
    rules = Rules()
    standing = case(metric, windows=[window(i, availability=(1500, 13500, 6, 16)) for i in range(4)]).standing(2.0)
    text = sentences.sentence(standing, {"availability": metric}, rules, worse=2.0, gaps={})
    assert text == (
        "Rolled back: 24 of 6,000 canary requests failed (0.40%) against 64 of 54,000 on stable at the same moments "
        "(0.12%); a canary at most 10% worse than stable would look this bad in fewer than 1 of 2,291 rollouts "
        "(limit: 1 in 100), and the canary is 1.4 to 7.2 times worse (95%, valid at any look)."
    )


def test_the_parts_add_up_to_the_weighted_mean_with_the_burn():
    a, b = Metric(name="a", objective=0.999, weight=3), Metric(name="b", objective=0.99)
    windows = [window(i, a=(150, 1350, 2, 3), b=(150, 1350, 9, 20)) for i in range(5)]
    now = case(a, b, windows=windows)
    standing = now.standing(2.0)
    e = {one.metric: math.exp(one.log_e_roll_back) for one in standing.evidence}
    expected = 0.8 * (0.75 * e["a"] + 0.25 * e["b"]) + 0.2 * math.exp(standing.log_e_burn)
    assert math.exp(standing.log_e_roll_back) == pytest.approx(expected)
    burns = [track.log_e_burn(14.4) for track in now.tracks]
    assert math.exp(standing.log_e_burn) == pytest.approx(sum(map(math.exp, burns)) / 2)


def test_without_objectives_the_burn_weighs_nothing():
    standing = case(Metric(name="a"), windows=[window(a=(150, 1350, 6, 3))]).standing(2.0)
    assert standing.log_e_roll_back == pytest.approx(standing.evidence[0].log_e_roll_back)
    assert standing.log_e_burn == 0.0


def test_promotion_needs_every_metric():
    good, bad = Metric(name="good", objective=0.99), Metric(name="bad", objective=0.9999)
    windows = [window(i, good=(5000, 5000, 5, 5), bad=(50, 50, 0, 0)) for i in range(5)]
    standing = case(good, bad, windows=windows).standing(2.0)
    by_name = {one.metric: one.log_e_promote for one in standing.evidence}
    assert by_name["good"] > math.log(20) > by_name["bad"]
    assert standing.decision is Decision.GO_ON


def test_rolling_back_is_asked_before_promoting():
    """So much better than `worse` 50 and yet worse than tolerated: both limits are crossed."""
    windows = [window(i, a=(10_000, 10_000, 300, 100)) for i in range(3)]
    standing = case(Metric(name="a"), windows=windows).standing(50.0)
    assert standing.evidence[0].log_e_promote > math.log(20)
    assert standing.decision is Decision.ROLL_BACK


def test_one_bad_window_is_not_enough_unless_it_is_an_outage():
    metric = Metric(name="a", objective=0.99)
    one = case(metric, windows=[window(a=(1000, 9000, 20, 10))]).standing(2.0)
    assert one.log_e_roll_back > math.log(100)
    assert one.decision is Decision.GO_ON
    two = case(metric, windows=[window(0, a=(1000, 9000, 10, 5)), window(1, a=(1000, 9000, 10, 5))]).standing(2.0)
    assert two.decision is Decision.ROLL_BACK
    outage = case(metric, windows=[window(a=(150, 1350, 75, 2))]).standing(2.0)
    assert outage.decision is Decision.ROLL_BACK
    dead = case(Metric(name="a"), windows=[window(a=(5, 1000, 5, 1))]).standing(2.0)
    assert dead.decision is Decision.ROLL_BACK


def test_a_gap_never_promotes_and_does_not_stop_a_roll_back():
    good = case(windows=[window(i, a=(5000, 5000, 0, 0)) for i in range(3)])
    assert good.standing(2.0).decision is Decision.PROMOTE
    assert good.standing(2.0, {"a": Gap.STALE}).decision is Decision.UNKNOWN
    bad = case(windows=[window(i, a=(500, 5000, 40, 5)) for i in range(3)])
    assert bad.standing(2.0, {"a": Gap.STALE}).decision is Decision.ROLL_BACK


def test_no_metric_at_all_is_never_promoted():
    assert Case.opened(Rules(), ()).standing(2.0).decision is Decision.GO_ON


counts = st.tuples(st.integers(0, 300), st.integers(0, 3000)).flatmap(
    lambda n: st.tuples(st.just(n[0]), st.just(n[1]), st.integers(0, n[0]), st.integers(0, n[1]))
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(counts, counts), max_size=4))
def test_the_order_of_metrics_does_not_matter_and_nothing_is_nan(each):
    a, b = Metric(name="a", objective=0.999), Metric(name="b", weight=2, dispersion=2)
    windows = [window(i, a=x, b=y) for i, (x, y) in enumerate(each)]
    one, other = case(a, b, windows=windows).standing(2.0), case(b, a, windows=windows).standing(2.0)
    assert one.log_e_roll_back == pytest.approx(other.log_e_roll_back)
    assert (one.decision, one.blame) == (other.decision, other.blame)
    assert {e.metric: e for e in one.evidence} == {e.metric: e for e in other.evidence}
    assert math.isfinite(one.log_e_roll_back)


@settings(max_examples=60, deadline=None)
@given(counts, counts)
def test_one_more_bad_canary_event_never_weakens_the_evidence_against_it(first, second):
    nc, nb, xc, xb = second
    if xc == nc:
        return
    worse = case(windows=[window(0, a=first), window(1, a=(nc, nb, xc + 1, xb))]).standing(2.0)
    better = case(windows=[window(0, a=first), window(1, a=second)]).standing(2.0)
    assert worse.log_e_roll_back >= better.log_e_roll_back - 1e-9
    assert worse.evidence[0].log_e_promote <= better.evidence[0].log_e_promote + 1e-9


def test_a_ratio_asked_about_late_is_answered_as_if_it_had_been_asked_from_the_start():
    windows = [window(i, a=(150, 1350, 1, i)) for i in range(6)]
    early = Case.opened(Rules(), [Metric(name="a")]).excluding(5.0)
    for one in windows:
        early = early.seen(one)
    assert early.standing(5.0) == case(Metric(name="a"), windows=windows).standing(5.0)

"""The case against a canary, from windows."""

import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from davy.checks.judges.sequential import sentences
from davy.checks.judges.sequential.case import Comparison, Metric, Rules, SequentialCase
from davy.pipeline.core.verdict import Counts, Decision, Gap, Pair, Window

T0 = datetime(2026, 3, 1, tzinfo=UTC)


def window(i=0, **counts):
    """By metric (canary total, stable total, canary bad, stable bad)."""
    pairs = {
        name: Pair(canary=Counts(bad=xc, total=nc), stable=Counts(bad=xb, total=nb))
        for name, (nc, nb, xc, xb) in counts.items()
    }
    return Window(start=T0 + timedelta(seconds=15 * i), end=T0 + timedelta(seconds=15 * i + 15), counts=pairs)


def case(*metrics, windows=(), **rules):
    opened = SequentialCase.opened(Rules(**rules), metrics or (Metric(name="a", objective=0.999),))
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
    assert SequentialCase.opened(Rules(), ()).standing(2.0).decision is Decision.GO_ON


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
    early = SequentialCase.opened(Rules(), [Metric(name="a")]).excluding(5.0)
    for one in windows:
        early = early.seen(one)
    assert early.standing(5.0) == case(Metric(name="a"), windows=windows).standing(5.0)


def test_the_parts_of_the_evidence_sum_to_one():
    a, b, c = Metric(name="a", objective=0.999, weight=3), Metric(name="b", objective=0.99), Metric(name="c")
    windows = [window(i, a=(150, 1350, 2, 3), b=(150, 1350, 9, 20), c=(150, 1350, 0, 5)) for i in range(5)]
    standing = case(a, b, c, windows=windows).standing(2.0)
    shares = {one.metric: one.share for one in standing.evidence}
    assert sum(shares.values()) == pytest.approx(1)
    assert standing.blame == max(shares, key=lambda name: shares[name])
    e = {one.metric: math.exp(one.log_e_roll_back) for one in standing.evidence}
    assert shares["c"] == pytest.approx(0.8 * e["c"] / 5 / math.exp(standing.log_e_roll_back))


def test_a_small_step_may_be_left_on_weaker_evidence():
    """The same windows exclude five times worse, but not yet twice."""
    windows = [window(i, a=(500, 4500, 5, 45)) for i in range(2)]
    now = case(Metric(name="a"), windows=windows)
    assert now.standing(5.0).decision is Decision.PROMOTE
    assert now.standing(2.0).decision is Decision.GO_ON
    assert now.excluding(5.0).excluding(2.0).standing(5.0) == now.standing(5.0)


def limit_of(log_e):
    """An error rate whose limit is just this evidence."""
    rate = math.exp(-log_e)
    while -math.log(rate) > log_e:
        rate = math.nextafter(rate, 1)
    while -math.log(rate) < log_e:
        rate = math.nextafter(rate, 0)
    return rate


def test_a_limit_that_is_just_reached_is_crossed_and_rolling_back_comes_first():
    windows = [window(i, a=(1000, 1000, 30, 20)) for i in range(5)]
    seen = case(Metric(name="a"), windows=windows).standing(50.0)
    alpha, beta = limit_of(seen.log_e_roll_back), limit_of(seen.evidence[0].log_e_promote)
    both = case(Metric(name="a"), windows=windows, alpha=alpha, beta=beta)
    assert (both.rules.roll_back_at, both.rules.promote_at) == (seen.log_e_roll_back, seen.evidence[0].log_e_promote)
    assert both.standing(50.0).decision is Decision.ROLL_BACK
    stricter = case(Metric(name="a"), windows=windows, alpha=alpha * 0.999, beta=beta)
    assert stricter.standing(50.0).decision is Decision.PROMOTE


def test_without_data_rules_one_window_and_any_count_are_enough():
    one = [window(a=(1000, 9000, 20, 10))]
    assert case(Metric(name="a"), windows=one).standing(2.0).decision is Decision.GO_ON
    bare = case(Metric(name="a"), windows=one, bad_at_least=0, windows_at_least=0)
    assert bare.standing(2.0).decision is Decision.ROLL_BACK
    two_events = [window(i, a=(1, 9_999, 1, 0)) for i in range(2)]
    ruled = case(Metric(name="a"), windows=two_events, alpha=0.1, windows_at_least=0)
    assert ruled.standing(2.0).decision is Decision.GO_ON
    bare = case(Metric(name="a"), windows=two_events, alpha=0.1, bad_at_least=0, windows_at_least=0)
    assert bare.standing(2.0).decision is Decision.ROLL_BACK


def test_without_data_rules_nothing_seen_is_still_no_decision():
    for windows in ([], [window()], [window(a=(0, 0, 0, 0))]):
        opened = case(windows=windows, bad_at_least=0, windows_at_least=0)
        assert opened.standing(2.0).decision is Decision.GO_ON
    assert SequentialCase.opened(Rules(bad_at_least=0, windows_at_least=0), ()).standing(2.0).decision is Decision.GO_ON


def test_a_canary_that_burns_its_budget_is_rolled_back_without_any_stable_side():
    windows = [window(i, a=(1000, 0, 60, 0)) for i in range(3)]
    standing = case(windows=windows).standing(2.0)
    assert standing.decision is Decision.ROLL_BACK
    assert standing.evidence[0].log_e_roll_back == 0.0
    assert standing.evidence[0].ratio is None
    assert case(Metric(name="a"), windows=windows).standing(2.0).decision is Decision.GO_ON


def test_damage_that_both_sides_share_is_caught_by_the_burn_alone():
    windows = [window(i, a=(1000, 9000, 60, 540)) for i in range(3)]
    standing = case(windows=windows).standing(2.0)
    assert standing.evidence[0].log_e_roll_back < 0
    assert standing.decision is Decision.ROLL_BACK


def test_a_canary_well_inside_its_objective_is_promoted_without_a_stable_side_and_never_without_an_objective():
    windows = [window(i, a=(5000, 0, 0, 0)) for i in range(2)]
    assert case(windows=windows).standing(2.0).decision is Decision.PROMOTE
    for form in Comparison:
        assert case(Metric(name="a", evidence=form), windows=windows).standing(2.0).decision is Decision.GO_ON


def test_a_canary_twice_as_bad_as_stable_but_inside_its_objective_may_pass():
    """The absolute arm lets it, by design; a metric without an objective does not."""
    windows = [window(i, a=(5000, 45000, 2, 9)) for i in range(20)]
    rare = case(Metric(name="a", objective=0.99), windows=windows, tolerate=3.0).standing(2.0)
    assert rare.decision is Decision.PROMOTE
    assert case(Metric(name="a"), windows=windows, tolerate=3.0).standing(2.0).decision is Decision.GO_ON


@settings(max_examples=60, deadline=None)
@given(st.lists(counts, min_size=1, max_size=3), st.sampled_from([0.999, None]), st.floats(1, 8))
def test_splitting_windows_at_a_constant_share_does_not_matter(each, objective, dispersion):
    metric = Metric(name="a", objective=objective, dispersion=dispersion)
    parts = [window(i, a=tuple(part * one for one in x)) for i, x in enumerate(each) for part in (1, 2)]
    whole = case(metric, windows=[window(i, a=tuple(3 * one for one in x)) for i, x in enumerate(each)]).standing(2.0)
    split = case(metric, windows=parts).standing(2.0)
    assert split.log_e_roll_back == pytest.approx(whole.log_e_roll_back, rel=1e-9, abs=1e-9)
    ours, theirs = split.evidence[0], whole.evidence[0]
    assert ours.log_e_promote == pytest.approx(theirs.log_e_promote, rel=1e-9, abs=1e-9)
    assert (ours.ratio is None) == (theirs.ratio is None)
    assert ours.ratio is None or ours.ratio == pytest.approx(theirs.ratio)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(counts, counts), max_size=3), st.sampled_from(Comparison))
def test_equal_cases_are_reached_on_any_way(each, form):
    """A case is a value: what was made of an earlier one later does not change it."""
    windows = [window(i, a=x) for i, (x, _) in enumerate(each)]
    others = [window(i, a=y) for i, (_, y) in enumerate(each)]
    metric = Metric(name="a", objective=0.99, evidence=form)
    states = [case(metric)]
    for one, other in zip(windows, others, strict=True):
        states[-1].seen(other).standing(3.0)
        states.append(states[-1].seen(one))
    for i, state in enumerate(states):
        assert state.standing(2.0) == case(metric, windows=windows[:i]).standing(2.0)


huge = st.one_of(st.integers(0, 5), st.integers(0, 10**12))
sides = st.tuples(huge, huge, huge, huge).map(lambda n: (n[0] + n[2], n[1] + n[3], n[2], n[3]))


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(sides, sides), max_size=3),
    st.sampled_from([0.999999, 0.5, 0.001, None]),
    st.sampled_from([1.0, 2.0, 1e6]),
    st.sampled_from([0.5, 14.4, 1e9]),
    st.sampled_from(Comparison),
)
def test_no_counts_objective_burn_or_dispersion_make_nan_or_pass_in_silence(each, objective, dispersion, burn, form):
    a = Metric(name="a", objective=objective, dispersion=dispersion, evidence=form)
    b = Metric(name="b", bound="1", bounds=("0.5", "1"), evidence=form)
    windows = [window(i, a=x, b=y) for i, (x, y) in enumerate(each)]
    standing = case(a, b, windows=windows, burn=burn).standing(2.0)
    numbers = [standing.log_e_roll_back, standing.log_e_burn]
    for one in standing.evidence:
        numbers += [one.log_e_roll_back, one.log_e_promote, one.share, *(one.ratio or ())]
    assert all(math.isfinite(number) for number in numbers)
    assert sum(one.share for one in standing.evidence) == pytest.approx(1)
    if standing.decision is Decision.PROMOTE:
        assert all(one.canary.total and one.stable.total for one in standing.evidence if one.metric == "b")
        assert all(one.log_e_promote >= math.log(20) - 1e-9 for one in standing.evidence)

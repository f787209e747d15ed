"""Backtest: a policy on a past that is known, because it was made here."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from davy.checks.backtest.pod_counts import PodCounts
from davy.checks.backtest.pseudo_canary import Regression, TriedPolicy, drawn, faults_of, injected, starts, windows
from davy.checks.backtest.results import apart, disagreed, explained, rows
from davy.checks.backtest.routing_bias import bias
from davy.checks.backtest.trial import HEALTHY, Skipped, Trial, dispersions, judged
from davy.checks.judges.sequential.case import Metric, Rules
from davy.checks.statistics.intervals import interval
from davy.checks.statistics.sampling import binomial, geometric, poisson
from davy.checks.traces.result import ReplayEnd
from davy.checks.traces.trace import Glance
from davy.pipeline.core.verdict import Counts, Pair

MINUTE = 60.0
HOUR = 60
"""Windows of a minute."""
ERRORS = Metric(name="errors", objective=0.998)


def past(hours=24, pods=8, rate=0.002, *, worse=(), lives=None):
    """Pods of one version; `worse`: by pod, how many times the rate it has; `lives`: its first and last hour."""
    dice, counts = Random(11), PodCounts(start=0.0, length=MINUTE, bounds={"errors": ()})
    for number in range(pods):
        pod = f"pod-{number}"
        first, end = (lives or {}).get(pod, (0, hours))
        for window in range(first * HOUR, end * HOUR):
            total = poisson(600, dice)
            bad = binomial(total, rate * dict(worse).get(pod, 1.0), dice)
            counts.put("errors", window, pod, Counts(bad=bad, total=total))
    return counts


def policy(**changes):
    said = {
        "metrics": (ERRORS,),
        "rules": Rules(),
        "worse": 2.0,
        "steps": ((0.125, 20), (0.5, 40)),
        "promote_from": 20 * MINUTE,
        "history": 6 * HOUR,
        "block": 1,
    }
    return TriedPolicy(**{**said, **changes})


def trial(counts, wanted, seed=1):
    return Trial.of(counts, wanted, lambda words: Random(f"{seed} {words}"))


@pytest.fixture(scope="module")
def day():
    return past()


@pytest.fixture(scope="module")
def tried(day):
    wanted = policy()
    of = trial(day, wanted)
    faults = faults_of(day, "errors", (5.0, 10.0))
    return of, tuple(run for start in starts(day, wanted, HOUR) for run in of.runs(start, faults))


def test_pods_of_one_version_are_rolled_back_no_more_often_than_promised(tried):
    of, runs = tried
    row = next(row for row in rows(runs, of.policy.windows) if row.judge == "sequential" and row.ratio == HEALTHY)
    assert row.runs == row.apart == 24
    assert row.interval[0] <= of.policy.rules.alpha
    assert row.rolled_back == 0
    assert row.promoted > row.runs / 2


def test_an_injected_regression_is_found_and_its_price_is_told(tried):
    of, runs = tried
    found = {row.ratio: row for row in rows(runs, of.policy.windows) if row.judge == "sequential"}
    assert found[10.0].rolled_back == found[10.0].runs
    assert found[10.0].seconds <= found[5.0].seconds < 20 * MINUTE
    assert 0 < found[10.0].extra < 40


def test_the_same_seed_gives_the_same_runs_and_another_draws_other_pods(day):
    wanted = policy()
    faults = faults_of(day, "errors", (5.0,))
    one, again = (trial(day, wanted).runs(120, faults) for _ in range(2))
    assert one == again
    others = {trial(day, wanted, seed).runs(120, ())[0].pods for seed in range(2, 6)}
    assert len(others) > 1


def test_every_fault_meets_the_same_pods(tried):
    _, runs = tried
    by_start = {}
    for run in runs:
        by_start.setdefault(run.start, set()).add(run.pods)
    assert all(len(pods) == 1 for pods in by_start.values())


def test_the_set_of_pods_grows_step_by_step(day):
    wanted = policy(steps=((0.125, 10), (0.25, 10), (0.5, 40)))
    draw = drawn(day, wanted, 0, Random(3))
    assert draw.sizes == (1, 2, 4)
    glances = windows(day, wanted, draw)
    shares = [glances[at].counts["errors"].canary.total for at in (5, 15, 30)]
    assert shares == sorted(shares)
    first = day.sums("errors", 5, 6, draw.pods[:1])
    assert glances[5].counts["errors"].canary == Counts(bad=first[1][0], total=first[0][0])


@given(start=st.integers(0, 200), seed=st.integers(0, 50))
@settings(max_examples=25, deadline=None)
def test_no_request_is_lost_or_counted_twice(day, start, seed):
    wanted = policy()
    glances = windows(day, wanted, drawn(day, wanted, start, Random(seed)))
    every = day.sums("errors", start, start + wanted.windows)
    for place, glance in enumerate(glances):
        pair = glance.counts["errors"]
        assert pair.canary.total + pair.stable.total == every[0][place]
        assert pair.canary.bad + pair.stable.bad == every[1][place]


def test_a_start_whose_pods_were_all_replaced_is_left_out_and_says_so():
    lives = {**{f"pod-{n}": (0, 3) for n in range(4)}, **{f"pod-{n}": (3, 6) for n in range(4, 8)}}
    counts, wanted = past(hours=6, lives=lives), policy()
    found = {start: trial(counts, wanted).runs(start, ()) for start in (0, 2 * HOUR + 30, 3 * HOUR)}
    assert isinstance(found[150], Skipped)
    assert "replaced" in found[150].why
    assert not isinstance(found[0], Skipped)
    assert not isinstance(found[180], Skipped)


def test_a_pod_that_comes_in_between_serves_on_the_stable_side():
    counts = past(hours=2, pods=4, lives={"pod-3": (1, 2)})
    draw = drawn(counts, policy(steps=((0.5, 2 * HOUR),)), 0, Random(1))
    assert "pod-3" not in draw.pods
    assert len(draw.pods) == 2


def test_one_pod_alone_cannot_be_compared():
    counts = past(hours=2, pods=1)
    assert isinstance(trial(counts, policy()).runs(0, ()), Skipped)


def test_hours_in_which_nothing_was_counted_are_left_out():
    counts = past(hours=1, pods=3)
    for pod in range(3):
        counts.put("errors", 5 * HOUR, f"pod-{pod}", Counts(bad=0, total=10))
    assert isinstance(trial(counts, policy()).runs(2 * HOUR, ()), Skipped)


HISTOGRAM = Metric(name="latency", objective=0.99, bound="0.5", bounds=("0.25", "0.5", "1"))


@given(
    cells=st.tuples(*[st.integers(0, 400)] * 4),
    ratio=st.floats(1.01, 10_000),
    base=st.floats(0, 1),
    seed=st.integers(0, 9),
)
@settings(max_examples=60, deadline=None)
def test_what_is_injected_keeps_a_histogram_a_histogram(cells, ratio, base, seed):
    _, middle, slow, slowest = cells
    total = sum(cells)
    above = {"0.25": middle + slow + slowest, "0.5": slow + slowest, "1": slowest}
    before = Counts(bad=above["0.5"], total=total, above=above)
    glance = Glance(t=15.0, counts={"latency": Pair(canary=before, stable=before)})
    fault = Regression(metric="latency", ratio=ratio, base=base)
    (after,), (moved,) = injected((glance,), HISTOGRAM, fault, Random(seed))
    canary = after.counts["latency"].canary
    assert total >= canary.above["0.25"] >= canary.above["0.5"] >= canary.above["1"] == slowest
    assert canary.bad == canary.above["0.5"] == before.bad + moved
    assert 0 <= canary.above["0.25"] - above["0.25"] <= moved
    assert after.counts["latency"].stable == before


def test_an_injected_regression_makes_the_rate_that_many_times_the_base():
    base, total = 0.01, 3_000_000
    fault = Regression(metric="errors", ratio=5.0, base=base)
    glance = Glance(t=15.0, counts={"errors": Pair(canary=Counts(bad=round(base * total), total=total))})
    (after,), _ = injected((glance,), ERRORS, fault, Random(1))
    assert after.counts["errors"].canary.rate == pytest.approx(5 * base, rel=0.01)


def test_a_past_without_a_bad_event_is_injected_as_if_there_were_one():
    counts = past(hours=1, rate=0.0)
    total = counts.whole("errors")
    (fault,) = faults_of(counts, "errors", (10.0,))
    assert fault.base == 1 / sum(one.total for one in total.values())


def test_a_pod_that_gets_other_requests_is_seen_and_named():
    biased = past(hours=6, worse=(("pod-5", 3.0),)).whole("errors")
    found = bias(biased, 1.0)
    assert found.is_seen
    assert found.farthest == "pod-5"
    assert found.ratio == pytest.approx(3.0, rel=0.2)
    alike = bias(past(hours=6).whole("errors"), 1.0)
    assert not alike.is_seen
    assert abs(alike.mean) < 0.05
    assert alike.spread < 2 * alike.by_chance


def test_too_few_bad_events_tell_nothing_of_the_routing():
    assert bias({"a": Counts(bad=1, total=100), "b": Counts(bad=0, total=100)}, 1.0) is None
    assert bias({}, 1.0) is None


def test_the_dispersion_is_that_of_the_past_before_the_start_and_not_after():
    counts = past(hours=6)
    for window in range(5 * HOUR, 6 * HOUR, 10):  # Clusters that nobody knew of before.
        counts.put("errors", 6 * HOUR + window, "pod-0", Counts(bad=0, total=1))
    early = trial(counts, policy()).histories.before(0)["errors"]
    assert early == 2.0  # Assumed: there is no past before the first window.
    later = trial(counts, policy()).histories.before(5 * HOUR)["errors"]
    assert later == pytest.approx(1.0, abs=0.2)
    assert later == dispersions(counts, policy(), 0, 5 * HOUR)["errors"].value


def test_a_dispersion_that_is_configured_is_kept():
    fixed = policy(metrics=(Metric(name="errors", objective=0.998, dispersion=3.0),), history=0)
    assert trial(past(hours=2), fixed).histories.before(60) == {"errors": 3.0}


def test_only_starts_that_do_not_overlap_count_for_the_interval():
    assert apart([0, 10, 20, 60, 61, 130], 60) == 3
    assert apart([], 60) == 0


def test_a_rollback_among_overlapping_runs_is_never_lost_by_rounding(tried):
    _, runs = tried
    row = rows(runs, 10_000)[0]
    assert row.apart == 1
    assert row.interval == interval(0, 1)
    threshold = rows(runs, 120)[1]
    assert threshold.rolled_back > 0
    assert threshold.interval[0] < threshold.rolled_back / threshold.runs <= threshold.interval[1]


def test_disagreements_come_with_the_sentences_of_those_that_did_not_promote(tried):
    of, runs = tried
    others = disagreed(runs)
    assert others
    assert all(run.ratio == HEALTHY for run in others)
    told = explained(of, others[0])
    assert told.verdicts == {one.judge: one.verdict for one in others[0].outcomes}
    assert set(told.sentences) == {judge for judge, found in told.verdicts.items() if found is not ReplayEnd.PROMOTE}
    assert all(told.sentences.values())


def test_a_verdict_without_its_confidence_sequence_is_the_same_verdict(tried):
    of, runs = tried
    for run in [one for one in runs if one.ratio == HEALTHY][:4]:
        trace = of.played(run.start).trace
        quick, whole = judged("sequential", trace), judged("sequential", trace, whole=True)
        assert (quick.verdict, quick.at) == (whole.verdict, whole.at)
        assert quick.looks[-1].log_e_roll_back == whole.looks[-1].log_e_roll_back


def test_starts_are_spread_over_the_whole_where_fewer_are_asked(day):
    wanted = policy()
    whole = starts(day, wanted, 30)
    some = starts(day, wanted, 30, 5)
    assert len(some) == 5
    assert (some[0], some[-1]) == (whole[0], whole[-1])
    assert starts(day, wanted, 30, 1000) == whole
    assert starts(past(hours=1, pods=2), policy(steps=((0.5, 61),)), 1) == ()


def test_errors_in_clusters_are_tempered_by_what_their_own_past_shows():
    dice, counts = Random(2), PodCounts(start=0.0, length=MINUTE, bounds={"errors": ()})
    for number in range(8):
        for window in range(20 * HOUR):
            bad = sum(geometric(4.0, dice) for _ in range(poisson(0.3, dice)))
            counts.put("errors", window, f"pod-{number}", Counts(bad=min(bad, 600), total=600))
    wanted, plain = policy(), policy(history=0)
    tempered, believed = (
        [
            outcome
            for start in starts(counts, one, HOUR)[6:]
            for run in trial(counts, one).runs(start, ())
            for outcome in run.outcomes
            if outcome.judge == "sequential"
        ]
        for one in (wanted, plain)
    )
    assert dispersions(counts, wanted, 0, counts.end)["errors"].value == pytest.approx(7.0, rel=0.15)
    assert [one.verdict for one in tempered].count(ReplayEnd.ROLL_BACK) == 0
    assert [one.verdict for one in believed].count(ReplayEnd.ROLL_BACK) > 0

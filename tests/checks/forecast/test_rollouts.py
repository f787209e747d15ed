"""Simulation: traces have the rates they are made with, and the fast judge decides as the real one does."""

from dataclasses import replace
from random import Random

import pytest

from davy.checks.forecast.rollouts import (
    Latency,
    MetricStream,
    Scenario,
    SimulatedRollout,
    dispersions,
    excess,
    played,
    sequential,
    since,
    tempered,
)
from davy.checks.judges.sequential.case import Metric, Rules, SequentialCase
from davy.checks.traces.result import ReplayEnd
from davy.pipeline.core.verdict import Decision

BOUNDS = ("0.1", "0.25", "0.5", "1")
ERRORS = MetricStream(metric=Metric(name="errors", objective=0.999), base=0.002)
SLOW = MetricStream(
    metric=Metric(name="latency", objective=0.99, bound="0.5", bounds=BOUNDS), latency=Latency(median=0.08)
)
PLAY = SimulatedRollout(streams=(ERRORS, SLOW), steps=((0.05, 300), (0.2, 300), (0.5, 600)), promote_from=600)
HEALTHY = Scenario(name="healthy")
TRUTHS = (
    HEALTHY,
    Scenario(name="2x", worse=2),
    Scenario(name="5x", worse=5),
    Scenario(name="half", worse=250),
    Scenario(name="slower", scale=1.25),
    Scenario(name="tail", tail=0.005),
    Scenario(name="clusters", cluster=4),
    Scenario(name="shock", shock=20),
)


def by_the_case(trace):
    """The same, window by window, with the judge's own code."""
    case = SequentialCase.opened(trace.rules, trace.metrics)
    for glance in trace.windows:
        case = case.counted(glance.counts)
        decision = case.standing(trace.worse, may_promote=glance.t >= trace.promote_from).decision
        if decision is Decision.ROLL_BACK:
            return ReplayEnd.ROLL_BACK, glance.t
        if decision is Decision.PROMOTE:
            return ReplayEnd.PROMOTE, glance.t
    return ReplayEnd.INCONCLUSIVE, trace.windows[-1].t


@pytest.mark.parametrize("scenario", TRUTHS, ids=lambda scenario: scenario.name)
@pytest.mark.parametrize("dispersion", [1.0, 3.0])
def test_the_fast_judge_decides_what_the_real_one_does_in_the_same_window(scenario, dispersion):
    for seed in range(2):
        trace = tempered(played(PLAY, scenario, Random(seed)), {"errors": dispersion, "latency": 1.0})
        one = sequential(trace)
        assert (one.result, one.at) == by_the_case(trace)


def test_the_same_seed_plays_the_same():
    assert played(PLAY, HEALTHY, Random(5)) == played(PLAY, HEALTHY, Random(5))
    assert played(PLAY, HEALTHY, Random(5)) != played(PLAY, HEALTHY, Random(6))


def rates(scenario, name, side):
    traces = [played(PLAY, scenario, Random(seed)) for seed in range(5)]
    pairs = [glance.counts[name] for trace in traces for glance in trace.windows]
    counts = [getattr(pair, side) for pair in pairs]
    return sum(one.bad for one in counts) / sum(one.total for one in counts)


def test_both_sides_have_the_rates_of_the_scenario():
    worse = Scenario(name="5x", worse=5, scale=1.25)
    assert rates(worse, "errors", "stable") == pytest.approx(0.002, rel=0.1)
    assert rates(worse, "errors", "canary") == pytest.approx(0.01, rel=0.1)
    assert rates(worse, "latency", "stable") == pytest.approx(Latency(median=0.08).above(0.5), rel=0.1)
    assert rates(worse, "latency", "canary") == pytest.approx(Latency(median=0.08).above(0.5, 1.25), rel=0.1)


def test_clusters_keep_the_rate_and_are_seen_in_the_dispersion():
    clusters = Scenario(name="clusters", cluster=4)
    assert rates(clusters, "errors", "stable") == pytest.approx(0.002, rel=0.15)
    found = dispersions(replace(PLAY, streams=(ERRORS,)), clusters, Random(1))
    assert found["errors"] == pytest.approx(7, rel=0.25)
    alone = dispersions(replace(PLAY, streams=(ERRORS,)), HEALTHY, Random(1))
    assert alone["errors"] == pytest.approx(1, abs=0.15)


def test_a_canary_whose_share_is_larger_than_meant_gets_so_many_requests():
    trace = played(replace(PLAY, steps=((0.1, 600),)), Scenario(name="skewed", skew=1.3), Random(1))
    canary = sum(glance.counts["errors"].canary.total for glance in trace.windows)
    both = canary + sum(glance.counts["errors"].stable.total for glance in trace.windows)
    assert canary / both == pytest.approx(0.13, rel=0.03)


def test_above_each_bound_are_some_of_those_above_the_one_before():
    for glance in played(PLAY, Scenario(name="tail", tail=0.02), Random(2)).windows:
        for side in (glance.counts["latency"].canary, glance.counts["latency"].stable):
            counts = [side.total, *(side.above[bound] for bound in BOUNDS)]
            assert counts == sorted(counts, reverse=True)
            assert side.bad == side.above["0.5"]


def test_a_latency_is_found_by_its_share_above_a_bound():
    assert Latency.reaching(0.01, 0.25).above(0.25) == pytest.approx(0.01)


def test_excess_is_what_stable_would_not_have_served():
    worse = Scenario(name="5x", worse=5)
    play = replace(PLAY, streams=(ERRORS,))
    trace = played(play, worse, Random(3))
    canary = sum(glance.counts["errors"].canary.total for glance in trace.windows if glance.t <= 300)
    assert excess(trace, play, worse, 300) == pytest.approx(canary * 0.008)
    assert excess(trace, play, HEALTHY, 300) == 0


def test_a_warm_up_is_left_out():
    assert [glance.t for glance in since(played(PLAY, HEALTHY, Random(1)), 60).windows][:2] == [75, 90]


def test_healthy_canaries_are_rolled_back_less_often_than_promised():
    play = SimulatedRollout(streams=(replace(ERRORS, base=0.001),), steps=((0.1, 900),), rules=Rules(alpha=0.05))
    flagged = sum(
        sequential(played(play, HEALTHY, Random(seed)), may_promote=False).result is ReplayEnd.ROLL_BACK
        for seed in range(150)
    )
    assert flagged <= 10

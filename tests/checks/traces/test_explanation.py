"""A verdict in full: what it says adds up, and what is missing for a verdict is just that."""

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from davy.checks.traces.explanation import explained
from davy.checks.traces.reader import read
from davy.checks.traces.replay import sequential
from davy.checks.traces.result import ReplayEnd
from davy.workflows.judge.explain import document, text

BOUNDS = ("0.25", "0.5")


def window(t, nc, nb, a, h):
    """`a`: bad of both sides; `h`: above each bound, of both sides."""
    return {
        "t": t,
        "canary": {"a": {"total": nc, "bad": a[0]}, "h": {"total": nc, "bad": dict(zip(BOUNDS, h[0], strict=True))}},
        "stable": {"a": {"total": nb, "bad": a[1]}, "h": {"total": nb, "bad": dict(zip(BOUNDS, h[1], strict=True))}},
    }


def traced(*windows, objective=99.9, **parameters):
    metrics = [{"name": "a", "objective": objective}, {"name": "h", "bound": "0.5", "weight": 3}]
    header = {"davy_trace": 1, "metrics": metrics, "parameters": parameters}
    return read([json.dumps(one).encode() for one in (header, *windows)], "t")


def simple(*windows, objective=None, **parameters):
    """Windows as (canary, stable, bad canary, bad stable)."""
    metric = {"name": "a"} | ({"objective": objective} if objective else {})
    lines = [
        {"t": 15 * i, "canary": {"a": {"total": nc, "bad": xc}}, "stable": {"a": {"total": nb, "bad": xb}}}
        for i, (nc, nb, xc, xb) in enumerate(windows, start=1)
    ]
    header = {"davy_trace": 1, "metrics": [metric], "parameters": parameters}
    return read([json.dumps(one).encode() for one in (header, *lines)], "t")


def whole(trace, at=None):
    return explained(trace, trace.windows, at)


WINDOWS = [window(15 * i, 150, 1350, (1, 2), ((9, 3), (90, 11))) for i in range(1, 5)]


def test_the_parts_of_the_metrics_add_up_to_the_evidence_and_the_weights_to_one():
    found = whole(traced(*WINDOWS))
    total = math.fsum(math.exp(one.log_part) for one in found.metrics)
    assert math.log(total) == pytest.approx(found.standing.log_e_roll_back)
    weights = [one.weight for one in found.metrics] + [one.burn.weight for one in found.metrics if one.burn]
    assert math.fsum(weights) == pytest.approx(1)
    for one in found.metrics:
        assert math.exp(one.log_part) / total == pytest.approx(one.evidence.share)


def test_the_evidence_of_a_histogram_is_the_mean_over_its_bounds_and_promotion_the_mean_of_its_arms():
    a, h = whole(traced(*WINDOWS)).metrics
    assert [one.bound for one in h.bounds] == list(BOUNDS)
    assert [(one.canary, one.stable) for one in h.bounds] == [(36, 360), (12, 44)]
    mean = math.fsum(math.exp(one.log_e) for one in h.bounds) / 2
    assert math.log(mean) == pytest.approx(h.evidence.log_e_roll_back)
    arms = (math.exp(a.log_e_relative) + math.exp(a.log_e_absolute)) / 2
    assert math.log(arms) == pytest.approx(a.evidence.log_e_promote)
    assert h.log_e_absolute is None
    assert h.log_e_relative == pytest.approx(h.evidence.log_e_promote)


def test_the_shares_are_those_that_were_observed():
    trace = simple((100, 900, 0, 1), (200, 800, 0, 1), (50, 0, 1, 0))
    (one,) = whole(trace).metrics
    assert (one.shares.least, one.shares.most) == (0.1, 0.2)
    assert one.shares.mean == pytest.approx(0.15)
    (alone,) = whole(simple((100, 0, 1, 0))).metrics
    assert alone.shares is None


@pytest.mark.parametrize("objective", [None, 99.0])
def test_so_many_clean_requests_promote_and_one_less_does_not(objective):
    before = [(100, 900, 1, 9), (100, 900, 2, 9)]
    clean = whole(simple(*before, objective=objective)).metrics[0].missing.clean
    assert clean > 1

    def verdict(requests):
        others = 9 * requests
        return sequential(simple(*before, (requests, others, 0, round(others / 100)), objective=objective)).verdict

    assert verdict(clean) is ReplayEnd.PROMOTE
    assert verdict(clean - 1) is ReplayEnd.INCONCLUSIVE


def test_so_many_bad_requests_roll_back_and_one_less_does_not():
    before = [(100, 900, 1, 9), (100, 900, 2, 9)]
    bad = whole(simple(*before, objective=99.0)).metrics[0].missing.bad
    assert bad > 1

    def verdict(requests):
        return sequential(simple(*before, (requests, 9 * requests, requests, 0), objective=99.0)).verdict

    assert verdict(bad) is ReplayEnd.ROLL_BACK
    assert verdict(bad - 1) is ReplayEnd.INCONCLUSIVE


def test_what_no_number_of_requests_would_bring_is_none():
    missing = whole(simple((100, 900, 0, 0))).metrics[0].missing
    assert missing.clean is None, "stable has no bad event and there is no objective"
    assert whole(simple((100, 0, 1, 0))).metrics[0].missing.bad is None, "nothing to compare, no objective"


def test_after_a_verdict_nothing_is_missing_for_it():
    rolled_back = whole(simple((1000, 9000, 30, 10)))
    assert rolled_back.finding.verdict is ReplayEnd.ROLL_BACK
    assert rolled_back.metrics[0].missing.bad == 0
    promoted = whole(simple((9000, 9000, 9, 90)))
    assert promoted.finding.verdict is ReplayEnd.PROMOTE
    assert promoted.metrics[0].missing.clean == 0


def test_at_a_moment_the_figures_are_of_that_moment():
    windows = [(100, 900, 1, 1), (1000, 9000, 40, 10), (100, 900, 0, 1)]
    early, late = whole(simple(*windows), at=29), whole(simple(*windows), at=1000)
    assert (early.t, early.finding.verdict, early.metrics[0].evidence.canary.total) == (15, ReplayEnd.INCONCLUSIVE, 100)
    assert (late.t, late.finding.at, late.metrics[0].evidence.canary.total) == (45, 30, 1200)
    assert whole(simple(*windows)).t == 30
    assert whole(simple(*windows), at=3).t is None


counts = st.integers(0, 3000).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n)))


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(counts, counts), max_size=4),
    st.sampled_from([None, 50.0, 99.9]),
    st.sampled_from([{}, {"burn_weight": 0}, {"burn_weight": 1}, {"dispersion": 7}, {"bad_at_least": 3}]),
)
def test_any_trace_is_explained_in_80_columns_and_in_finite_numbers(pairs, objective, parameters):
    windows = [(nc, nb, xc, xb) for (nc, xc), (nb, xb) in pairs]
    found = whole(simple(*windows, objective=objective, **parameters))
    assert all(len(line) <= 80 for line in text(found).splitlines())
    assert json.loads(json.dumps(document(found), allow_nan=False))["davy_explain"] == 1

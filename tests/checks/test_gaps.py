"""Windows of which something could not be read, and what every judge and every sentence makes of them."""

import json

import pytest

from davy.checks.traces.explanation import explained
from davy.checks.traces.other_judges import mannwhitney, threshold
from davy.checks.traces.reader import read
from davy.checks.traces.replay import sequential
from davy.checks.traces.result import ReplayEnd
from davy.workflows.judge.explain import text

UNREAD = "Nothing is promoted at a window of which something could not be read."


def window(t, canary, stable, **more):
    sides = {
        side: {"errors": {"total": total, "bad": bad}}
        for side, (total, bad) in (("canary", canary), ("stable", stable))
    }
    return {"t": t, **sides, **more}


def trace(settings, *windows, objective=99):
    header = {"davy_trace": 1, "metrics": [{"name": "errors", "objective": objective}], **settings}
    return read([json.dumps(line).encode() for line in (header, *windows)], "trace")


POINTS = [window(60 * n, (100, n % 2), (900, 9 * (n % 2))) for n in range(1, 31)]
JUDGES = {
    "argo": (threshold, {"threshold": {"style": "argo", "count": 1}}),
    "argo, endless": (threshold, {"threshold": {"style": "argo"}}),
    "argo, in a row": (threshold, {"threshold": {"style": "argo", "successes": 2}}),
    "flagger": (threshold, {"threshold": {"style": "flagger", "iterations": 2}}),
    "flagger, endless": (threshold, {"threshold": {"style": "flagger"}}),
    "mannwhitney": (mannwhitney, {}),
    "mannwhitney, by interval": (mannwhitney, {"mannwhitney": {"interval": 600}}),
    "sequential": (sequential, {}),
}


@pytest.mark.parametrize("name", JUDGES)
def test_no_judge_promotes_at_a_window_with_a_gap(name):
    judge, settings = JUDGES[name]
    windows = (
        [one | {"canary": {"errors": {"total": 9000, "bad": 0}}} for one in POINTS] if name == "sequential" else POINTS
    )
    assert judge(trace(settings, *windows)).verdict is ReplayEnd.PROMOTE
    found = judge(trace(settings, *(one | {"gap": True} for one in windows)))
    assert found.verdict is ReplayEnd.INCONCLUSIVE
    assert found.at is None
    assert UNREAD in found.sentence
    assert not found.sentence.startswith("Good enough")


@pytest.mark.parametrize("name", ["argo", "argo, in a row", "flagger", "sequential"])
def test_the_first_window_without_a_gap_promotes(name):
    judge, settings = JUDGES[name]
    windows = [one | {"canary": {"errors": {"total": 9000, "bad": 0}}} for one in POINTS]
    found = judge(trace(settings, *(one | {"gap": True} for one in windows[:20]), *windows[20:]))
    assert (found.verdict, found.at) == (ReplayEnd.PROMOTE, 21 * 60)


@pytest.mark.parametrize("name", ["argo, endless", "flagger", "sequential"])
def test_a_gap_does_not_keep_a_bad_canary(name):
    judge, settings = JUDGES[name]
    bad = [window(60 * n, (100, 90), (900, 0), gap=True) for n in range(1, 31)]
    assert judge(trace(settings, *bad)).verdict is ReplayEnd.ROLL_BACK


def test_an_explanation_names_the_gap_in_place_of_nothing():
    one = trace({}, window(15, (9000, 0), (9000, 9), gap=True))
    found = explained(one, one.windows)
    assert UNREAD in found.finding.sentence
    assert "to promote: no more evidence is needed. Nothing is promoted at a window of which" in " ".join(
        text(found).split()
    )
    assert "to promote: nothing" not in text(found)


def test_what_comes_before_the_last_step_is_said_as_well():
    one = trace({"parameters": {"promote_from": 600}}, window(15, (9000, 0), (9000, 9)))
    assert "Nothing is promoted before 600 s, where the last step begins." in sequential(one).sentence


def test_stable_is_counted_at_the_same_moments_as_the_canary():
    """In windows without canary requests stable failed half of its own: no comparison."""
    idle, served = ((0, 0), (1000, 500)), ((100, 2), (1000, 1))
    windows = [window(15 * n, *(served if n % 2 else idle)) for n in range(1, 6)]
    one = trace({}, *windows, objective=99.9)
    found = sequential(one)
    assert found.verdict is ReplayEnd.ROLL_BACK
    assert (
        "6 of 300 canary requests failed (2.0%) against 3 of 3,000 on stable at the same moments (0.10%)"
        in found.sentence
    )
    told = explained(one, one.windows).metrics[0]
    assert (told.evidence.stable.bad, told.evidence.stable.total) == (3, 3000)
    assert found.looks[-1].evidence[0].stable == told.evidence.stable


def test_of_a_histogram_too_stable_is_counted_at_the_same_moments():
    def sides(canary, stable):
        return {
            side: {"errors": {"total": total, "bad": {"0.5": bad, "1": bad // 2}}}
            for side, (total, bad) in (("canary", canary), ("stable", stable))
        }

    header = {"davy_trace": 1, "metrics": [{"name": "errors", "bound": "0.5"}]}
    lines = [header, {"t": 15, **sides((0, 0), (1000, 500))}, {"t": 30, **sides((100, 4), (1000, 2))}]
    found = sequential(read([json.dumps(line).encode() for line in lines], "trace"))
    stable = found.looks[-1].evidence[0].stable
    assert (stable.bad, stable.total, dict(stable.above)) == (2, 1000, {"0.5": 2, "1": 1})


def test_where_neither_side_has_had_a_request_that_is_said_and_no_effect():
    found = mannwhitney(trace({}, window(60, (0, 0), (0, 0))))
    assert found.sentence == "Inconclusive: neither side has had a request yet."
    assert found.looks[-1].evidence[0].value is None


def test_a_metric_without_points_has_no_effect():
    found = mannwhitney(trace({}, window(60, (100, 1), (0, 0))))
    assert "there is no stable side to compare" in found.sentence
    assert "effect" not in found.sentence


@pytest.mark.parametrize(
    ("conditions", "bad", "says"),
    [
        ({"success": "> 0.85", "failure": "< 0.95"}, 10, "failed at < 0.95, the last was 0.9)"),
        ({"success": "> 0.85"}, 20, "wanted > 0.85, the last was 0.8)"),
        ({"failure": "< 0.95"}, 10, "failed at < 0.95, the last was 0.9)"),
        (
            {"success": "result[0] > 0.85", "failure": "len(result) == 1"},
            0,
            "failed at len(result) == 1, the last was 1)",
        ),
    ],
)
def test_the_condition_that_failed_it_is_named(conditions, bad, says):
    settings = {"threshold": {"style": "argo", "failure_limit": 0, "count": 1, **conditions}}
    assert says in threshold(trace(settings, window(60, (100, bad), (900, 90)), objective=80)).sentence


@pytest.mark.parametrize("limit", [{"count": 2, "failure_limit": 2}, {"count": 2, "failure_limit": -1}])
def test_what_failed_every_time_and_could_not_be_failed_is_promoted_and_not_called_good(limit):
    bad = [window(60 * n, (100, 50), (900, 0)) for n in (1, 2)]
    found = threshold(trace({"threshold": {"style": "argo", **limit}}, *bad))
    assert found.verdict is ReplayEnd.PROMOTE
    assert found.sentence == (
        "Promoted by the count alone: errors: 2 of 2 measurements failed; "
        "no number of failures would have failed errors."
    )

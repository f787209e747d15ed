"""No verdict says what is not so: of idle sides, gaps, tiny rates, counts that are never full, and what was allowed."""

import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from davy.checks.budget.amounts import events, share, times_over
from davy.checks.budget.budget import Budget, Spent, burns_of, sentence
from davy.checks.judges.kayenta import rules
from davy.checks.judges.kayenta.rules import Classified, Label
from davy.checks.judges.sequential.case import Metric
from davy.checks.judges.sequential.sentences import percent, times
from davy.checks.traces.explanation import explained
from davy.checks.traces.other_judges import mannwhitney, threshold
from davy.checks.traces.replay import sequential
from davy.checks.traces.result import ReplayEnd
from davy.checks.traces.trace import Glance, Trace
from davy.pipeline.core.verdict import Counts, Gap, Pair
from davy.workflows.judge.explain import text

NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)


def window(t, canary, stable, *, gap=False):
    sides = [Counts(total=total, bad=bad) for total, bad in (canary, stable)]
    return Glance(t=t, counts={"errors": Pair(canary=sides[0], stable=sides[1])}, gap=gap)


def trace(*windows, objective=0.99, promote_from=0.0, against="stable", **settings):
    metric = Metric(name="errors", objective=objective, against=against)
    return Trace(metrics=(metric,), windows=windows, promote_from=promote_from, settings=settings)


def good(*times, total=1000):
    return [window(t, (total, 0), (9 * total, 0)) for t in times]


# ---- numbers


@given(st.floats(1e-9, 1, exclude_max=True))
def test_a_share_that_is_not_all_is_never_said_to_be(part):
    assert 0 < float(percent(part).removesuffix("%")) < 100


@given(st.floats(1e-5, 1e9))
def test_something_is_never_said_to_be_nothing(amount):
    assert float(times(amount)) > 0
    assert float(events(amount).replace(",", "")) > 0


@given(st.floats(-2, 2).filter(bool))
def test_a_budget_that_is_not_whole_and_not_gone_is_said_to_be_neither(left):
    told = share(left).removesuffix(" %")
    assert told not in ("0", "-0", "0.0", "-0.0") or left == 0
    assert told != "100" or left == 1


@pytest.mark.parametrize(
    ("value", "says"), [(1.2, "1.2"), (1.0004, "1.0004"), (1 + 1e-12, "a little more than 1"), (3.86, "3.86")]
)
def test_a_budget_spent_a_little_over_is_not_spent_once(value, says):
    assert times_over(value) == says


@pytest.mark.parametrize(
    ("text", "says"),
    [(percent(0.999999), "99.9999%"), (percent(0.9996), "99.96%"), (percent(1), "100%"), (percent(0), "0%")],
)
def test_shares_near_to_all_have_the_digits_that_tell(text, says):
    assert text == says


# ---- the threshold judge


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (lambda: threshold(trace(*good(15))), "No interval of 60 s was over."),
        (lambda: threshold(trace()), "No interval of 60 s was over."),
        (lambda: threshold(trace(*good(60, 120), threshold={"count": 5})), "errors: 2 of 5 measured."),
        (lambda: threshold(trace(*good(60), threshold={"successes": 3})), "errors: 1 of 3 succeeded in a row."),
        (
            lambda: threshold(trace(*good(60, 120), threshold={"count": 1}, promote_from=500.0)),
            "Nothing is promoted before 500 s, where the last step begins.",
        ),
        (lambda: threshold(trace(*good(60), promote_from=math.inf)), "the last step did not begin."),
        (
            lambda: threshold(
                trace(*good(60), threshold={"success": "> 2", "failure": "< 0", "inconclusive_limit": 0, "count": 3})
            ),
            "errors: 1 held neither condition, and at most 0 may.",
        ),
        (
            lambda: threshold(
                trace(*(Glance(t=60.0 * at, counts={}) for at in range(1, 8)), threshold={"count": 3, "error_limit": 2})
            ),
            "errors: more than 2 in a row had no number, so no more are waited for.",
        ),
        (
            lambda: threshold(
                trace(window(60, (100, 50), (900, 0)), *good(120), threshold={"count": 2, "successes": 2})
            ),
            "errors: the count of 2 was full before 2 succeeded in a row.",
        ),
        (
            lambda: threshold(trace(*good(60), threshold={"style": "flagger", "iterations": 3})),
            "0 of 1 ticks failed (rolled back at 5). 1 of 3 good ticks.",
        ),
        (
            lambda: threshold(trace(window(60, (100, 50), (900, 0)), threshold={"style": "flagger", "threshold": 1})),
            "Flagger rolls back at the tick after these, and there was none.",
        ),
        (
            lambda: threshold(trace(*good(60), threshold={"style": "flagger"}, promote_from=99.0)),
            "Nothing is promoted before 99 s",
        ),
    ],
)
def test_without_a_verdict_it_is_said_what_is_missing(found, says):
    got = found()
    assert got.verdict is ReplayEnd.INCONCLUSIVE
    assert says in got.sentence
    assert got.sentence.count("Nothing is promoted") <= 1


def test_what_a_gap_withholds_is_told_by_the_gap_alone():
    for style in ({"style": "argo"}, {"style": "flagger", "iterations": 1}):
        found = threshold(trace(window(60, (100, 0), (900, 0), gap=True), threshold=style))
        assert found.sentence.endswith("Nothing is promoted at a window of which something could not be read.")
        assert found.sentence.count("promoted") == 1


def test_a_value_that_is_no_number_is_called_that():
    found = threshold(trace(window(60, (0, 0), (0, 0)), threshold={"failure_limit": 0}))
    assert found.sentence.endswith("(at most 0 may; wanted >= 0.99, the last was no number).")


def test_what_failed_every_time_within_its_limit_is_not_called_good():
    found = threshold(trace(window(60, (0, 0), (0, 0))))
    assert found.verdict is ReplayEnd.PROMOTE
    assert found.sentence == (
        "Promoted, for it has not failed by its limit: errors: 1 of 1 measurements failed; errors may fail 3 times."
    )


counts = st.tuples(st.integers(0, 50), st.integers(0, 50)).map(lambda one: (max(one), min(one)))
WORDS = st.sampled_from(
    [
        {}, {"count": 2}, {"successes": 2}, {"count": 3, "successes": 2}, {"style": "flagger"},
        {"style": "flagger", "iterations": 2, "threshold": 2}, {"failure": "> 2", "success": ">= 0.9", "count": 1},
        {"count": 2, "failure_limit": 5},
    ]
)  # fmt: skip


@settings(max_examples=80)
@given(st.lists(st.tuples(counts, counts, st.booleans()), max_size=5), WORDS, st.sampled_from([0.0, 100.0, math.inf]))
def test_every_verdict_tells_its_counts_and_every_other_end_its_reason(sides, said, begins):
    windows = [window(60.0 * at, one, two, gap=gap) for at, (one, two, gap) in enumerate(sides, start=1)]
    found = threshold(trace(*windows, threshold=said, promote_from=begins))
    if found.verdict is ReplayEnd.INCONCLUSIVE:
        assert len(found.sentence.split(". ")) > 1
        assert "Good enough" not in found.sentence
    if found.sentence.startswith("Good enough: errors"):
        failed, _, of = found.sentence.removeprefix("Good enough: errors: ").split(" ")[:3]
        assert int(failed) < int(of) or failed == "0"


# ---- Kayenta's rule


def test_points_that_could_not_be_judged_are_no_missing_data():
    broken, mute = (Classified(name=name, label=label, groups=("g",)) for name, label in (
        ("e", Label.ERROR), ("n", Label.NO_DATA)))  # fmt: skip
    assert rules.scored([broken], {}).because == "1 of 1 metrics could not be judged"
    assert rules.scored([mute], {}).because == "1 of 1 metrics have no data"
    assert rules.scored([mute, broken], {}).because == "2 of 2 metrics have no data or could not be judged"


def test_a_metric_that_says_nothing_is_blamed_where_nothing_else_is():
    found = mannwhitney(trace(window(60, (0, 0), (100, 5))))
    assert (found.verdict, found.blame) == (ReplayEnd.ROLL_BACK, "errors")


def test_a_score_that_passes_and_promotes_nothing_says_why():
    bad = [window(60 * at, (1000, at), (9000, 9 * at)) for at in range(1, 5)]
    found = mannwhitney(trace(*bad, promote_from=999.0))
    assert found.sentence.endswith(" Nothing is promoted before 999 s, where the last step begins.")
    assert (
        "nothing was judged: no interval of 600 s was over"
        in mannwhitney(trace(*bad, mannwhitney={"interval": 600})).sentence
    )


# ---- the sequential judge


def test_a_stable_side_that_served_at_other_moments_is_not_said_to_be_missing():
    apart = [window(60, (100, 1), (0, 0)), window(120, (0, 0), (100, 9))]
    found = sequential(trace(*apart))
    assert "with no request on stable at the same moments to compare" in found.sentence
    told = text(explained(trace(), apart))
    assert "stable no request at the same moments" in told.replace("\n            ", " ")
    assert "at this share" not in told


def test_an_idle_canary_has_no_observed_rate():
    told = text(explained(trace(), [window(60, (0, 0), (100, 9))]))
    assert "no request was observed" in told
    assert "observed 0" not in told


def test_the_side_that_it_is_compared_with_is_called_by_its_name():
    told = text(explained(trace(against="the baseline"), [window(60, (100, 9), (100, 3))]))
    assert "stable" not in told
    assert "the baseline 3/100" in told


def test_the_burn_limit_is_said_as_it_is():
    found = sequential(trace(*[window(60 * at, (100, 60), (0, 0)) for at in (1, 2)]))
    assert "a canary within 14.4 times the 1.0% its objective allows" in found.sentence


# ---- error budgets


@pytest.mark.parametrize(
    ("gap", "says"),
    [
        (Gap.NAN, "Cannot tell the last 5m: a counter is not a number"),
        (Gap.EXCESS, "Cannot tell the last 5m: more good or bad events were counted"),
        (Gap.ABSENT, "No data of the last 5m: there is no such series"),
    ],
)
def test_what_is_missing_of_the_last_minutes_is_told_by_its_own_reason(gap, says):
    readings = dict.fromkeys((timedelta(hours=1), timedelta(minutes=5)), gap)
    burns = burns_of(readings, 0.99, timedelta(hours=2))
    spent = Spent(bad=0.004, total=0.5)
    budget = Budget(name="a", objective=0.99, window=timedelta(hours=2), at=NOW, spent=spent, burns=burns)
    assert says in sentence(budget)
    assert "0.004 of 0.5 events were bad" in sentence(budget)

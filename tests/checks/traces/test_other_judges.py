"""The other judges over a trace: what each makes of the same counts."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from davy.checks.judges.sequential.case import Metric
from davy.checks.traces.other_judges import mannwhitney, threshold
from davy.checks.traces.result import ReplayEnd
from davy.checks.traces.trace import Glance, Trace
from davy.pipeline.core.errors import Unusable
from davy.pipeline.core.verdict import Counts, Pair

ROLL_BACK, PROMOTE, INCONCLUSIVE = ReplayEnd.ROLL_BACK, ReplayEnd.PROMOTE, ReplayEnd.INCONCLUSIVE
GOOD = Metric(name="ok", objective=0.99)


def trace(bad, *, metrics=(GOOD,), stable=lambda i: 5, total=1000, promote_from=0.0, **settings):
    """Windows of 15 s; `bad` of 1000 canary requests a window, None for a window that was not read."""
    windows = tuple(
        Glance(
            t=15.0 * (i + 1),
            counts={}
            if one is None
            else {
                m.name: Pair(canary=Counts(bad=one, total=total), stable=Counts(bad=stable(i), total=9000))
                for m in metrics
            },
        )
        for i, one in enumerate(bad)
    )
    return Trace(metrics=metrics, windows=windows, promote_from=promote_from, settings=settings)


def test_argo_rolls_back_at_the_failure_after_the_limit_and_reads_no_further():
    found = threshold(trace([20] * 40))
    assert (found.verdict, found.at, found.windows, found.blame) == (ROLL_BACK, 240.0, 16, "ok")
    assert found.sentence == (
        "Rolled back: ok: 4 of 4 measurements failed (at most 3 may; wanted >= 0.99, the last was 0.98)."
    )
    assert found.looks[-1].evidence[0].canary == Counts(bad=320, total=16000)
    assert found.looks[-1].log_e_roll_back is None


def test_to_the_end_the_verdict_stays_and_the_counts_go_on():
    found = threshold(trace([20] * 40), to_end=True)
    assert (found.verdict, found.at, found.windows) == (ROLL_BACK, 240.0, 40)
    assert found.looks[-1].evidence[0].canary.total == 40_000


def test_an_endless_argo_analysis_that_has_not_failed_is_good_at_the_end():
    found = threshold(trace([1] * 40))
    assert (found.verdict, found.at) == (PROMOTE, 600.0)
    assert threshold(trace([1] * 40, promote_from=601.0)).verdict is INCONCLUSIVE


@pytest.mark.parametrize("bad", [[], [1] * 3, [None] * 40])
def test_what_was_never_measured_is_not_good(bad):
    assert threshold(trace(bad)).verdict is INCONCLUSIVE


def test_no_traffic_fails_argo_by_its_success_condition_and_passes_by_a_failure_condition():
    assert threshold(trace([0] * 40, total=0)).verdict is ROLL_BACK
    assert threshold(trace([0] * 40, total=0, threshold={"failure": "< 0.99"})).verdict is PROMOTE
    found = threshold(trace([0] * 40, total=0, threshold={"failure": "isNaN(result[0])", "failure_limit": 0}))
    assert (found.verdict, found.at) == (ROLL_BACK, 60.0)


def test_a_count_promotes_as_soon_as_it_is_full_and_the_last_step_has_begun():
    assert threshold(trace([1] * 40, threshold={"count": 3})).at == 180.0
    assert threshold(trace([1] * 40, promote_from=300.0, threshold={"count": 3})).at == 300.0
    assert threshold(trace([1] * 40, threshold={"successes": 2, "interval": 30.0})).at == 60.0


def test_errors_in_a_row_are_inconclusive_here():
    found = threshold(trace([None] * 40, threshold={"count": 3}))
    assert found.verdict is INCONCLUSIVE


def test_flagger_acts_one_interval_after_the_tick_that_used_up_its_threshold():
    late = threshold(trace([20] * 40, threshold={"style": "flagger", "threshold": 3}))
    once = threshold(trace([20] * 40, threshold={"style": "flagger", "threshold": 3, "at_once": True}))
    assert [(found.verdict, found.at) for found in (late, once)] == [(ROLL_BACK, 240.0), (ROLL_BACK, 180.0)]
    assert "3 of 3 ticks failed" in late.sentence
    assert "wanted at least 0.99" in late.sentence


def test_flagger_fails_a_tick_without_a_number_and_promotes_after_its_iterations():
    style = {"style": "flagger", "threshold": 2}
    assert threshold(trace([0] * 40, total=0, threshold=style)).verdict is ROLL_BACK
    assert threshold(trace([None] * 40, threshold=style)).sentence.endswith("the last bad one was no value).")
    assert threshold(trace([1] * 40, threshold={**style, "iterations": 4})).at == 240.0
    assert threshold(trace([1] * 40, threshold=style)).at == 600.0


def test_a_metric_has_its_own_limits_and_any_metric_fails_all():
    metrics = (GOOD, Metric(name="slow", objective=0.999))
    own = {"failure_limit": 0, "metrics": {"slow": {"success": ">= 0.5"}}}
    assert threshold(trace([8] * 40, metrics=metrics, threshold={"failure_limit": 0})).blame == "slow"
    assert threshold(trace([8] * 40, metrics=metrics, threshold=own)).verdict is PROMOTE


def test_without_an_objective_a_limit_must_be_said():
    bare = (Metric(name="ok"),)
    for style in ("argo", "flagger"):
        with pytest.raises(Unusable) as caught:
            threshold(trace([1], metrics=bare, threshold={"style": style}))
        assert "no objective to take it from" in str(caught.value.problems[0])
    assert threshold(trace([1] * 40, metrics=bare, threshold={"success": "> 0.9"})).verdict is PROMOTE


def test_kayenta_judges_once_at_the_end_unless_an_interval_is_said():
    assert (mannwhitney(trace([50] * 40)).verdict, mannwhitney(trace([50] * 40)).at) == (ROLL_BACK, 600.0)
    found = mannwhitney(trace([50] * 40, mannwhitney={"interval": 150}))
    assert (found.verdict, found.at, found.blame) == (ROLL_BACK, 150.0, "ok")
    assert found.looks[-1].evidence[0].value == pytest.approx(90.0, rel=0.2)
    assert mannwhitney(trace([50] * 40, mannwhitney={"interval": 150}), to_end=True).windows == 40


def test_kayenta_promotes_at_the_last_judgement_that_fits_and_only_where_it_passes():
    noisy = [i % 3 for i in range(42)]
    found = mannwhitney(trace(noisy, stable=lambda i: 9 * (i % 3), mannwhitney={"interval": 150}))
    assert (found.verdict, found.at) == (PROMOTE, 600.0)
    marginal = {"pass": 95, "marginal": 0}
    assert mannwhitney(trace([50] * 40, mannwhitney=marginal)).verdict is INCONCLUSIVE


def test_fewer_errors_are_no_harm_unless_either_direction_is_asked_for():
    worse = [20 + i % 3 for i in range(40)]
    assert mannwhitney(trace([0] * 40, stable=lambda i: 9 * worse[i])).verdict is PROMOTE
    either = {"metrics": {"ok": {"direction": "either"}}}
    assert mannwhitney(trace([0] * 40, stable=lambda i: 9 * worse[i], mannwhitney=either)).verdict is ROLL_BACK


def test_metrics_weigh_by_their_weight_in_the_trace():
    metrics = (Metric(name="a", weight=3.0), Metric(name="b", weight=1.0))
    halves = trace(
        [50] * 40, metrics=metrics, mannwhitney={"metrics": {"b": {"direction": "decrease"}}, "marginal": 30}
    )
    assert "score 25" in mannwhitney(halves).sentence


@pytest.mark.parametrize("bad", [[], [None] * 5])
def test_kayenta_without_points_or_a_stable_side_is_inconclusive(bad):
    assert mannwhitney(trace(bad)).verdict is INCONCLUSIVE


def test_kayenta_with_a_canary_and_no_stable_side_is_inconclusive():
    alone = Trace(
        metrics=(GOOD,),
        windows=tuple(Glance(t=float(i), counts={"ok": Pair(canary=Counts(bad=i, total=100))}) for i in range(20)),
    )
    assert mannwhitney(alone).verdict is INCONCLUSIVE
    assert "no stable side" in mannwhitney(alone).sentence


@pytest.mark.parametrize(
    ("judge", "settings", "words"),
    [
        (threshold, {"threshold": 3}, "threshold: must be"),
        (threshold, {"threshold": {"styl": "argo"}}, "threshold.styl: unknown key; did you mean `style`?"),
        (threshold, {"threshold": {"interval": 0}}, "threshold.interval: must be above 0"),
        (threshold, {"threshold": {"success": ">= x"}}, "is no condition"),
        (threshold, {"threshold": {"count": 1.5}}, "threshold.count: must be a whole number"),
        (threshold, {"threshold": {"metrics": {"x": {}}}}, "there is no metric 'x' in this trace; there are: ok"),
        (threshold, {"threshold": {"style": "flagger", "min": 2, "max": 1}}, "`min` (2) is above `max` (1)"),
        (mannwhitney, {"mannwhitney": {"pass": 101}}, "mannwhitney.pass: must be at most 100"),
        (mannwhitney, {"mannwhitney": {"pass": 50}}, "`marginal` (75) is above `pass` (50)"),
        (mannwhitney, {"mannwhitney": {"metrics": {"ok": {"critcal": True}}}}, "did you mean `critical`?"),
    ],
)
def test_settings_that_cannot_be_used_are_refused_with_their_place(judge, settings, words):
    with pytest.raises(Unusable) as caught:
        judge(trace([1], **settings))
    assert words in "\n".join(str(problem) for problem in caught.value.problems)


def test_every_problem_of_the_settings_is_said_at_once():
    with pytest.raises(Unusable) as caught:
        threshold(trace([1], threshold={"interval": -1, "style": "x", "metrics": {"y": {}, "ok": {"succes": "a"}}}))
    assert len(caught.value.problems) == 4


COUNTS = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), max_size=30)


@given(COUNTS, st.sampled_from(["argo", "flagger", None]), st.booleans())
def test_no_trace_breaks_a_judge_and_nothing_said_is_no_number(counts, style, to_end):
    windows = tuple(
        Glance(
            t=15.0 * (i + 1),
            counts={"ok": Pair(canary=Counts(bad=min(b, n), total=n), stable=Counts(bad=b // 2, total=50))},
        )
        for i, (b, n) in enumerate(counts)
    )
    judge = mannwhitney if style is None else threshold
    settings = {} if style is None else {"threshold": {"style": style}}
    found = judge(Trace(metrics=(GOOD,), windows=windows, settings=settings), to_end=to_end)
    assert found.verdict in ReplayEnd
    assert (found.at is None) == (found.verdict is INCONCLUSIVE)
    assert found.windows <= len(windows)
    values = [evidence.value for look in found.looks for evidence in look.evidence]
    assert all(value is None or math.isfinite(value) for value in values)

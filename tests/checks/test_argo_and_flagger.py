"""Thresholds to the letter of Argo Rollouts and of Flagger.

What is expected here is read out of argoproj/argo-rollouts 9f8d111d (utils/evaluate, metricproviders/prometheus,
analysis) and fluxcd/flagger 15bd6ad5 (pkg/controller, pkg/metrics/providers).
"""

import math
from datetime import UTC, datetime, timedelta

import pytest

from davy.checks.judges.flagger import rules
from davy.checks.judges.flagger.judge import FlaggerJudge
from davy.checks.judges.joint import judge_of
from davy.checks.judges.threshold.judge import ThresholdJudge
from davy.checks.judges.threshold.rules import Check, CheckPhase, MeasurementResult, MeasurementTally, measured
from davy.checks.metrics.memory import SimulatedMetrics
from davy.checks.ports import Answer
from davy.pipeline.config.parsing.reader import made
from davy.pipeline.config.sections.checks import ChecksConfig
from davy.pipeline.config.sections.thresholds import ThresholdConfig
from davy.pipeline.core.verdict import Decision, Gap
from davy.pipeline.core.workload import ReadyPod, Sides

T0 = datetime(2026, 3, 1, tzinfo=UTC)
S, F, E = MeasurementResult.SUCCESS, MeasurementResult.FAILURE, MeasurementResult.ERROR
I = MeasurementResult.INCONCLUSIVE  # noqa: E741


def argo(**fields):
    return Check.of(ThresholdConfig(name="ok", query="q", style="argo", **fields))


@pytest.mark.parametrize(
    ("conditions", "values", "result"),
    [
        ({"success": "result[0] >= 0.95"}, [0.96], S),
        ({"success": "result[0] >= 0.95"}, [0.94], F),
        ({"failure": "result[0] > 0.05"}, [0.06], F),
        ({"failure": "result[0] > 0.05"}, [0.04], S),
        ({"success": "result[0] > 0.9", "failure": "result[0] < 0.8"}, [0.85], I),
        ({"success": "result[0] > 0.5", "failure": "result[0] > 0.9"}, [0.95], F),
        ({"success": "result[0] >= 0.95"}, [math.nan], F),
        ({"failure": "result[0] > 0.05"}, [math.nan], S),
        ({"success": "result[0] > 0.9", "failure": "result[0] < 0.8"}, [math.nan], I),
        ({"success": "result[0] >= 0.95"}, [math.inf], S),
        ({"success": "result[0] >= 0.95"}, [], E),
        ({"failure": "result[0] > 0.05"}, [], E),
        ({"success": "len(result) == 0 || result[0] >= 0.95"}, [], S),
        ({"success": "result[0] >= 0.95"}, [0.99, 0.1], S),
    ],
)
def test_one_answer_comes_to_what_argo_rollouts_makes_of_it(conditions, values, result):
    assert measured(argo(**conditions, count=1), values).result is result


@pytest.mark.parametrize(
    ("fields", "results", "phase"),
    [
        ({"count": 3}, [S, S, S], CheckPhase.GOOD),
        ({"count": 3}, [S, E, S], CheckPhase.RUNNING),  # errors do not consume the count
        ({"count": 3}, [S, F], CheckPhase.FAILED),  # failureLimit is 0 by default
        ({"count": 9, "failure_limit": 3}, [F, S, F, S, F], CheckPhase.RUNNING),
        ({"count": 9, "failure_limit": 3}, [F, S, F, S, F, F], CheckPhase.FAILED),
        ({"count": 3, "failure_limit": -1}, [F, F, F], CheckPhase.GOOD),
        ({"count": 3}, [I], CheckPhase.UNSURE),
        ({"count": 3, "inconclusive_limit": 1}, [I, S, S], CheckPhase.GOOD),
        ({"count": 3}, [E] * 4, CheckPhase.RUNNING),
        ({"count": 3}, [E] * 5, CheckPhase.UNKNOWN),
        ({"count": 3}, [E, E, E, E, S, E, E, E, E], CheckPhase.RUNNING),
        ({"successes": 2}, [S, I, S, S], CheckPhase.UNSURE),
        ({"successes": 2, "failure_limit": 1}, [S, F, S, S], CheckPhase.GOOD),
        ({"successes": 3, "count": 4, "failure_limit": 2}, [S, F, S, S], CheckPhase.UNSURE),
        ({"successes": 2, "count": 4, "failure_limit": 2}, [S, S], CheckPhase.GOOD),
    ],
)
def test_an_analysis_ends_as_in_argo_rollouts(fields, results, phase):
    check, tally = argo(success=">= 1", **fields), MeasurementTally()
    for result in results:
        if check.phase(tally) is CheckPhase.RUNNING:
            tally = tally.seen(result, check.config.error_limit)
    assert check.phase(tally) is phase


class World:
    """One judge, one query, a value that the test sets."""

    def __init__(self, judge=ThresholdJudge, flagger_part=None, **check):
        self.metrics, self.value, self.down = SimulatedMetrics(), 1.0, False
        self.config = made(
            ChecksConfig,
            {
                "prometheus": "http://p.example",
                "judge": "threshold",
                "thresholds": [{"name": "ok", "query": "ok", **check}],
                "flagger": flagger_part or {},
            },
        )
        self.metrics.answer("ok", self.answered)
        self.make = lambda: judge(self.metrics, self.config, timedelta(0))
        self.judge, self.now, self.pods, self.windows, self.asked = self.make(), T0, ("new-1",), [], 0

    def answered(self, at):
        self.asked += 1
        return Answer(values=() if self.value is None else (({}, self.value),))

    @property
    def sides(self):
        ready = tuple(ReadyPod(name=pod, ready_since=T0) for pod in self.pods)
        return Sides(canary=ready, stable=(ReadyPod(name="old-1", ready_since=T0),), started_at=T0)

    def look(self, value=1.0, after=60):
        self.value, self.now = value, self.now + timedelta(seconds=after)
        verdict = self.judge.look(self.sides, self.now, 2.0)
        self.windows += verdict.windows
        return verdict


def test_an_argo_check_waits_for_its_delay_measures_its_count_and_then_rests():
    world = World(style="argo", success="result[0] >= 1", initial_delay="3m", interval="1m", count=2)
    assert [world.look().decision for _ in range(6)] == [*[Decision.GO_ON] * 4, *[Decision.PROMOTE] * 2]
    assert world.asked == 2


def test_an_argo_check_asks_again_ten_seconds_after_an_error_and_never_takes_it_for_an_answer():
    world = World(style="argo", success="result[0] >= 1", interval="5m", count=2)
    assert world.look(None).decision is Decision.UNKNOWN
    assert "no result[0] among 0 values" in world.look(None, after=5).sentence
    assert world.asked == 1
    assert world.look(1.0, after=5).decision is Decision.GO_ON
    assert world.asked == 2


def test_too_many_inconclusive_answers_leave_it_to_a_person():
    world = World(style="argo", success="result[0] > 2", failure="result[0] < 0", interval="1m", count=5)
    verdict = world.look(1.0)
    assert verdict.decision is Decision.GO_ON
    assert "1 of 1 measurements held neither condition (at most 0 may)" in verdict.sentence
    assert "davy canary promote" in verdict.sentence


def test_a_canary_that_grew_is_counted_anew_but_its_failures_stay():
    world = World(style="argo", success="result[0] >= 1", interval="1m", count=2, failure_limit=1)
    assert [world.look(v).decision for v in (1.0, 0.0)] == [Decision.GO_ON, Decision.PROMOTE]
    world.pods = ("new-1", "new-2")
    assert world.look(1.0).decision is Decision.GO_ON
    assert world.look(0.0).decision is Decision.ROLL_BACK


@pytest.mark.parametrize(
    ("values", "result", "gap"),
    [
        ([99.0], S, None),
        ([98.99], F, None),
        ([100.0], S, None),
        ([100.1], F, None),
        ([math.inf], F, None),
        ([10.0, 99.5], S, None),
        ([], F, Gap.EMPTY),
        ([math.nan], F, Gap.NAN),
    ],
)
def test_one_answer_comes_to_what_flagger_makes_of_it(values, result, gap):
    check = rules.RangeCheck.of(ThresholdConfig(name="ok", query="q", style="flagger", min=99, max=100))
    found = rules.measured(check, values)
    assert (found.result, found.gap) == (result, gap)


def flaggered(**part):
    return World(FlaggerJudge, {"interval": "1m", **part}, style="flagger", min=1.0)


@pytest.mark.parametrize(("bad", "words"), [(0.5, "wanted at least 1"), (None, "empty"), (math.nan, "not a number")])
def test_failed_ticks_add_up_and_a_missing_number_is_one(bad, words):
    world = flaggered(threshold=3, iterations=9)
    values = (bad, 1.0, bad, 1.0, bad)
    assert [world.look(v).decision for v in values] == [*[Decision.GO_ON] * 4, Decision.ROLL_BACK]
    verdict = world.look(bad)
    assert verdict.blame == "ok"
    assert words in verdict.sentence


def test_good_ticks_need_not_be_in_a_row_and_are_asked_again_of_a_canary_that_grew():
    world = flaggered(threshold=3, iterations=2)
    assert [world.look(v).decision for v in (1.0, 0.0, 1.0)] == [Decision.GO_ON, Decision.GO_ON, Decision.PROMOTE]
    world.pods = ("new-1", "new-2")
    assert [world.look(1.0).decision for _ in range(2)] == [Decision.GO_ON, Decision.PROMOTE]


def test_a_tick_that_is_bad_does_not_promote_however_many_good_ones_there_were():
    world = flaggered(threshold=5, iterations=1)
    assert [world.look(v).decision for v in (1.0, 0.0, 1.0)] == [Decision.PROMOTE, Decision.GO_ON, Decision.PROMOTE]


def test_an_outage_of_the_metrics_server_is_a_failed_tick_as_in_flagger():
    world = flaggered(threshold=2)
    world.metrics.fail(Gap.UNREACHABLE, T0, T0 + timedelta(hours=1))
    assert [world.look().decision for _ in range(2)] == [Decision.GO_ON, Decision.ROLL_BACK]


def test_between_two_ticks_nothing_is_asked():
    world = flaggered(iterations=2)
    world.look()
    world.look(after=30)
    assert world.asked == 1


@pytest.mark.parametrize(
    ("world", "values"),
    [
        (World(style="argo", success="result[0] >= 1", interval="1m", count=9, failure_limit=2), (1.0, 0.0, None, 1.0)),
        (flaggered(threshold=3, iterations=9), (1.0, 0.0, None, 1.0)),
    ],
    ids=["argo", "flagger"],
)
def test_what_was_measured_survives_a_resume(world, values):
    for value in values:
        world.look(value)
    resumed = world.make()
    resumed.recall(world.windows)
    now = world.now + timedelta(minutes=1)
    world.value = 0.0
    assert resumed.look(world.sides, now, 2.0).decision is world.judge.look(world.sides, now, 2.0).decision
    assert resumed.look(world.sides, now, 2.0).evidence == world.judge.look(world.sides, now, 2.0).evidence


def test_a_check_that_asks_for_stable_pods_is_not_asked_where_there_are_none():
    world = World(FlaggerJudge, {"threshold": 1}, style="flagger", min=1.0, query='up{pod=~"{stable}"}')
    sides = Sides(canary=(ReadyPod(name="new-1", ready_since=T0),), stable=(), started_at=T0)
    assert world.judge.look(sides, T0 + timedelta(minutes=2), 2.0).decision is Decision.GO_ON


def test_several_metrics_spend_one_budget_and_both_styles_have_their_say():
    metrics = SimulatedMetrics()
    values = {"a": 1.0, "b": 1.0, "c": 1.0}
    for name in ("a", "b", "c"):
        metrics.answer(name, lambda at, name=name: Answer(values=(({}, values[name]),)))
    config = made(
        ChecksConfig,
        {
            "prometheus": "http://p.example",
            "judge": "threshold",
            "thresholds": [
                {"name": "a", "query": "a", "style": "flagger", "min": 1},
                {"name": "b", "query": "b", "style": "flagger", "max": 1},
                {"name": "c", "query": "c", "style": "argo", "success": "result[0] == 1", "interval": "1m", "count": 1},
            ],
            "flagger": {"threshold": 2, "iterations": 1},
        },
    )
    judge = judge_of(config, metrics, timedelta(0))
    sides = Sides(canary=(ReadyPod(name="n", ready_since=T0),), stable=(), started_at=T0)
    told = []
    for step, change in enumerate(({}, {"a": 0.0}, {"a": 1.0, "b": 2.0})):
        values.update(change)
        told.append(judge.look(sides, T0 + (step + 1) * timedelta(minutes=1), 2.0))
    assert [verdict.decision for verdict in told] == [Decision.PROMOTE, Decision.GO_ON, Decision.ROLL_BACK]
    assert {evidence.metric for evidence in told[-1].evidence} == {"a", "b", "c"}

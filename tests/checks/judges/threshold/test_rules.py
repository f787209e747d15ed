"""The threshold judge: Argo Rollouts' counting, and nothing unknown that promotes."""

import math
from datetime import UTC, datetime, timedelta

import pytest

from davy.checks.judges.joint import JointJudge, judge_of
from davy.checks.judges.threshold.judge import ThresholdJudge
from davy.checks.judges.threshold.rules import (
    PAIRS,
    Check,
    MeasurementResult,
    MeasurementTally,
    condition,
    measured,
    result_of,
)
from davy.checks.metrics.memory import SimulatedMetrics
from davy.checks.ports import Answer
from davy.pipeline.config.parsing.reader import made
from davy.pipeline.config.sections.checks import ChecksConfig
from davy.pipeline.config.sections.thresholds import ThresholdConfig
from davy.pipeline.core.errors import Unusable
from davy.pipeline.core.verdict import Counts, Decision, Gap, Pair
from davy.pipeline.core.workload import ReadyPod, Sides

T0 = datetime(2026, 3, 1, tzinfo=UTC)
STEP = timedelta(seconds=30)


def check(**fields):
    return Check.of(ThresholdConfig(name="ok", query="q", **fields))


@pytest.mark.parametrize(
    ("text", "value", "holds"),
    [
        (">= 0.95", 0.95, True),
        ("<5%", 0.049, True),
        (" == 1 ", 1.0, True),
        ("!= 1", 1.0, False),
        ("> -1e-3", 0.0, True),
        (">= 0", math.nan, False),
        ("!= 0", math.nan, False),
    ],
)
def test_conditions_hold_as_written_and_never_for_nan(text, value, holds):
    assert condition(text).holds(value) is holds


@pytest.mark.parametrize("text", ["0.95", ">= a", "result[0] >= 1", "__import__('os')", ">= 1 or 1", ""])
def test_a_text_that_is_no_condition_is_refused(text):
    with pytest.raises(ValueError, match="no condition"):
        condition(text)


def test_with_one_condition_what_is_not_it_is_the_other_and_with_two_there_is_a_between():
    assert check(success=">= 0.95").result(0.9) is MeasurementResult.FAILURE
    assert check(failure="> 0.2").result(0.1) is MeasurementResult.SUCCESS
    both = check(success=">= 0.95", failure="< 0.9")
    assert [both.result(v) for v in (0.96, 0.92, 0.5)] == [
        MeasurementResult.SUCCESS,
        MeasurementResult.INCONCLUSIVE,
        MeasurementResult.FAILURE,
    ]
    with pytest.raises(ValueError, match="needs a success"):
        check()


def test_of_several_series_the_worst_decides():
    one = check(success=">= 0.95")
    assert measured(one, [0.99, 0.5]).result is MeasurementResult.FAILURE
    assert measured(one, [0.99, math.nan]).gap is Gap.NAN
    assert measured(one, []).gap is Gap.EMPTY
    assert measured(one, [0.99, 0.98]).result is MeasurementResult.SUCCESS


def test_failures_add_up_while_successes_and_errors_must_follow_each_other():
    tally = MeasurementTally()
    for result in (
        MeasurementResult.FAILURE,
        MeasurementResult.SUCCESS,
        MeasurementResult.ERROR,
        MeasurementResult.SUCCESS,
        MeasurementResult.FAILURE,
        MeasurementResult.SUCCESS,
    ):
        tally = tally.seen(result, error_limit=4)
    assert (tally.failures, tally.successes, tally.errors, tally.gave_up) == (2, 1, 0, False)


@pytest.mark.parametrize("result", list(MeasurementResult))
def test_a_measurement_survives_its_journey_through_a_window(result):
    assert result_of(PAIRS[result]) is result
    assert result_of(Pair(canary=Counts(bad=2, total=100))) is None


class World:
    def __init__(self, **fields):
        self.metrics = SimulatedMetrics()
        self.value = 1.0
        self.asked = []
        threshold = {"name": "ok", "query": "ok", "success": ">= 0.95", **fields}
        self.config = made(
            ChecksConfig, {"prometheus": "http://p.example", "judge": "threshold", "thresholds": [threshold]}
        )
        self.metrics.answer("ok", lambda at: Answer(values=() if self.value is None else (({}, self.value),)))
        self.judge = ThresholdJudge(self.metrics, self.config, timedelta(0))
        self.now = T0
        self.pods = ("new-1",)
        self.windows = []

    @property
    def sides(self):
        ready = tuple(ReadyPod(name=p, ready_since=T0) for p in self.pods)
        return Sides(canary=ready, stable=(ReadyPod(name="old-1", ready_since=T0),), started_at=T0)

    def look(self, value=1.0):
        self.value, self.now = value, self.now + STEP
        verdict = self.judge.look(self.sides, self.now, 2.0)
        self.windows += verdict.windows
        return verdict


def test_successes_in_a_row_promote():
    world = World(successes=3)
    assert [world.look().decision for _ in range(3)] == [Decision.GO_ON, Decision.GO_ON, Decision.PROMOTE]


def test_more_failures_than_the_limit_roll_back_even_between_successes():
    world = World(failure_limit=1, successes=5)
    decisions = [world.look(value).decision for value in (0.5, 1.0, 0.5)]
    assert decisions == [Decision.GO_ON, Decision.GO_ON, Decision.ROLL_BACK]
    verdict = world.look(1.0)
    assert verdict.blame == "ok"
    assert "2 of 4 measurements failed" in verdict.sentence


@pytest.mark.parametrize(("value", "gap"), [(None, Gap.EMPTY), (math.nan, Gap.NAN)])
def test_no_number_is_unknown_and_breaks_the_row_of_successes(value, gap):
    world = World(successes=2)
    world.look(1.0)
    verdict = world.look(value)
    assert (verdict.decision, verdict.gaps) == (Decision.UNKNOWN, {"ok": gap})
    assert world.look(1.0).decision is Decision.GO_ON
    assert world.look(1.0).decision is Decision.PROMOTE


def test_an_unreachable_server_is_unknown_and_too_long_of_it_ends_the_wait():
    world = World(error_limit=2, successes=1)
    world.metrics.fail(Gap.UNREACHABLE, T0, T0 + 3 * STEP + timedelta(seconds=1))
    verdicts = [world.look() for _ in range(5)]
    assert {verdict.decision for verdict in verdicts} == {Decision.UNKNOWN}
    assert verdicts[0].gaps == {"ok": Gap.UNREACHABLE}
    assert verdicts[-1].sentence.startswith("Can't tell: ok")


def test_a_canary_that_grew_must_succeed_anew():
    world = World(successes=2)
    world.look()
    assert world.look().decision is Decision.PROMOTE
    world.pods = ("new-1", "new-2")
    assert world.look().decision is Decision.GO_ON
    assert world.look().decision is Decision.PROMOTE


def test_recalled_measurements_count():
    world = World(failure_limit=1)
    world.look(0.5)
    world.judge = ThresholdJudge(world.metrics, world.config, timedelta(0))
    world.judge.recall(world.windows)
    assert world.look(0.5).decision is Decision.ROLL_BACK


def test_the_sides_are_put_into_the_query_and_a_side_without_pods_is_not_asked_about():
    one = Check.of(ThresholdConfig(name="x", query='sum(a{pod=~"{canary}"}) / sum(a{pod=~"{stable}"})', success="< 2"))
    assert one.asked(("n-1", "n-2"), ("o.1",)) == 'sum(a{pod=~"n-1|n-2"}) / sum(a{pod=~"o[.]1"})'
    assert one.asked(("n-1",), ()) is None


def test_pods_in_their_warm_up_are_not_measured():
    world = World()
    judge = ThresholdJudge(world.metrics, world.config, timedelta(minutes=5))
    verdict = judge.look(world.sides, T0 + STEP, 2.0)
    assert (verdict.decision, verdict.windows) == (Decision.GO_ON, ())
    assert "Warming up" in verdict.sentence


def test_all_texts_that_are_no_conditions_are_reported_together():
    config = made(
        ChecksConfig,
        {
            "prometheus": "http://p.example",
            "thresholds": [{"name": "a", "query": "q", "success": "good"}, {"name": "b", "query": "q"}],
        },
    )
    with pytest.raises(Unusable) as raised:
        ThresholdJudge(SimulatedMetrics(), config, timedelta(0))
    assert [problem.path for problem in raised.value.problems] == ["checks.thresholds[0]", "checks.thresholds[1]"]


class Said:
    """A judge that says what it is told."""

    interval = timedelta(seconds=15)

    def __init__(self, decision):
        self.decision = decision

    def recall(self, windows):
        self.windows = tuple(windows)

    def look(self, sides, now, worse):
        from davy.pipeline.core.verdict import Verdict  # noqa: PLC0415

        return Verdict(at=now, decision=self.decision, sentence=f"{self.decision}.")


@pytest.mark.parametrize("one", list(Decision))
@pytest.mark.parametrize("other", list(Decision))
def test_two_judges_promote_only_together_and_either_rolls_back(one, other):
    decision = JointJudge(Said(one), Said(other)).look(World().sides, T0, 2.0).decision
    both = {one, other}
    assert (decision is Decision.PROMOTE) == (both == {Decision.PROMOTE})
    assert (decision is Decision.ROLL_BACK) == (Decision.ROLL_BACK in both)


def test_the_configuration_chooses_the_judge():
    world = World()
    assert isinstance(judge_of(world.config, world.metrics, timedelta(0)), ThresholdJudge)
    both = world.config.copied(judge="sequential")
    assert isinstance(judge_of(both, world.metrics, timedelta(0)), JointJudge)


def test_a_check_that_was_given_up_says_so_and_not_that_the_server_is_away():
    world = World(error_limit=1, successes=1)
    for value in (math.nan, math.nan, 1.0):
        verdict = world.look(value)
    assert verdict.decision is Decision.UNKNOWN
    assert verdict.sentence == "Can't tell: ok: more than 1 in a row had no number, so no more are waited for."


def test_a_roll_back_names_the_value_that_failed_and_not_a_good_one_after_it():
    world = World(successes=9)
    world.look(0.5)
    assert "the last that failed was 0.5" in world.look(1.0).sentence


def test_more_measurements_than_were_wanted_are_not_told_as_so_many_of_fewer():
    world = World(successes=2)
    assert [world.look().sentence for _ in range(4)][-1] == "Good enough: ok: 2 of 2 successes in a row."
    world = World(count=2, successes=None, failure_limit=1)
    world.look(0.5)
    assert world.look().sentence == "Good enough: ok: 2 of 2 measurements, 1 of all failed."

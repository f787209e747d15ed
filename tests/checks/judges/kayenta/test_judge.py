"""The Mann-Whitney judge over a metrics server: when it judges, what it says, and that it forgets nothing."""

import json
import math
from datetime import UTC, datetime, timedelta

import pytest

from davy.checks.judges.joint import judge_of
from davy.checks.judges.kayenta.config_file import read
from davy.checks.judges.kayenta.judge import MannWhitneyJudge
from davy.checks.metrics.memory import SimulatedMetrics
from davy.checks.ports import Answer
from davy.pipeline.config.parsing.reader import made
from davy.pipeline.config.sections.checks import ChecksConfig
from davy.pipeline.config.sections.thresholds import KayentaConfig
from davy.pipeline.core.errors import Unusable
from davy.pipeline.core.verdict import Decision, Gap
from davy.pipeline.core.workload import ReadyPod, Sides

T0 = datetime(2026, 3, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
GO_ON, PROMOTE, ROLL_BACK, UNKNOWN = Decision.GO_ON, Decision.PROMOTE, Decision.ROLL_BACK, Decision.UNKNOWN


class World:
    """Latency of both sides as the test says, by minute; 10 % of noise that is the same every time."""

    def __init__(self, rule=None, second=None, **said):
        self.metrics, self.canary, self.stable = SimulatedMetrics(), lambda minute: 100.0, lambda minute: 100.0
        rules = {"latency": {"direction": "increase", **(rule or {})}} | (
            {"second": second} if second is not None else {}
        )
        text = json.dumps(
            {
                "metrics": [
                    {
                        "name": name,
                        "groups": ["g"],
                        "query": {"type": "prometheus", "customInlineTemplate": f'PromQL:{name}{{pod=~"${{scope}}"}}'},
                        "analysisConfigurations": {"canary": one},
                    }
                    for name, one in rules.items()
                ]
            }
        )
        fields = {"lifetime": "30m", "interval": "10m", "step": "1m", **said}
        self.config = made(KayentaConfig, {"config": "canary.json", **fields})
        self.analysis = read(text, "canary.json", self.config)
        for pods in ("new-1", "new-1|new-2", "old-1", "base-1"):
            side = "canary" if pods.startswith("new") else "stable"
            for name in rules:
                self.metrics.answer(
                    f'{name}{{pod=~"{pods}"}}', lambda at, side=side, name=name: self.value(at, side, name)
                )
        self.pods = {"new-1": T0}
        self.baseline = ()
        self.asked_at = []
        self.judge = self.made()

    def made(self):
        return MannWhitneyJudge(self.metrics, self.config, self.analysis, MINUTE)

    def value(self, at, side, name):
        self.asked_at.append(at)
        minute = (at - T0) / MINUTE
        value = getattr(self, side)(minute)
        if value is None or name == "second":
            return Answer(values=())
        return Answer(values=(({}, value * (1 + 0.1 * math.sin(7 * minute + len(side)))),))

    @property
    def sides(self):
        ready = tuple(ReadyPod(name=name, ready_since=since) for name, since in self.pods.items())
        return Sides(
            canary=ready, stable=(ReadyPod(name="old-1", ready_since=T0),), baseline=self.baseline, started_at=T0
        )

    def look(self, minute, judge=None):
        return (judge or self.judge).look(self.sides, T0 + minute * MINUTE, 2.0)

    def looks(self, *minutes):
        return [self.look(minute).decision for minute in minutes]


def test_a_good_canary_passes_every_judgement_and_is_promoted_at_the_last():
    world = World()
    assert world.looks(0.5, 5, 11, 21, 30, 31, 32) == [GO_ON] * 5 + [PROMOTE] * 2
    assert "score 100 at judgement 3 of 3; latency Pass" in world.look(33).sentence


def test_a_bad_canary_is_rolled_back_at_the_first_judgement_and_the_metric_is_named():
    world = World()
    world.canary = lambda minute: 130.0
    assert world.looks(5, 10.9, 11) == [GO_ON, GO_ON, ROLL_BACK]
    verdict = world.look(11.5)
    assert (verdict.blame, verdict.judge) == ("latency", "mannwhitney")
    assert "score 0 at judgement 1 of 3; latency High, effect 1.3" in verdict.sentence
    assert verdict.evidence[0].canary.total == verdict.evidence[0].stable.total == 11


def test_a_canary_that_turns_bad_is_found_when_the_bad_points_are_many_and_sooner_with_a_lookback():
    world, looking_back = World(), World(lookback="10m")
    for one in (world, looking_back):
        one.canary = lambda minute: 100.0 if minute < 12 else 130.0
    assert looking_back.looks(11, 21) == [GO_ON, ROLL_BACK]
    assert world.looks(11, 21, 31) == [GO_ON, GO_ON, ROLL_BACK]
    assert looking_back.judge.look(looking_back.sides, T0 + 21 * MINUTE, 2.0).evidence[0].canary.total == 10


def test_a_score_between_the_limits_goes_on_and_is_left_undecided_at_the_end():
    world = World(**{"pass": 95, "marginal": 0})
    world.canary = lambda minute: 130.0
    assert world.looks(11, 21, 31, 40) == [GO_ON] * 4
    assert "Inconclusive" in world.look(41).sentence


def test_warm_up_comes_first_and_points_lie_at_every_step_after_it():
    world = World(interval="2m", lifetime="2m")
    assert "Warming up until 00:01:00" in world.look(0.5).sentence
    world.look(3)
    assert sorted({(at - T0) / MINUTE for at in world.asked_at}) == [1, 2, 3]


def test_a_canary_that_grew_is_a_new_analysis():
    world = World()
    assert world.looks(11, 21, 31) == [GO_ON, GO_ON, PROMOTE]
    world.pods["new-2"] = T0 + 32 * MINUTE
    assert world.looks(32, 42.9, 43, 53, 63) == [GO_ON] * 4 + [PROMOTE]


def test_baseline_pods_come_before_stable_ones():
    world = World()
    world.baseline = (ReadyPod(name="base-1", ready_since=T0),)
    world.metrics.answer('latency{pod=~"old-1"}', lambda at: Answer(values=(({}, math.nan),)))
    assert world.looks(31) == [PROMOTE]


@pytest.mark.parametrize("pods", [{}, {"new-1": T0}])
def test_without_a_side_there_is_nothing_to_judge(pods):
    world = World()
    sides = Sides(canary=tuple(ReadyPod(name=n, ready_since=t) for n, t in pods.items()), stable=(), started_at=T0)
    verdict = world.judge.look(sides, T0 + 31 * MINUTE, 2.0)
    assert (verdict.decision, world.asked_at) == (GO_ON, [])
    assert "pod to compare" in verdict.sentence


def test_a_server_that_is_away_is_unknown_and_its_points_are_read_when_it_is_back():
    world = World()
    world.canary = lambda minute: 130.0
    world.metrics.fail(Gap.UNREACHABLE, T0 + 4 * MINUTE, T0 + 12 * MINUTE)
    assert world.looks(3, 5, 11) == [GO_ON, UNKNOWN, UNKNOWN]
    assert world.look(11).gaps == {"latency": Gap.UNREACHABLE}
    back = World()
    back.canary = world.canary
    assert back.looks(3, 13) == [GO_ON, ROLL_BACK]


def test_after_a_resume_the_same_points_make_the_same_verdict():
    world = World()
    world.canary = lambda minute: 104.0 + 5 * math.sin(3 * minute)
    before = [world.look(minute) for minute in (5, 11, 21, 25)][-1]
    resumed = world.made()
    resumed.recall(window for verdict in [before] for window in verdict.windows)
    after = world.look(25, resumed)
    assert (after.decision, after.sentence, after.evidence) == (before.decision, before.sentence, before.evidence)


def test_a_long_past_is_read_over_several_looks():
    world = World(lifetime="3h", interval="1h")
    first = world.look(121)
    asked = len(world.asked_at)
    assert first.decision is GO_ON
    assert asked == 80
    for _ in range(3):
        last = world.look(121)
    assert "judgement 2 of 3" in last.sentence


def test_half_of_the_metrics_without_data_fail_it_as_in_kayenta_and_a_replaced_one_passes():
    assert World(second={}).looks(11) == [ROLL_BACK]
    assert "1 of 2 metrics have no data" in World(second={}).look(11).sentence
    assert World(second={"nanStrategy": "replace"}).looks(11) == [GO_ON]
    assert World(second={}).look(11).blame == "second"


def test_moments_without_an_answer_are_missing_points():
    world = World()
    world.canary = lambda minute: None if minute % 2 else 100.0
    assert world.look(11).evidence[0].canary.total == 5
    replaced = World(rule={"nanStrategy": "replace", "direction": "either"})
    replaced.canary = world.canary
    assert replaced.look(11).evidence[0].canary.total == 11


def test_what_the_config_could_not_carry_over_is_noted_once():
    world = World(rule={"weather": 1})
    assert any("weather: is not read" in note for note in world.look(5).notes)
    assert world.look(6).notes == ()


def test_without_a_canary_config_there_is_no_such_judge():
    config = made(ChecksConfig, {"prometheus": "http://p.example", "judge": "mannwhitney"})
    with pytest.raises(Unusable):
        judge_of(config, SimulatedMetrics(), MINUTE)

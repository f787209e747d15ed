"""The rollout, played in memory."""

from dataclasses import replace

from canary_stage import NEW, OLD, ScriptedJudge, Stage, bad, deaf, good, policy, shy
from davy.canary.platforms.memory.platform import MemoryPlatform
from davy.canary.ports.snapshot import Baseline
from davy.pipeline.core.endings import Ending


def test_a_good_canary_is_promoted_step_by_step():
    stage = Stage()
    _, outcome = stage.play(stage.start(policy(stage.clock, 1, 2, 4)), ScriptedJudge(good))
    assert (outcome.ending, outcome.weights) == (Ending.DONE, (20.0, 33.33, 50.0, 100.0))
    assert stage.images == NEW
    assert stage.serving == (0, 4)
    assert stage.is_as_it_was


def test_a_bad_canary_ends_with_no_traffic_and_the_deployment_as_it_was():
    stage = Stage()
    _, outcome = stage.play(stage.start(policy(stage.clock, 1, 2)), ScriptedJudge(bad))
    assert outcome.ending is Ending.ROLLED_BACK
    assert stage.images == OLD
    assert stage.serving == (4, 0)
    assert stage.is_as_it_was
    assert min(stable for stable, _ in stage.trace) == 4


def test_without_a_verdict_it_is_held_at_the_deadline():
    stage = Stage()
    _, outcome = stage.play(stage.start(policy(stage.clock, 1, 2)), ScriptedJudge(shy))
    assert (outcome.ending, stage.serving) == (Ending.UNDECIDED, (4, 1))
    assert stage.world.deployment.rollout.paused


def test_a_metrics_server_that_never_answers_ends_unreachable_and_promotes_nothing_whatever_the_policy():
    stage = Stage()
    order = stage.start(policy(stage.clock, 1, 2, on_inconclusive="promote"))
    _, outcome = stage.play(order, ScriptedJudge(deaf))
    assert (outcome.ending, stage.serving) == (Ending.UNREACHABLE, (4, 1))


def test_the_judge_is_asked_about_the_baseline_too_and_one_that_gets_another_image_is_none():
    stage, seen = Stage(), []
    pods = tuple(replace(pod, name=f"base-{pod.name}") for pod in MemoryPlatform(stage.world).snapshot().pods[:2])
    stage.world.baseline = Baseline(name="fresh", images=OLD, pods=pods)

    def says(sides, now, worse, windows):
        seen.append(tuple(pod.name for pod in sides.baseline))
        if windows == 2:
            stage.world.baseline = Baseline(name="fresh", images=NEW, pods=pods)
        return good(sides, now, worse, windows)

    stage.play(stage.start(policy(stage.clock, 1, 2)), ScriptedJudge(says))
    assert seen[:2] == [tuple(pod.name for pod in pods)] * 2
    assert set(seen[2:]) == {()}

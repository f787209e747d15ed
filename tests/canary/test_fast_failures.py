"""Failures that need no statistics."""

from datetime import timedelta

import pytest

from canary_stage import NEW, OLD, ScriptedJudge, Stage, good, policy, shy
from davy.canary.platforms.memory.deployment import Behaviour
from davy.canary.ports.snapshot import FailureKind, PodFailure
from davy.pipeline.core.endings import Ending
from davy.pipeline.core.events import PodTrouble, RollbackStarted

SECONDS = timedelta(seconds=1)


def released(behaviour, says=shy, *pods, **more):
    stage = Stage()
    stage.world.deployment.behaviours[NEW["app"]] = behaviour
    events, outcome = stage.play(stage.start(policy(stage.clock, *(pods or (1, 2)), **more)), ScriptedJudge(says))
    return stage, events, outcome


def broken(kind, after=0, words="", ready_after=None):
    trouble = PodFailure(kind=kind, words=f"{kind} says Kubernetes")
    return Behaviour(ready_after=ready_after, trouble=trouble, trouble_after=after * SECONDS, words=words)


@pytest.mark.parametrize(
    ("kind", "sentence", "within"),
    [
        (FailureKind.CRASH_LOOP, "crashes again and again", 5),
        (FailureKind.OUT_OF_MEMORY, "was killed for using more memory than its limit", 5),
        (FailureKind.IMAGE_PULL, "cannot get its image", 25),
        (FailureKind.CONFIG_ERROR, "cannot start with this configuration", 25),
        (FailureKind.UNSCHEDULABLE, "finds no node within 1m00s", 65),
        (FailureKind.NEVER_READY, "does not get Ready within 1m00s", 65),
    ],
)
def test_a_pod_that_cannot_work_takes_the_canary_back_in_its_own_words(kind, sentence, within):
    stage, events, outcome = released(broken(kind, words="Traceback: no such table"))
    assert (outcome.ending, stage.images, stage.serving) == (Ending.ROLLED_BACK, OLD, (4, 0))
    (told,) = [event for event in events if isinstance(event, PodTrouble)]
    assert sentence in told.words
    assert "Traceback: no such table" in told.words
    assert f"{kind} says Kubernetes" in outcome.sentence
    (back,) = [event for event in events if isinstance(event, RollbackStarted)]
    assert back.at - events[0].at <= within * SECONDS


def test_a_pod_that_is_never_ready_and_says_nothing_takes_the_canary_back():
    stage, _, outcome = released(Behaviour(ready_after=None))
    assert (outcome.ending, stage.serving) == (Ending.ROLLED_BACK, (4, 0))
    assert "does not get Ready within 1m00s" in outcome.sentence


def test_a_pull_that_fails_once_is_given_a_second_try():
    stage = Stage()
    stage.world.deployment.behaviours[NEW["app"]] = broken(FailureKind.IMAGE_PULL)

    def registry_is_back(now):
        for pod in stage.world.deployment.pods():
            if now - pod.made_at > 10 * SECONDS:
                pod.behaviour = Behaviour(ready_after=12 * SECONDS)

    stage.clock.whenever(registry_is_back)
    _, outcome = stage.play(
        stage.start(policy(stage.clock, 1, promote_within=timedelta(minutes=9))), ScriptedJudge(good)
    )
    assert outcome.ending is Ending.DONE


def test_a_pod_that_was_ready_and_is_not_any_more_gets_the_same_time_again():
    stage = Stage()
    flaky = Behaviour()
    stage.world.deployment.behaviours[NEW["app"]] = flaky

    def flaps(now):
        for pod in stage.world.deployment.pods():
            age = (now - pod.made_at).total_seconds()
            if pod.hash != stage.world.deployment.current_set().hash or age > 1800:
                continue
            pod.behaviour = Behaviour(ready_after=None) if 90 < age < 140 else flaky

    stage.clock.whenever(flaps)
    _, outcome = stage.play(
        stage.start(policy(stage.clock, 1, deadline=stage.clock.now() + 300 * SECONDS)), ScriptedJudge(shy)
    )
    assert outcome.ending is Ending.UNDECIDED


def test_a_quota_that_lets_no_pod_be_made_takes_the_canary_back():
    stage = Stage()
    stage.world.deployment._grow = lambda *_: None
    _, outcome = stage.play(stage.start(policy(stage.clock, 1)), ScriptedJudge(shy))
    assert outcome.ending is Ending.ROLLED_BACK
    assert "only 0 of 1 canary pods were made within 1m00s" in outcome.sentence


def test_crashes_while_promoting_take_it_back_at_once_and_crashing_pods_are_not_waited_for():
    stage = Stage()
    order = stage.start(policy(stage.clock, 1))

    def crashes(event):
        if type(event).__name__ == "PromotionStarted":
            stage.clock.sleep(4)
            for pod in stage.world.deployment.pods():
                if pod.hash == stage.world.deployment.current_set().hash:
                    pod.behaviour = broken(FailureKind.CRASH_LOOP)

    events, outcome = stage.play(order, ScriptedJudge(good), on=crashes)
    (back,) = [event for event in events if isinstance(event, RollbackStarted)]
    assert back.how.startswith("replace: ")
    assert (outcome.ending, stage.serving) == (Ending.ROLLED_BACK, (4, 0))
    assert stage.is_as_it_was


@pytest.mark.parametrize("kind", [FailureKind.UNSCHEDULABLE, FailureKind.IMAGE_PULL, FailureKind.NEVER_READY])
def test_pods_that_find_no_place_while_promoting_halt_it_and_leave_the_proven_pods_in_traffic(kind):
    stage = Stage()

    def full(event):
        if type(event).__name__ == "PromotionStarted":
            stage.world.deployment.behaviours[NEW["app"]] = broken(kind)

    events, outcome = stage.play(stage.start(policy(stage.clock, 1)), ScriptedJudge(good), on=full)
    assert outcome.ending is Ending.STUCK
    assert stage.serving[1] >= 1
    assert sum(stage.serving) >= 3
    assert stage.world.deployment.rollout.paused
    assert "davy canary resume" in outcome.sentence
    assert not [event for event in events if isinstance(event, RollbackStarted)]

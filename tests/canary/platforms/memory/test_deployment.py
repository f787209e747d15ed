"""The model of the Deployment controller keeps to what was seen on a real cluster."""

from dataclasses import replace
from datetime import timedelta

import pytest

from canary_stage import NEW, OLD, STABLE, Stage
from davy.canary.platforms.memory.deployment import Behaviour, Rollout, held, resolved


@pytest.fixture
def stage():
    """4 stable pods and one canary pod, held and paused."""
    stage = Stage()
    deployment = stage.world.deployment
    deployment.changed(images=NEW, rollout=held(deployment.rollout, 1))
    stage.clock.sleep(10)
    deployment.changed(rollout=replace(deployment.rollout, paused=True))
    return stage


def test_the_hold_holds_for_days(stage):
    stage.clock.sleep(600)
    stage.world.deployment.changed(rollout=replace(stage.world.deployment.rollout, paused=False))
    stage.clock.sleep(600)
    assert stage.serving == (4, 1)


def test_scaling_to_8_and_back_while_paused_scales_both_sides_in_proportion(stage):
    stage.world.deployment.replicas = 8
    stage.clock.sleep(10)
    assert stage.serving == (7, 2)
    stage.world.deployment.replicas = 4
    stage.clock.sleep(10)
    assert stage.serving == (4, 1)


def test_the_old_manifests_strategy_put_back_while_paused_promotes_nothing(stage):
    stage.world.deployment.changed(rollout=Rollout(paused=True))
    stage.clock.sleep(600)
    assert stage.serving == (4, 1)


def test_the_old_template_and_strategy_take_the_canary_away_at_once_and_stable_never_shrinks(stage):
    stage.world.deployment.changed(images=OLD, rollout=Rollout())
    stage.clock.sleep(1)
    assert stage.serving == (4, 0)
    assert min(stable for stable, _ in stage.trace) == 4


def test_giving_the_strategy_back_finishes_the_rolling_update(stage):
    stage.world.deployment.changed(rollout=Rollout())
    stage.clock.sleep(30)
    assert stage.serving == (0, 4)
    assert min(sum(moment) for moment in stage.trace) >= 3


def test_pods_that_are_never_ready_never_displace_more_than_the_users_strategy_allows():
    stage = Stage()
    stage.world.deployment.behaviours[NEW["app"]] = Behaviour(ready_after=None)
    stage.world.deployment.changed(images=NEW)
    stage.clock.sleep(600)
    assert stage.serving == (3, 0)


def test_nothing_is_seen_of_a_write_before_the_controller_looks():
    stage = Stage()
    stage.world.deployment.changed(images=NEW)
    assert not stage.world.deployment.observed
    assert stage.world.deployment.current_set() is None
    stage.clock.sleep(0.5)
    assert stage.world.deployment.observed


@pytest.mark.parametrize(("value", "surge", "unavailable"), [("25%", 2, 1), ("3", 3, 3), ("0%", 0, 0), ("100%", 5, 5)])
def test_surge_rounds_up_and_unavailable_down(value, surge, unavailable):
    assert (resolved(value, 5, up=True), resolved(value, 5, up=False)) == (surge, unavailable)


def test_a_pod_is_ready_after_its_time_and_not_while_in_trouble():
    stage = Stage()
    pod = stage.world.deployment.pods()[0]
    assert pod.hash == STABLE
    assert pod.ready_since(stage.clock.now()) == pod.made_at + timedelta(seconds=3)

"""The law sees what it is there for: runners that do what none may do are caught, each by its invariant."""

from __future__ import annotations

import pytest

from davy.canary.ports.platform import Proposal, Speed
from davy.pipeline.core.endings import Ending
from davy.pipeline.core.errors import Forbidden
from davy.pipeline.core.verdict import Decision
from simulation.exchange import DEPLOYMENT
from simulation.machine import Machine
from simulation.people import with_image
from simulation.scene import Scene
from simulation.world import NEW

IMAGES = {"app": NEW}


@pytest.fixture
def scene():
    made = Scene(3)
    yield made
    made.world.timeline.end()


def begun(scene, surge=1):
    """A canary of so many pods, begun by hands that no engine moves."""
    machine = scene.first.machine
    fence = machine.lock.acquire(machine.name)
    machine.cluster.take(fence)
    before = machine.cluster.snapshot()
    machine.cluster.propose(Proposal(release="r1", images=IMAGES, restore=before.own, stable_hash=before.hash), surge)
    wait(scene, 10)
    return machine, before.own


def wait(scene, seconds):
    scene.world.timeline.sleep(seconds)


def broken(scene):
    return sorted({name for name, _ in scene.world.law.broken})


def test_a_canary_that_grows_on_a_look_and_goes_back_breaks_nothing(scene):
    machine, own = begun(scene)
    scene.world.law.judged(machine, Decision.PROMOTE)
    machine.cluster.size(2)
    wait(scene, 10)
    machine.cluster.restore(own, Speed.WHOLE, 2)
    wait(scene, 10)
    machine.cluster.settle(own)
    wait(scene, 10)
    assert broken(scene) == []
    assert scene.world.law.left(scene.world.server.deployment) == []


def test_weight_that_grows_on_nothing_breaks_the_third(scene):
    machine, _ = begun(scene)
    machine.cluster.size(2)
    assert broken(scene) == ["3"]


def test_a_promotion_after_a_look_that_knew_nothing_breaks_the_third(scene):
    machine, own = begun(scene)
    scene.world.law.judged(machine, Decision.UNKNOWN)
    machine.cluster.complete(own)
    assert broken(scene) == ["3"]


def test_anything_but_a_rollback_after_a_failing_look_breaks_the_second(scene):
    machine, _ = begun(scene)
    scene.world.law.judged(machine, Decision.ROLL_BACK)
    machine.cluster.freeze()
    assert broken(scene) == ["2"]


def test_stable_pods_that_go_while_the_canary_is_held_break_the_first(scene):
    machine, _ = begun(scene)
    server = scene.world.server
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": "100%"}}
    spec = {**server.deployment["spec"], "strategy": strategy}
    server.write(machine.name, DEPLOYMENT, {**server.deployment, "spec": spec})
    wait(scene, 60)
    assert "1" in broken(scene)


def test_a_runner_that_writes_after_another_took_over_breaks_the_sixth(scene):
    machine, _ = begun(scene)
    wait(scene, 60)
    rival = Machine(scene.world, "rival")
    rival.cluster.take(rival.lock.acquire("rival"))
    server = scene.world.server
    server.write(machine.name, DEPLOYMENT, with_image(server.deployment, "shop/app@sha256:5"))
    assert "6" in broken(scene)


def test_an_error_that_leaves_a_canary_serving_breaks_the_fifth_and_the_exit_code(scene):
    machine, _ = begun(scene)
    scene.world.law.ended(machine, None, Forbidden("no"))
    assert broken(scene) == ["5", "exit 2"]
    assert Forbidden("no").ending is Ending.UNUSABLE


def test_an_error_that_is_none_of_davys_is_a_traceback(scene):
    scene.world.law.ended(scene.first.machine, None, KeyError("items"))
    assert broken(scene) == ["traceback"]


def test_marks_that_are_left_break_the_ninth(scene):
    begun(scene)
    scene._as_it_was()
    assert "9" in broken(scene)

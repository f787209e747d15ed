"""A runner that slept past its lock writes nothing any more, whatever the one after it did."""

from __future__ import annotations

import pytest

from davy.canary.platforms.kubernetes import patches
from davy.pipeline.core.errors import Conflict
from simulation.draw import played_with
from simulation.law import notes_of
from simulation.machine import Machine
from simulation.world import World


@pytest.fixture
def world():
    made = World(1)
    yield made
    made.timeline.end()


def test_a_fence_that_a_newer_runner_took_away_again_gives_an_older_one_no_right(world):
    asleep, rival = Machine(world, "asleep"), Machine(world, "rival")
    old = asleep.lock.acquire("asleep")
    asleep.cluster.take(old)
    world.timeline.sleep(60)
    rival.cluster.take(rival.lock.acquire("rival"))
    rival.cluster.untake()
    rival.lock.release()
    with pytest.raises(Conflict, match="taken by another runner"):
        asleep.cluster.take(old)
    assert "davy.dev/fence" not in notes_of(world.server.deployment)


@pytest.mark.parametrize(
    ("seed", "kinds"), [(63, ("second", "cut", "stall", "interrupt")), (242, ("second", "stall", "unmeasured", "word"))]
)
def test_seeds_that_showed_it_hold(seed, kinds):
    assert played_with(seed, kinds).broken == ()


MEDDLED = [
    (2032, ("edit", "objects")),
    (3814, ("lost", "status", "edit")),
    (5275, ("kill", "page", "edit")),
    (5294, ("scaler",)),
]
"""The label away and the journal lost; `kubectl rollout undo` under a hold; an autoscaler below the share that grew."""


@pytest.mark.parametrize(("seed", "kinds"), MEDDLED)
def test_what_people_and_machines_do_to_a_held_deployment_leaves_nothing_behind(seed, kinds):
    assert played_with(seed, kinds).broken == ()


STALLED = [(48, ("second", "stall")), (57, ("second", "stall"))]


@pytest.mark.parametrize(("seed", "kinds"), STALLED)
def test_an_engine_that_patches_whoever_holds_the_fence_is_caught(seed, kinds, monkeypatch):
    assert played_with(seed, kinds).broken == ()
    whoever = {"op": "test", "path": "/metadata/name", "value": "checkout"}
    monkeypatch.setattr(patches, "_fenced", lambda fence: whoever)
    assert "6" in {name for name, _ in played_with(seed, kinds).broken}

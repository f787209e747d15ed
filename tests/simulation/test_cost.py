"""What a rollout of two minutes costs the API server in memory: requests, and bytes that are read from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest

from davy.canary.engine.driver.loop import Outcome, Patience
from davy.canary.engine.driver.rollout import rollout
from davy.canary.platforms.kubernetes.watches.feeds import SILENT
from davy.pipeline.core.endings import Ending
from davy.pipeline.core.events import CanaryPolicy, Event, RollbackStarted, StepReached
from simulation.exchange import DEPLOYMENT
from simulation.machine import BEGAN, Machine
from simulation.runner import Manner, Runner, start_order
from simulation.scene import step_plan
from simulation.world import OLD, World

Played = tuple[Machine, float, Outcome]
"""Whose it was, how many seconds it took, and how it ended."""
LARGE = {"name": "CATALOGUE", "value": "x" * 4000}
"""Templates of real Deployments have some kilobytes."""
REVISIONS = 10
LISTEN = 0.2
BAKE = timedelta(seconds=100)
MANNER = Manner("healthy", interval=2.0, takes=0.0, beside=False, patience=Patience())


def aged_world() -> World:
    """Of a Deployment that was released before, so that old ReplicaSets lie about."""
    container = {"name": "app", "image": OLD, "env": [LARGE], "readinessProbe": {"httpGet": {"path": "/"}}}
    template = {"metadata": {"labels": {"app": "checkout"}}, "spec": {"containers": [container]}}
    world = World(1, 4, template=template)
    for number in range(REVISIONS):
        before = world.server.deployment
        spec = before["spec"]
        older = {**spec["template"], "spec": {"containers": [{**container, "image": f"shop/app@sha256:{number + 10}"}]}}
        world.server.write("kubectl", DEPLOYMENT, {**before, "spec": {**spec, "template": older}})
        world.timeline.sleep(60.0)
    return world


def policy(machine: Machine) -> CanaryPolicy:
    return CanaryPolicy(
        steps=(replace(step_plan(1, 4, Random(1)), at_most=None, approve=False),),
        replicas=4,
        deadline=BEGAN + timedelta(hours=1),
        ready_within=timedelta(seconds=60),
        promote_within=timedelta(seconds=60),
        bake=BAKE,
        on_inconclusive="hold",
        on_lost="roll_back",
        on_interrupt="roll_back",
        warmup=timedelta(0),
    )


def played(*, may_watch: bool, then: Callable[[Machine, Event], None] = lambda *_: None) -> Played:
    """`then`: is told of every event."""
    world = aged_world()
    world.may_watch = may_watch
    machine = Machine(world, "ci-1")
    order = start_order(machine, lambda: policy(machine), "r1")
    ports = replace(Runner(machine, lambda: order, lambda: MANNER).ports(), listen=LISTEN)
    began, run = world.timeline.now, rollout(order, ports)
    try:
        while True:
            then(machine, next(run))
    except StopIteration as stop:
        return machine, world.timeline.now - began, stop.value
    finally:
        world.timeline.end()


@pytest.fixture(scope="module")
def watching() -> Played:
    return played(may_watch=True)


def test_a_rollout_of_two_minutes_asks_for_little_and_reads_little(watching) -> None:
    machine, seconds, outcome = watching
    assert outcome.ending is Ending.DONE, outcome.sentence
    assert 100 < seconds < 150
    print(machine.calls, machine.watches, machine.bytes_read)
    assert machine.calls + machine.watches < 250
    assert machine.bytes_read < 2**20


def test_without_the_right_to_watch_it_comes_to_the_same_end_in_the_same_time(watching) -> None:
    machine, seconds, outcome = played(may_watch=False)
    print(machine.calls, machine.watches, machine.bytes_read, seconds)
    assert outcome.ending is Ending.DONE, outcome.sentence
    assert machine.watches < 10
    assert abs(seconds - watching[1]) < 5


def crash_newest(world: World) -> None:
    """The pod that was made last, now."""
    controller, now = world.server.controller, world.timeline.now
    pod = max(controller.pods(), key=lambda one: one.made_at)
    pod.nature = replace(pod.nature, crashes_after=now - pod.made_at)
    controller.awake()


@pytest.mark.parametrize("dead", ["pods", "deployments", "endpointslices", ""])
def test_where_streams_die_without_a_word_trouble_is_seen_within_a_look(dead: str) -> None:
    """`dead`: of which streams; all where nothing is said. The canary's pod begins to crash in the same moment."""
    began: list[float] = []
    seen: list[float] = []

    def then(machine: Machine, event: Event) -> None:
        now = machine.world.timeline.now
        if isinstance(event, StepReached) and not began:
            for feed in machine.feeds:
                if feed.path.endswith(dead):
                    feed.die()
            crash_newest(machine.world)
            began.append(now)
        if isinstance(event, RollbackStarted):
            seen.append(now)

    machine, _, outcome = played(may_watch=True, then=then)
    assert outcome.ending is Ending.ROLLED_BACK, outcome.sentence
    assert seen[0] - began[0] <= SILENT + 1
    assert machine.calls + machine.watches < 250
    assert machine.bytes_read < 2**20

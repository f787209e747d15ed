"""`davy memory`: a canary in a world of memory, in real time, behind davy's own door. What serves is written to a file.

For tests that end the processes around davy: the world dies with the process, and the file says how it stood then.
"""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import click

from canary_stage import NEW, OLD, STABLE, ScriptedJudge, policy, shy
from davy.canary.engine.driver.ports import Ports
from davy.canary.engine.driver.rollout import Start, rollout
from davy.canary.platforms.memory.deployment import Behaviour
from davy.canary.platforms.memory.platform import MemoryJournal, MemoryLock, MemoryPlatform, World
from davy.canary.routers.replicas import Replicas
from davy.pipeline.clients.system_clock import SystemClock
from davy.pipeline.core.endings import Ending
from davy.pipeline.core.events import ReleaseStarted
from davy.workflows.cli import main
from davy.workflows.cli.lazy_group import Entry
from davy.workflows.story.options import ViewOptions
from davy.workflows.story.player import play
from davy.workflows.story.stages import canary_stage, framed


class RealTime:
    """The system's clock, under which a world in memory goes on."""

    def __init__(self, clock: SystemClock) -> None:
        self._clock = clock
        self._happenings: list[Callable[[datetime], None]] = []

    def now(self) -> datetime:
        return self._clock.now()

    def world_now(self) -> datetime:
        """The world goes by the same clock."""
        return self.now()

    def elapsed(self) -> timedelta:
        return self._clock.elapsed()

    def interrupted(self) -> bool:
        return self._clock.interrupted()

    def whenever(self, happening: Callable[[datetime], None]) -> None:
        self._happenings.append(happening)

    def sleep(self, seconds: float) -> None:
        self._tick()
        self._clock.sleep(seconds)
        self._tick()

    def _tick(self) -> None:
        for happening in self._happenings:
            happening(self.now())


@click.command()
@click.argument("state", type=click.Path(path_type=Path))
def command(state: Path) -> Ending:
    with SystemClock() as system:
        clock = RealTime(system)
        world = World(clock, replicas=4, images=OLD)
        world.deployment.behaviours[NEW["app"]] = Behaviour(ready_after=timedelta(milliseconds=200))
        clock.whenever(lambda _: written(state, serving=world.serving(STABLE)))
        judge = ScriptedJudge(shy, interval=timedelta(seconds=1))
        ports = Ports(
            platform=MemoryPlatform(world),
            router=Replicas(),
            lock=MemoryLock(world),
            journal=MemoryJournal(world),
            judge=judge,
            clock=clock,
        )
        order = Start(release="r1", workload=world.workload, images=NEW, policy=policy(clock, 1), runner="ci-1")
        started = ReleaseStarted(at=clock.now(), release="r1", service="checkout", runner="ci-1")
        story = framed(started, clock, canary_stage(clock, lambda: rollout(order, ports)))
        ending = play(story, clock, ViewOptions(plain=True))
        written(state, serving=world.serving(STABLE), ending=ending.name)
        return ending


def written(path: Path, **state: object) -> None:
    """Whole or not at all: who reads it may come at any time."""
    beside = path.with_suffix(".new")
    beside.write_text(json.dumps(state))
    beside.replace(path)


if __name__ == "__main__":
    main.TABLE["memory"] = Entry(main.WHOLE, "A canary in memory.", f"{__name__}:command", "davy memory STATE")
    main.main()

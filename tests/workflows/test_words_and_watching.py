"""A person's words, watching and snapshot, in the memory world."""

import dataclasses
from collections.abc import Iterator
from datetime import timedelta

import pytest

from davy.canary.engine.driver.ports import Ports
from davy.canary.engine.driver.rollout import Resume, Start, rollout
from davy.canary.engine.state import folded
from davy.canary.engine.steps import policy
from davy.canary.platforms.memory.platform import MemoryJournal, MemoryLock, MemoryPlatform, World
from davy.canary.routers.replicas import Replicas
from davy.pipeline.config.parsing.reader import made
from davy.pipeline.config.sections.canary import CanaryConfig
from davy.pipeline.core.endings import Ending
from davy.pipeline.core.errors import Missing, Unreachable
from davy.pipeline.core.events import Asked, Event, ReleaseFinished, ReleaseStarted
from davy.pipeline.simulated_clock import SimulatedClock
from davy.workflows.rollout import history, status
from davy.workflows.rollout.blind import Blind
from davy.workflows.rollout.request import lives, said
from davy.workflows.rollout.watch import Watched, watched
from davy.workflows.rollout.words import asked
from davy.workflows.story.stages import canary_stage, framed

NEW = {"app": "shop/app@sha256:2"}


class Scene:
    """One Deployment, and hands on it for two people."""

    def __init__(self) -> None:
        self.clock = SimulatedClock()
        self.world = World(self.clock)
        self.clock.sleep(1)
        self.killed: list[Iterator[Event]] = []

    def ports(self) -> Ports:
        world = self.world
        return Ports(
            platform=MemoryPlatform(world),
            router=Replicas(),
            lock=MemoryLock(world),
            journal=MemoryJournal(world),
            judge=Blind(),
            clock=self.clock,
        )

    def runner(self) -> Iterator[Event]:
        steps = made(CanaryConfig, {"steps": ["20%", "50%"]})
        start = Start(
            release="r1",
            workload=self.world.workload,
            images=NEW,
            policy=policy(steps, 2.0, 4, self.clock.now(), router=Replicas(), target="the Deployment"),
            runner="ci",
        )
        return rollout(start, self.ports())

    def lost_runner(self) -> None:
        """A rollout at its first step, whose runner was killed a minute ago."""
        run = self.runner()
        self.killed.append(run)  # Kept, for a generator that is closed gives its lock back, and SIGKILL does not.
        for event in run:
            if type(event).__name__ == "StepReached":
                break
        self.clock.sleep(60)

    def say(self, what: str, *, at_once: bool = False) -> tuple[Event, ...]:
        ports = self.ports()

        def marked() -> bool:
            return ports.platform.snapshot().marked

        def act() -> Iterator[Event]:
            started = ReleaseStarted(at=self.clock.now(), release="", service="s")
            stage = canary_stage(self.clock, lambda: rollout(Resume(runner="ann"), ports))
            return framed(started, self.clock, stage)

        alive = lives(ports.lock, self.clock.now())
        assert alive or not at_once
        words = said(
            what, by="ann", why="", alive=alive, journal=ports.journal, clock=self.clock, act=act,
            lost=lambda: not lives(ports.lock, self.clock.now()), marked=marked,
        )  # fmt: skip
        return tuple(words)

    def snapshot(self) -> status.Snapshot:
        ports = self.ports()
        return status.taken(ports.platform, ports.lock, ports.journal, self.clock.now)


@pytest.fixture
def scene() -> Scene:
    return Scene()


def end(events: tuple[Event, ...]) -> ReleaseFinished:
    assert isinstance(events[-1], ReleaseFinished)
    return events[-1]


def test_an_abort_with_no_runner_alive_is_carried_out_by_the_one_who_asks(scene: Scene) -> None:
    scene.lost_runner()
    assert end(scene.say("abort")).ending is Ending.ROLLED_BACK
    assert scene.world.serving(scene.world.deployment.current_set().hash)[1] == 0
    assert scene.world.deployment.images == {"app": "shop/app@sha256:1"}


def test_an_abort_is_carried_out_once_a_runner_that_was_killed_a_moment_ago_is_lost(scene: Scene) -> None:
    run = scene.runner()
    scene.killed.append(run)
    for event in run:
        if type(event).__name__ == "StepReached":
            break
    began = scene.clock.now()
    assert end(scene.say("abort", at_once=True)).ending is Ending.ROLLED_BACK
    assert timedelta(seconds=20) < scene.clock.now() - began < timedelta(seconds=90)
    assert scene.world.deployment.images == {"app": "shop/app@sha256:1"}


def test_an_abort_of_marks_without_a_journal_takes_them_back(scene: Scene) -> None:
    scene.lost_runner()
    scene.world.journal.clear()
    assert end(scene.say("abort")).ending is Ending.ROLLED_BACK
    assert scene.world.deployment.images == {"app": "shop/app@sha256:1"}
    assert scene.world.marks is None


def test_a_reason_as_long_as_a_log_is_kept_short_and_still_heeded(scene: Scene) -> None:
    scene.lost_runner()
    ports = scene.ports()
    word = asked("abort", "ann", "x" * 130_000, ports.journal, scene.clock)
    assert len(word.why) == 500
    assert ports.journal.asked()[-1] == word


def test_a_hold_with_no_runner_alive_changes_nothing(scene: Scene) -> None:
    scene.lost_runner()
    before = list(scene.world.journal)
    assert end(scene.say("hold")).ending is Ending.DONE
    assert scene.world.journal == before


@pytest.mark.parametrize("what", ["promote", "abort", "hold"])
def test_a_word_without_a_canary_is_refused(scene: Scene, what: str) -> None:
    with pytest.raises(Missing):
        scene.say(what)


def test_a_word_for_a_living_runner_is_left_and_its_effect_awaited(scene: Scene) -> None:
    run = scene.runner()
    for event in run:
        if type(event).__name__ == "StepReached":
            break
    # From here the runner acts whenever a second passes, as another process would.
    busy = False

    def runs(now: object) -> None:
        nonlocal busy
        if not busy:
            busy = True
            try:
                next(run, None)
            finally:
                busy = False

    scene.clock.whenever(runs)
    events = scene.say("abort")
    assert end(events).ending is Ending.DONE
    assert any(isinstance(event, Asked) and event.by == "ann" for event in events)
    state = folded(scene.ports().journal.read())
    assert state is not None
    assert state.rollback_at is not None


def test_a_word_that_a_runner_never_heeds_is_said_to_be_unheeded(scene: Scene) -> None:
    scene.lost_runner()
    ports = scene.ports()
    journal, clock = ports.journal, scene.clock
    waiting = said("promote", by="ann", why="", alive=True, journal=journal, clock=clock, act=lambda: iter(()))
    with pytest.raises(Unreachable, match="has not heeded"):
        list(waiting)


def test_watching_tells_the_whole_story_and_ends_as_the_rollout_did(scene: Scene) -> None:
    scene.lost_runner()
    scene.say("abort")
    ports = scene.ports()
    place = Watched(
        cluster=ports.platform, lock=ports.lock, journal=ports.journal, clock=scene.clock, now=scene.clock.now
    )
    told = tuple(watched(place))
    assert end(told).ending is Ending.ROLLED_BACK
    assert {"CanaryStarted", "StepReached", "RolledBack", "CanaryFinished"} <= {type(event).__name__ for event in told}


def test_watching_a_lost_runner_says_so_and_ends_unreachable(scene: Scene) -> None:
    scene.lost_runner()
    ports = scene.ports()
    place = Watched(
        cluster=ports.platform, lock=ports.lock, journal=ports.journal, clock=scene.clock, now=scene.clock.now
    )
    last = end(tuple(watched(place)))
    assert last.ending is Ending.UNREACHABLE
    assert "ci" in last.sentence


def test_watching_nothing_is_refused(scene: Scene) -> None:
    ports = scene.ports()
    place = Watched(
        cluster=ports.platform, lock=ports.lock, journal=ports.journal, clock=scene.clock, now=scene.clock.now
    )
    with pytest.raises(Missing):
        list(watched(place))


def test_the_status_of_a_quiet_deployment_says_that_there_is_no_canary(scene: Scene) -> None:
    snapshot = scene.snapshot()
    assert "no canary" in status.text(snapshot)
    assert status.document(snapshot)["phase"] == "none"


def test_the_status_says_that_a_runner_is_lost_and_what_to_do(scene: Scene) -> None:
    scene.lost_runner()
    shown = status.text(scene.snapshot())
    assert "LOST: ci" in shown
    assert "davy canary resume" in shown
    document = status.document(scene.snapshot())
    assert document["runner"]["state"] == "lost"
    assert (document["phase"], document["step"], document["weight"]) == ("at_step", 1, 20.0)


def test_the_status_after_an_end_says_how_it_ended(scene: Scene) -> None:
    scene.lost_runner()
    scene.say("abort")
    assert "rolled back" in status.text(scene.snapshot())
    assert status.document(scene.snapshot())["ending"] == "rolled_back"


def test_the_history_begins_with_the_one_that_ended_last(scene: Scene) -> None:
    scene.lost_runner()
    scene.say("abort")
    journal = scene.ports().journal
    rollouts = history.rollouts(journal.read(), journal.history())
    assert [each.release for each in rollouts] == ["r1"]
    assert "rolled back" in history.table(rollouts)
    assert history.document(rollouts)["davy_history"] == 1


def test_a_status_with_hostile_words_is_harmless(scene: Scene) -> None:
    scene.lost_runner()
    snapshot = scene.snapshot()
    assert snapshot.holder is not None
    snapshot = dataclasses.replace(
        snapshot,
        holder=dataclasses.replace(snapshot.holder, runner="\x1b[2J##[x]"),
        now=snapshot.now + timedelta(seconds=1),
    )
    assert "\x1b" not in status.text(snapshot)
    assert "##[" not in status.text(snapshot)

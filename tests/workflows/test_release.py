"""The release as a composition: order, endings, and what is said where it stops."""

from collections.abc import Generator
from datetime import UTC, datetime, timedelta

import pytest

from davy.canary.engine.driver.loop import Outcome
from davy.pipeline.core.artifacts import Image, Revision
from davy.pipeline.core.endings import Ending
from davy.pipeline.core.errors import DavyError, LockedOut, Problem, Rejected, Unreachable, Unusable
from davy.pipeline.core.events import Event, ReleaseFinished, ReleaseStarted, Stage, StageFinished, StageStarted, Warned
from davy.pipeline.simulated_clock import SimulatedClock
from davy.workflows.story.stages import REMEDIES, End, framed, release

IMAGE = Image(name="shop/checkout", digest="sha256:" + "a" * 64)
REVISION = Revision(sha="9b04e7d" + "0" * 33, committed_at=datetime(2026, 5, 1, tzinfo=UTC))


class Fake:
    """A release whose parts do as they are told."""

    def __init__(self) -> None:
        self.clock = SimulatedClock()
        self.done: list[str] = []
        self.errors: dict[str, BaseException] = {}
        self.failed_tests = ""
        self.outcome = Outcome(ending=Ending.DONE, sentence="promoted")
        self.dirty = False
        self.interrupt_in = ""

    def _did(self, what: str) -> None:
        self.clock.sleep(5)
        self.done.append(what)
        if what == self.interrupt_in:
            self.clock.interrupt()
        if what in self.errors:
            raise self.errors[what]

    def source(self) -> Revision:
        self._did("source")
        return Revision(sha=REVISION.sha, committed_at=REVISION.committed_at, dirty=self.dirty)

    def examine(self) -> tuple[str, ...]:
        self._did("examine")
        return ("the cluster has a mood",)

    def gate(self) -> Generator[Event, None, str]:
        yield from ()
        return ""

    def build(self, _revision: Revision) -> Generator[Event, None, tuple[Image, ...]]:
        yield StageStarted(at=self.clock.now(), stage=Stage.BUILD)
        self._did("build")
        return (IMAGE,)

    def test(self, images: tuple[Image, ...]) -> Generator[Event, None, str]:
        yield StageStarted(at=self.clock.now(), stage=Stage.TEST)
        self._did(f"test {images[0].name}")
        return self.failed_tests

    def canary(self, images: tuple[Image, ...]) -> Generator[Event, None, Outcome]:
        self._did("canary")
        yield Warned(at=self.clock.now(), what="moving")
        return self.outcome

    def play(self) -> tuple[list[Event], ReleaseFinished]:
        started = ReleaseStarted(at=self.clock.now(), release="r", service="checkout")
        events = list(framed(started, self.clock, release(self)))
        end = events[-1]
        assert isinstance(end, ReleaseFinished)
        return events, end


@pytest.fixture
def fake() -> Fake:
    return Fake()


def test_preflight_comes_before_the_build(fake: Fake) -> None:
    fake.play()
    assert fake.done == ["source", "examine", "build", "test shop/checkout", "canary"]


def test_what_preflight_finds_ends_it_with_every_problem_before_anything_is_built(fake: Fake) -> None:
    fake.errors["examine"] = Unusable("no", problems=(Problem(what="one"), Problem(what="two", path="canary.steps")))
    _, end = fake.play()
    assert end.ending is Ending.UNUSABLE
    assert end.sentence.splitlines() == ["no", "one", "canary.steps: two"]
    assert fake.done == ["source", "examine"]


@pytest.mark.parametrize(
    ("error", "ending"),
    [
        (Rejected("the build failed"), Ending.REJECTED),
        (Unreachable("no registry"), Ending.UNREACHABLE),
        (KeyboardInterrupt(), Ending.INTERRUPTED),
    ],
)
def test_a_failing_build_ends_it_before_any_traffic_moved(fake: Fake, error: BaseException, ending: Ending) -> None:
    fake.errors["build"] = error
    assert fake.play()[1].ending is ending
    assert "canary" not in fake.done


def test_a_failing_suite_ends_it_before_any_traffic_moved(fake: Fake) -> None:
    fake.failed_tests = "unit: 1 failed"
    _, end = fake.play()
    assert (end.ending, end.sentence) == (Ending.REJECTED, "unit: 1 failed; no traffic moved")
    assert "canary" not in fake.done


@pytest.mark.parametrize("part", ["examine", "build", "test shop/checkout"])
def test_an_interruption_before_the_canary_ends_it_there(fake: Fake, part: str) -> None:
    fake.interrupt_in = part
    assert fake.play()[1].ending is Ending.INTERRUPTED
    assert fake.done[-1] == part


@pytest.mark.parametrize("ending", list(Ending))
def test_it_ends_as_the_canary_did_and_says_what_to_do_next(fake: Fake, ending: Ending) -> None:
    fake.outcome = Outcome(ending=ending, sentence="so it went")
    events, end = fake.play()
    assert (end.ending, end.sentence, end.remedy) == (ending, "so it went", REMEDIES[ending])
    assert isinstance(events[-2], StageFinished)


def test_a_lock_held_by_another_ends_it_locked_out(fake: Fake) -> None:
    fake.errors["canary"] = LockedOut("ann holds it", remedy="ask ann")
    _, end = fake.play()
    assert (end.ending, end.remedy) == (Ending.LOCKED_OUT, "ask ann")


def test_a_second_interruption_during_the_canary_does_not_pretend_that_traffic_is_safe(fake: Fake) -> None:
    fake.errors["canary"] = KeyboardInterrupt()
    _, end = fake.play()
    assert end.ending is Ending.STUCK
    assert "before traffic was safe" in end.sentence


def test_a_defect_is_not_told_as_an_ending(fake: Fake) -> None:
    fake.errors["canary"] = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        fake.play()


def test_a_dirty_tree_is_said(fake: Fake) -> None:
    fake.dirty = True
    events, _ = fake.play()
    assert any(isinstance(event, Warned) and "dirty" in event.what for event in events)


def test_it_takes_as_long_as_its_parts(fake: Fake) -> None:
    assert fake.play()[1].took == timedelta(seconds=25)


def test_every_ending_has_a_remedy_of_its_own() -> None:
    assert set(REMEDIES) == set(Ending)
    assert all(REMEDIES[ending] for ending in Ending if ending is not Ending.DONE)


def test_every_error_of_the_tree_ends_with_an_exit_code_that_is_not_zero() -> None:
    def tree(kind: type[DavyError]) -> list[type[DavyError]]:
        return [kind, *(deeper for part in kind.__subclasses__() for deeper in tree(part))]

    assert all(kind.ending is not Ending.DONE for kind in tree(DavyError))


def test_a_command_that_moves_no_traffic_does_not_send_people_to_the_canary() -> None:
    clock = SimulatedClock()
    began = ReleaseStarted(at=clock.now(), release="shop-1", service="shop", runner="me", part="test")

    def broken(error: BaseException) -> Generator[Event, None, End]:
        yield StageStarted(at=clock.now(), stage=Stage.TEST)
        raise error

    for error in (KeyboardInterrupt(), Unreachable("Docker did not answer."), Rejected("no"), Unusable("no")):
        *_, last = framed(began, clock, broken(error))
        assert isinstance(last, ReleaseFinished)
        assert "traffic" not in last.sentence
        assert "canary" not in last.remedy

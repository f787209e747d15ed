"""The queue of the driver, on a simulated clock, and the threads that it has in the world."""

import threading
from collections.abc import Callable, Generator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from davy.pipeline.config.parsing.reader import made
from davy.pipeline.config.sections.suites import SuiteConfig
from davy.pipeline.core.errors import Unreachable
from davy.pipeline.core.events import (
    Event,
    LogLine,
    PartFinished,
    PartStarted,
    Result,
    StageFinished,
    SuiteFinished,
    Warned,
)
from davy.pipeline.core.ports import Say
from davy.pipeline.suites import driver
from davy.pipeline.suites.attempts import RetryRules
from davy.pipeline.suites.plan import pieces as expansion
from davy.pipeline.suites.plan.order import Wanted
from davy.pipeline.suites.plan.pieces import Piece, PlannedSuite
from davy.pipeline.suites.ports import SuiteOrder, SuiteRun
from davy.pipeline.suites.queue import Runs, SuiteJob, Worked, worked
from davy.pipeline.threads import Threads
from simulated_crew import CrewClock, SimulatedCrew
from twins.suites import MemoryPlace

Act = Callable[[SuiteOrder], SuiteRun]


def passed(order: SuiteOrder) -> SuiteRun:
    return SuiteRun(exit_code=0, junit=None, log=order.out / "log.txt")


class Actor:
    """A runner that takes a second for each of its files, or as told, and does what it is told."""

    def __init__(self, clock: CrewClock, act: Act = passed, seconds: Callable[[SuiteOrder], float] = lambda _: 1.0):
        self.clock, self.act, self.seconds = clock, act, seconds
        self.orders: list[tuple[float, SuiteOrder]] = []
        self.stopped = 0

    def run(self, order: SuiteOrder, say: Say) -> SuiteRun:
        self.orders.append((self.clock.now().timestamp(), order))
        say(f"runs {' '.join(order.items)}")
        self.clock.sleep(self.seconds(order))
        return self.act(order)

    def stop(self) -> None:
        self.stopped += 1


class Shards(Actor):
    """A place with a queue of its own."""

    rounds: int = 0

    def run_all(self, orders: Sequence[SuiteOrder], say: Callable[[int, str], None]) -> tuple[SuiteRun, ...]:
        self.rounds += 1
        return tuple(self.run(order, lambda line, index=index: say(index, line)) for index, order in enumerate(orders))  # type: ignore[misc]


def job(pieces: Sequence[Piece], **rules: int) -> SuiteJob:
    order = SuiteOrder(name="e2e", image=None, run="x", out=Path("out/e2e"))
    return SuiteJob(order=order, pieces=tuple(pieces), rules=RetryRules(**rules), excused=lambda _, __: False)


def pieces(*expected: float) -> list[Piece]:
    return [Piece(name=f"f{at}", folder=f"f{at}", items=(f"f{at}",), expected=each)
            for at, each in enumerate(expected)]  # fmt: skip


def told(story: Generator[Event, None, Worked]) -> tuple[list[Event], Worked]:
    events: list[Event] = []
    while True:
        try:
            events.append(next(story))
        except StopIteration as end:
            return events, end.value


def of(events: Sequence[Event], kind: type) -> list:  # type: ignore[type-arg]
    return [event for event in events if isinstance(event, kind)]


# ---- the queue ------------------------------------------------------------------------------------------------------


def test_whoever_is_free_takes_the_next_of_the_queue() -> None:
    clock = CrewClock()
    actors = [Actor(clock, seconds=lambda order: {"f0": 5.0}.get(order.items[0], 1.0)) for _ in range(2)]
    told(worked(job(pieces(5, 1, 1, 1, 1)), actors, SimulatedCrew(clock), clock, str))
    assert [[order.part for _, order in actor.orders] for actor in actors] == [["f0"], ["f1", "f2", "f3", "f4"]]


@given(st.lists(st.floats(0.1, 50), min_size=1, max_size=20), st.integers(1, 6), st.integers(0, 2), st.data())
def test_every_piece_ends_once_whatever_fails(
    seconds: list[float], workers: int, retries: int, data: st.DataObject
) -> None:
    clock = CrewClock()
    codes = st.sampled_from([0, 0, 0, 1])
    actor = [
        Actor(
            clock,
            lambda order: SuiteRun(exit_code=data.draw(codes), junit=None, log=order.out / "log"),
            lambda order: seconds[int(order.part[1:])],
        )
        for _ in range(workers)
    ]
    events, done = told(worked(job(pieces(*seconds), retries=retries), actor, SimulatedCrew(clock), clock, str))
    assert sorted(story.piece.name for story in done.stories) == sorted(f"f{at}" for at in range(len(seconds)))
    ends = [event.part for event in of(events, PartFinished) if not event.again]
    assert sorted(ends) == sorted(story.piece.name for story in done.stories)
    assert len(of(events, PartStarted)) == len(of(events, PartFinished)) == sum(len(one.runs) for one in done.stories)
    # No two runs share a folder, and nobody is idle while something waits.
    folders = [order.out for each in actor for _, order in each.orders]
    assert len(set(folders)) == len(folders)


def test_a_failed_piece_is_tried_again_with_what_failed() -> None:
    clock = CrewClock()

    def act(order: SuiteOrder) -> SuiteRun:
        text = f'<testsuite><testcase name="t">{"<failure/>" if order.attempt == 1 else ""}</testcase></testsuite>'
        return SuiteRun(exit_code=order.attempt == 1, junit=text, log=order.out / "log")

    actor = Actor(clock, act)
    events, done = told(worked(job(pieces(1), retries=1), [actor], SimulatedCrew(clock), clock, str))
    assert [(order.attempt, order.failed, str(order.out)) for _, order in actor.orders] == [
        (1, (), "out/e2e/f0"),
        (2, ("t",), "out/e2e/f0/try-2"),
    ]
    assert actor.orders[1][1].env["DAVY_FAILED"] == "t"
    assert [(event.result, event.again) for event in of(events, PartFinished)] == [
        (Result.FAILED, True), (Result.PASSED, False),
    ]  # fmt: skip
    assert done.wrong is None


def test_a_place_with_a_queue_of_its_own_gets_all_at_once_and_the_failed_ones_again() -> None:
    clock = CrewClock()
    actor = Shards(clock, lambda order: SuiteRun(exit_code=int(order.part == "f1" and order.attempt == 1), junit=None,
                                                 log=order.out / "log"))  # fmt: skip
    events, done = told(worked(job(pieces(3, 2, 1), retries=1), [actor], SimulatedCrew(clock), clock, str))
    assert actor.rounds == 2
    assert [order.part for _, order in actor.orders] == ["f0", "f1", "f2", "f1"]
    assert {event.source for event in of(events, LogLine)} == {"test e2e f0", "test e2e f1", "test e2e f2"}
    assert len(done.stories) == 3


def test_a_place_that_raises_stops_the_others_and_what_had_ended_is_kept() -> None:
    clock = CrewClock()

    def act(order: SuiteOrder) -> SuiteRun:
        if order.part == "f1":
            raise Unreachable("the hub is gone")
        return passed(order) if order.part == "f0" else SuiteRun(exit_code=None, junit=None, log=Path("l"), because="")

    actors = [Actor(clock, act, lambda order: {"f0": 1.0, "f1": 2.0}.get(order.part, 9.0)) for _ in range(3)]
    events, done = told(worked(job(pieces(1, 1, 1, 1)), actors, SimulatedCrew(clock), clock, str))
    assert isinstance(done.wrong, Unreachable)
    assert [story.piece.name for story in done.stories] == ["f0"]
    assert any(actor.stopped for actor in actors)
    assert of(events, Warned)[-1].what == "suite e2e was stopped: 1 of its 4 parts had ended"


def test_an_interruption_stops_every_runner_and_begins_nothing_more() -> None:
    clock = CrewClock()
    clock.stop_at = clock.now() + timedelta(seconds=1.5)
    actors = [Actor(clock, seconds=lambda order: {"f0": 1.0, "f1": 2.0}.get(order.part, 5.0)) for _ in range(3)]
    _, done = told(worked(job(pieces(*[1] * 9)), actors, SimulatedCrew(clock), clock, str))
    assert isinstance(done.wrong, KeyboardInterrupt)
    assert sum(len(actor.orders) for actor in actors) == 4  # The first three, and one as the first of them ended.
    assert any(actor.stopped for actor in actors)


def test_threads_work_at_the_same_time_and_stop_when_told() -> None:
    """The real crew: two runners must meet, and the stop ends both."""
    meet = threading.Barrier(3, timeout=20)
    halt = threading.Event()

    class Meeting:
        def run(self, order: SuiteOrder, say: Say) -> SuiteRun:
            say("here")
            meet.wait()
            halt.wait(20)
            return SuiteRun(exit_code=None, junit=None, log=Path("log"), because="stopped")

        def stop(self) -> None:
            halt.set()

    clock = CrewClock()
    story = worked(job(pieces(1, 1)), [Meeting(), Meeting()], Threads[Runs](), clock, str)
    events = [next(story) for _ in range(4)]
    assert sorted(type(event).__name__ for event in events) == ["LogLine", "LogLine", "PartStarted", "PartStarted"]
    meet.wait()
    clock.stop_at = clock.now()
    _, done = told(story)
    assert isinstance(done.wrong, KeyboardInterrupt)
    assert done.stories == ()


# ---- whole suites ---------------------------------------------------------------------------------------------------


def wanted(files: tuple[str, ...], out: Path, **more: object) -> Wanted:
    said = made(SuiteConfig, {"name": "e2e", "in": "process", "run": "x", "files": ["*"], **more})
    ask = PlannedSuite(suite=said, cells=expansion.cells(said), files=files)
    return Wanted(ask=ask, order=SuiteOrder(name="e2e", image=None, run="x", out=out / "e2e"))


def play(one: Wanted, place: MemoryPlace, clock: CrewClock, out: Path) -> tuple[list[Event], driver.Tested]:
    story = driver.run([one], {"e2e": place}, clock, out, crew=lambda: SimulatedCrew(clock))
    events: list[Event] = []
    while True:
        try:
            events.append(next(story))
        except StopIteration as end:
            return events, end.value


def test_no_more_run_at_once_than_the_place_takes(tmp_path: Path) -> None:
    clock = CrewClock()
    actors: list[Actor] = []

    def more() -> Actor:
        actors.append(Actor(clock))
        return actors[-1]

    play(wanted(tuple("abcdefgh"), tmp_path, shards=6), MemoryPlace(made=more, most=3), clock, tmp_path)
    assert len(actors) == 3
    assert all(actor.orders for actor in actors)


def test_each_cell_is_told_as_a_suite_of_its_own(tmp_path: Path) -> None:
    clock = CrewClock()

    def act(order: SuiteOrder) -> SuiteRun:
        return SuiteRun(exit_code=int(order.cell["browser"] == "firefox"), junit=None, log=order.out / "log")

    place = MemoryPlace(made=lambda: Actor(clock, act))
    events, tested = play(wanted(("a",), tmp_path, matrix={"browser": ["chrome", "firefox"]}), place, clock, tmp_path)
    assert [(event.suite, event.result) for event in of(events, SuiteFinished)] == [
        ("e2e[chrome]", Result.PASSED), ("e2e[firefox]", Result.FAILED),
    ]  # fmt: skip
    assert not tested.passed
    assert (tmp_path / "junit.xml").read_text().count("<testsuite ") == 2


def test_a_quarantine_may_be_of_one_cell_alone(tmp_path: Path) -> None:
    clock = CrewClock()
    text = '<testsuite><testcase name="t"><failure/></testcase></testsuite>'
    place = MemoryPlace(made=lambda: Actor(clock, lambda order: SuiteRun(exit_code=1, junit=text, log=order.out)))
    story = driver.run(
        [wanted(("a",), tmp_path, matrix={"browser": ["chrome", "firefox"]})], {"e2e": place}, clock, tmp_path,
        quarantined=lambda suite, case: (suite, case) == ("e2e[chrome]", "t"), crew=lambda: SimulatedCrew(clock),
    )  # fmt: skip
    ends = [event for event in story if isinstance(event, SuiteFinished)]
    assert [(event.result, event.failed, event.quarantined) for event in ends] == [
        (Result.PASSED, 0, 1), (Result.FAILED, 1, 0),
    ]  # fmt: skip


def test_what_a_killed_runner_left_is_swept_once_and_said(tmp_path: Path) -> None:
    clock = CrewClock()
    place = MemoryPlace(made=lambda: Actor(clock), left=("stopped job 1 of release r0",))
    one = wanted(("a",), tmp_path)
    story = driver.run([one, one], {"e2e": place, "e3e": place}, clock, tmp_path, crew=lambda: SimulatedCrew(clock))
    assert [event.what for event in story if isinstance(event, Warned)] == ["stopped job 1 of release r0"]


def test_what_had_ended_when_a_place_failed_is_merged_and_kept(tmp_path: Path) -> None:
    clock = CrewClock()

    def act(order: SuiteOrder) -> SuiteRun:
        if "b" in order.items:
            raise Unreachable("the hub is gone")
        return SuiteRun(exit_code=0, junit='<testsuite><testcase name="one"/></testsuite>', log=order.out / "log")

    place = MemoryPlace(made=lambda: Actor(clock, act))
    events: list[Event] = []
    with pytest.raises(Unreachable):
        events.extend(
            driver.run(
                [wanted(("a", "b"), tmp_path)], {"e2e": place}, clock, tmp_path, crew=lambda: SimulatedCrew(clock)
            )
        )
    assert 'name="one"' in (tmp_path / "junit.xml").read_text()
    assert (of(events, StageFinished)[-1].result, of(events, StageFinished)[-1].note) == (
        Result.FAILED,
        "the hub is gone",
    )


def report(order: SuiteOrder, tests: int = 5) -> str:
    cases = "".join(f'<testcase classname="{order.items[0]}" name="t{at}"><failure/></testcase>' for at in range(tests))
    return f"<testsuite>{cases}</testsuite>"


@pytest.mark.parametrize(("most", "runs"), [(None, 8), (20, 8), (19, 7), (10, 6), (5, 5), (1, 4)])
def test_where_too_many_tests_failed_nothing_more_is_tried_again(tmp_path: Path, most: int | None, runs: int) -> None:
    """Four files of five tests, all of which fail, one after the other; what failed first is tried again first."""
    clock = CrewClock()
    actor = Actor(clock, lambda order: SuiteRun(exit_code=1, junit=report(order), log=order.out))
    limit = {} if most is None else {"retries_up_to": most}
    place = MemoryPlace(made=lambda: actor, most=1)
    events, tested = play(wanted(("a", "b", "c", "d"), tmp_path, retries=1, **limit), place, clock, tmp_path)
    assert not tested.passed
    assert len(actor.orders) == runs
    warned = [event.what for event in of(events, Warned)]
    assert warned == (
        [f"suite e2e: 20 tests failed, more than its `retries_up_to: {most}`; what failed was not tried again"]
        if runs < 8
        else []
    )


def test_a_fault_of_the_place_is_tried_again_however_many_tests_failed(tmp_path: Path) -> None:
    clock = CrewClock()

    def act(order: SuiteOrder) -> SuiteRun:
        if order.items == ("b",) and len(actor.orders) == 2:
            return SuiteRun(exit_code=None, junit=None, log=order.out, because="node lost", fault=True)
        return SuiteRun(exit_code=1, junit=report(order), log=order.out)

    actor = Actor(clock, act)
    one = wanted(("a", "b"), tmp_path, retries=1, retries_up_to=1)
    play(one, MemoryPlace(made=lambda: actor, most=1), clock, tmp_path)
    assert [order.items for _, order in actor.orders] == [("a",), ("b",), ("b",)]


@pytest.mark.parametrize(
    "silent", [None, "<testsuites/>", '<testsuite><testcase name="t"><skipped/></testcase></testsuite>']
)
@pytest.mark.parametrize("at_least", [0, 1, 4])
def test_a_part_that_told_no_test_is_not_hidden_by_the_others(
    tmp_path: Path, silent: str | None, at_least: int
) -> None:
    clock = CrewClock()
    text = '<testsuite><testcase name="a"/><testcase name="b"/></testsuite>'
    place = MemoryPlace(
        made=lambda: Actor(
            clock, lambda order: SuiteRun(exit_code=0, junit=silent if order.shard[0] == 2 else text, log=order.out)
        ),
        most=3,
    )
    one = wanted((), tmp_path, shards=3, at_least=at_least)
    _, tested = play(one, place, clock, tmp_path)
    (suite,) = tested.suites
    is_told = bool(silent and "skipped" in silent)
    assert tested.passed == (not at_least or is_told)
    assert suite.because == ("" if tested.passed else "2-of-3 told no test, and with `at_least` each part must")
    assert ("told no test" in (tmp_path / "junit.xml").read_text()) == (not tested.passed)

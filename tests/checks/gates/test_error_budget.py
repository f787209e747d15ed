"""The gate: what the error budgets say before any traffic moves, and how a release ends by it."""

from collections.abc import Generator
from datetime import UTC, datetime, timedelta

import pytest

from davy.canary.engine.driver.loop import Outcome
from davy.checks.budget.budget import Budget, Spent
from davy.checks.gates import error_budget
from davy.checks.gates.error_budget import Accepted
from davy.pipeline.config.sections.objectives import GateConfig
from davy.pipeline.core.artifacts import Image, Revision
from davy.pipeline.core.endings import Ending
from davy.pipeline.core.errors import Unreachable
from davy.pipeline.core.events import Event, ReleaseFinished, ReleaseStarted, Result, Stage, StageFinished, Warned
from davy.pipeline.core.verdict import Gap
from davy.pipeline.simulated_clock import SimulatedClock
from davy.workflows.render.markdown import markdown, summarized
from davy.workflows.story.stages import framed, release

GATE = GateConfig(budget_left=10)
REVISION = Revision(sha="9b04e7d" + "0" * 33, committed_at=datetime(2026, 5, 1, tzinfo=UTC))


def budget(bad: float | Gap) -> Budget:
    spent = bad if isinstance(bad, Gap) else Spent(bad=bad, total=1_000_000)
    at = datetime(2026, 5, 1, tzinfo=UTC)
    return Budget(name="availability", objective=0.999, window=timedelta(days=30), at=at, spent=spent)


class World:
    """A release whose budgets are as told, one after another; what was done is kept."""

    def __init__(
        self, *budgets: float | Gap, accepted: Accepted | None = None, config: GateConfig | None = GATE
    ) -> None:
        self.clock = SimulatedClock()
        self.budgets = list(budgets)
        self.accepted = accepted
        self.config = config
        self.done: list[str] = []

    def source(self) -> Revision:
        return REVISION

    def examine(self) -> tuple[str, ...]:
        return ()

    def gate(self) -> Generator[Event, None, str]:
        return error_budget.asked(self.config, self._read, self.clock, self.accepted)

    def _read(self) -> tuple[Budget, ...]:
        return (budget(self.budgets.pop(0)),)

    def build(self, _revision: Revision) -> Generator[Event, None, tuple[Image, ...]]:
        self.done.append("build")
        yield from ()
        return ()

    def test(self, _images: tuple[Image, ...]) -> Generator[Event, None, str]:
        self.done.append("test")
        yield from ()
        return ""

    def canary(self, _images: tuple[Image, ...]) -> Generator[Event, None, Outcome]:
        self.done.append("canary")
        yield from ()
        return Outcome(ending=Ending.DONE, sentence="promoted")

    def play(self) -> tuple[list[Event], ReleaseFinished]:
        started = ReleaseStarted(at=self.clock.now(), release="r", service="checkout")
        events = list(framed(started, self.clock, release(self)))
        assert isinstance(events[-1], ReleaseFinished)
        return events, events[-1]


def test_a_budget_that_is_there_lets_the_release_through_and_is_told() -> None:
    world = World(100, 100)
    events, end = world.play()
    assert (end.ending, world.done) == (Ending.DONE, ["build", "test", "canary"])
    stages = [event for event in events if isinstance(event, StageFinished) and event.stage is Stage.BUDGET]
    assert [(one.result, one.note) for one in stages] == [
        (Result.PASSED, "1 budget; availability has the least left, 90 %")
    ] * 2


def test_a_spent_budget_ends_the_release_before_anything_is_built() -> None:
    world = World(950)
    events, end = world.play()
    assert (end.ending, world.done) == (Ending.REJECTED, [])
    assert end.sentence == "availability has 5 % of its error budget left, and 10 % is asked; no traffic moved"
    assert "--accept-budget" in end.remedy
    assert "❌ budget" in markdown(summarized(events))


def test_a_budget_that_is_spent_while_it_was_built_ends_it_before_the_canary() -> None:
    world = World(100, 2000)
    _, end = world.play()
    assert (end.ending, world.done) == (Ending.REJECTED, ["build", "test"])


@pytest.mark.parametrize("gap", [Gap.ABSENT, Gap.EMPTY, Gap.NAN])
def test_a_budget_that_cannot_be_told_never_passes(gap: Gap) -> None:
    world = World(gap)
    _, end = world.play()
    assert (end.ending, world.done) == (Ending.REJECTED, [])
    assert "cannot tell its error budget" in end.sentence


def test_a_server_that_is_away_is_no_verdict_on_the_budget() -> None:
    world = World(Gap.UNREACHABLE)
    events, end = world.play()
    assert (end.ending, world.done) == (Ending.UNREACHABLE, [])
    assert any(isinstance(event, StageFinished) and event.result is Result.FAILED for event in events)


def test_a_persons_word_goes_on_and_stays_in_the_report() -> None:
    world = World(950, 950, accepted=Accepted(by="ana", why="this mends it"))
    events, end = world.play()
    assert (end.ending, world.done) == (Ending.DONE, ["build", "test", "canary"])
    warned = [event.what for event in events if isinstance(event, Warned)]
    assert warned[0].endswith("10 % is asked; accepted by ana: this mends it")
    assert "accepted by ana" in markdown(summarized(events))


def test_a_persons_word_is_none_on_a_server_that_is_away() -> None:
    _, end = World(Gap.UNREACHABLE, accepted=Accepted(by="ana", why="x")).play()
    assert end.ending is Ending.UNREACHABLE


def test_without_a_gate_nothing_is_asked() -> None:
    world = World(config=None)
    events, end = world.play()
    assert end.ending is Ending.DONE
    assert not any(isinstance(event, StageFinished) and event.stage is Stage.BUDGET for event in events)


def test_a_plan_foresees_what_the_gate_would_say() -> None:
    assert error_budget.foreseen(None, lambda: ()) == ()
    assert error_budget.foreseen(GATE, lambda: (budget(100),)) == ()
    (said,) = error_budget.foreseen(GATE, lambda: (budget(950),))
    assert said.startswith("the gate would say no: availability has 5 %")
    with pytest.raises(Unreachable):
        error_budget.foreseen(GATE, lambda: (budget(Gap.UNREACHABLE),))

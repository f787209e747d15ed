"""What comes at the last moment: an abort before the first patch, a look under way at the deadline, a late sleeper."""

from dataclasses import replace
from datetime import timedelta

import pytest

from canary_stage import NEW, OLD, Fault, ScriptedJudge, Stage, good, policy, shy
from davy.canary.engine.driver.rollout import Enforce, Resume, rollout
from davy.canary.platforms.memory.platform import Killed
from davy.pipeline.core.endings import Ending
from davy.pipeline.core.errors import Conflict
from davy.pipeline.core.events import Asked, RollbackStarted, StepReached
from davy.pipeline.core.verdict import Decision


def calls():
    stage, fault = Stage(), Fault()
    stage.play(stage.start(policy(stage.clock, 1)), ScriptedJudge(good), fault)
    return fault.calls


def test_an_abort_before_the_first_patch_ends_at_once_and_leaves_nothing():
    stage = Stage()
    fault = Fault(calls().index("before propose"))
    with pytest.raises(Killed):
        stage.play(stage.start(policy(stage.clock, 1)), ScriptedJudge(good), fault)
    stage.clock.sleep(60)
    journal = stage.ports(ScriptedJudge(good)).journal
    journal.ask(Asked(at=stage.clock.now(), what="abort", by="ann"))
    before = stage.clock.elapsed()
    _, outcome = stage.play(Resume(runner="ann"), ScriptedJudge(good))
    assert outcome.ending is Ending.ROLLED_BACK
    assert stage.clock.elapsed() - before < timedelta(seconds=30)
    assert (stage.serving, stage.images, stage.is_as_it_was) == ((4, 0), OLD, True)


def test_who_takes_only_the_marks_away_has_promoted_nothing():
    stage = Stage()
    _, outcome = stage.play(stage.start(policy(stage.clock, 1)), ScriptedJudge(shy))
    assert (outcome.ending, stage.serving) == (Ending.UNDECIDED, (4, 1))
    stage.world.marks = None
    stage.clock.sleep(60)
    _, outcome = stage.play(Enforce(runner="cron"), ScriptedJudge(shy))
    assert (outcome.ending, stage.serving, stage.images) == (Ending.UNDECIDED, (4, 1), NEW)
    journal = stage.ports(ScriptedJudge(good)).journal
    journal.ask(Asked(at=stage.clock.now(), what="abort", by="ann"))
    _, outcome = stage.resume(ScriptedJudge(shy))
    assert outcome.ending is Ending.ROLLED_BACK
    assert (stage.serving, stage.images, stage.is_as_it_was) == ((4, 0), OLD, True)


def test_who_declares_a_lost_canary_held_shuts_its_sleeping_runner_out():
    stage = Stage()
    asleep = stage.ports(ScriptedJudge(shy))
    run = rollout(stage.start(policy(stage.clock, 1, 2, on_lost="hold")), asleep)
    while not isinstance(next(run), StepReached):
        pass
    stage.clock.sleep(60)
    _, outcome = stage.play(Enforce(runner="cron"), ScriptedJudge(shy))
    assert (outcome.ending, stage.serving) == (Ending.UNDECIDED, (4, 1))
    with pytest.raises(Conflict):
        asleep.platform.size(2)
    stage.clock.sleep(60)
    assert stage.serving == (4, 1)


class LateWork:
    """A look that takes eight seconds of the simulated time."""

    def __init__(self, clock, work):
        self._clock, self._work = clock, work
        self._ready = clock.elapsed() + timedelta(seconds=8)

    def done(self, within=0.0):
        self._clock.sleep(within)
        return self._clock.elapsed() >= self._ready

    def result(self):
        return self._work()


class Late:
    def __init__(self, clock):
        self._clock = clock

    def begin(self, work):
        return LateWork(self._clock, work)


def failing_at_last(sides, now, worse, windows):
    return Decision.ROLL_BACK if windows >= 2 else Decision.GO_ON


@pytest.mark.parametrize("on_inconclusive", ["hold", "promote"])
def test_a_look_that_is_under_way_at_the_deadline_is_waited_for(on_inconclusive):
    stage = Stage()
    deadline = stage.clock.now() + timedelta(seconds=60)
    order = stage.start(policy(stage.clock, 1, deadline=deadline, on_inconclusive=on_inconclusive))
    judge = ScriptedJudge(failing_at_last, interval=timedelta(seconds=52))
    run, events = rollout(order, replace(stage.ports(judge), aside=Late(stage.clock))), []
    while True:
        try:
            events.append(next(run))
        except StopIteration as stop:
            outcome = stop.value
            break
    (back,) = [event for event in events if isinstance(event, RollbackStarted)]
    assert deadline <= back.at <= deadline + timedelta(seconds=10)
    assert (outcome.ending, stage.serving, stage.is_as_it_was) == (Ending.ROLLED_BACK, (4, 0), True)

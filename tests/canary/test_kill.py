"""Killing the runner at every act and write in turn, and going on from a fresh one."""

import pytest

from canary_stage import NEW, OLD, STABLE, Fault, ScriptedJudge, Stage, bad, failing_at, good, policy, shy
from davy.canary.engine.driver.rollout import Enforce, Resume
from davy.canary.engine.state import folded
from davy.canary.platforms.memory.platform import Killed
from davy.pipeline.core.endings import Ending
from davy.pipeline.core.errors import Missing

JUDGES = {"good": good, "bad": bad, "bad when fully shifted": failing_at(4), "bad while promoting": failing_at(3)}


def calls_of(says):
    """How many faults can be placed in one whole run."""
    stage, fault = Stage(), Fault()
    stage.play(stage.start(policy(stage.clock, 1, 2)), ScriptedJudge(says), fault)
    return fault.calls


def killed(says, at):
    """A stage whose first runner died at call `at`."""
    stage = Stage()
    with pytest.raises(Killed):
        stage.play(stage.start(policy(stage.clock, 1, 2)), ScriptedJudge(says), Fault(at))
    return stage


def went_on(stage, says):
    """Resume as often as it takes; where nothing was journaled yet, start anew, as CI would."""
    stage.clock.sleep(60)
    try:
        return stage.play(Resume(runner="ci-2"), ScriptedJudge(says))[1]
    except Missing:
        return stage.play(stage.start(policy(stage.clock, 1, 2)), ScriptedJudge(says))[1]


@pytest.mark.parametrize("name", JUDGES)
def test_killed_at_any_act_or_write_a_fresh_runner_leads_to_the_same_end(name):
    says = JUDGES[name]
    whole = Stage()
    _, unkilled = whole.play(whole.start(policy(whole.clock, 1, 2)), ScriptedJudge(says))
    calls = calls_of(says)
    assert len(calls) > 20
    for at, call in enumerate(calls):
        stage = killed(says, at)
        if not finished(stage):
            outcome = went_on(stage, says)
            assert outcome.ending is unkilled.ending, call
        assert (stage.serving, stage.images) == (whole.serving, whole.images), call
        assert stage.is_as_it_was, call


def finished(stage):
    """The journal already tells the end."""
    state = folded(stage.ports(ScriptedJudge(good)).journal.read())
    return state is not None and state.finished is not None


@pytest.mark.parametrize("name", JUDGES)
def test_killed_at_any_act_or_write_and_abandoned_the_next_touch_takes_it_back_or_finds_it_over(name):
    says = JUDGES[name]
    for at, call in enumerate(calls_of(says)):
        stage = killed(says, at)
        stage.clock.sleep(60)
        promoting = "PromotionStarted" in "".join(stage.world.journal)
        stage.play(Enforce(runner="cron"), ScriptedJudge(says))
        assert stage.is_as_it_was, call
        if not promoting:
            assert (stage.serving, stage.images) == ((4, 0), OLD), call
        else:
            assert stage.serving == ((4, 0) if stage.images == OLD else (0, 4)), call


def test_killed_twice_at_any_two_acts_it_still_ends_the_same():
    calls = len(calls_of(good))
    for first in range(2, calls, 7):
        for second in range(0, 12, 3):
            stage = killed(good, first)
            stage.clock.sleep(60)
            try:
                stage.play(Resume(runner="ci-2"), ScriptedJudge(good), Fault(second))
            except (Killed, Missing):
                went_on(stage, good) if not finished(stage) else None
            assert stage.images == NEW
            assert stage.serving == (0, 4)
            assert stage.is_as_it_was


def test_a_canary_whose_runner_is_dead_never_grows():
    for at, call in enumerate(calls_of(good)):
        if call.endswith(("complete", "settle", "restore")):
            break
        stage = killed(good, at)
        stage.clock.sleep(5)
        before = stage.serving
        stage.clock.sleep(300)
        assert stage.serving[1] <= max(before[1], 2), call
        assert stage.serving[0] == 4, call


def test_evidence_of_before_the_kill_counts_after_it():
    stage = killed(bad, calls_of(bad).index("before restore"))
    judge = ScriptedJudge(bad)
    stage.clock.sleep(60)
    stage.play(Resume(runner="ci-2"), judge)
    assert judge.windows >= 3


def test_the_journal_alone_tells_the_state_the_runner_had():
    for says in JUDGES.values():
        stage = Stage()
        _, outcome = stage.play(stage.start(policy(stage.clock, 1, 2)), ScriptedJudge(says))
        assert folded(stage.ports(ScriptedJudge(says)).journal.read()) == outcome.state


def test_stable_is_the_side_from_before():
    assert Stage().world.deployment.current_set().hash == STABLE


@pytest.mark.parametrize("order", [Enforce(runner="cron"), Resume(runner="ci-2"), None])
def test_what_a_person_let_kubernetes_finish_is_not_taken_back(order):
    stage = Stage()
    _, outcome = stage.play(stage.start(policy(stage.clock, 1, 2)), ScriptedJudge(shy))
    assert outcome.ending is Ending.UNDECIDED
    cluster = stage.ports(ScriptedJudge(good)).platform
    held = cluster.snapshot()
    cluster.take(99)
    cluster.settle(held.held)
    stage.clock.sleep(60)
    assert stage.serving == (0, 4)
    _, outcome = stage.play(order or stage.start(policy(stage.clock, 1), release="r2"), ScriptedJudge(bad))
    assert (outcome.ending, stage.serving, stage.images) == (Ending.DONE, (0, 4), NEW)
    assert finished(stage)

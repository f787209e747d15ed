"""People beside a living runner: their words, a second release, Ctrl-C and SIGTERM."""

import signal

import pytest

from davy.pipeline.core.endings import Ending
from davy.pipeline.core.events import (
    CanaryFinished,
    CanaryStarted,
    PromotionStarted,
    ReleaseFinished,
    RollbackStarted,
    StepEntered,
    StepReached,
)
from shop.runner import Runner
from shop.visit import Visit

pytestmark = [pytest.mark.lab, pytest.mark.slow]

PATIENT = {"weight": "33%", "at_least": "5m"}
"""A step that no evidence ends."""


def patient(visit: Visit) -> Runner:
    visit.configured(steps=[PATIENT, {**PATIENT, "weight": "50%"}], deadline="20m", lease="30s")
    runner = visit.canary("good")
    runner.reach(StepReached)
    return runner


def test_hold_and_promote_move_a_living_runner_and_watch_ends_as_it_does(visit: Visit) -> None:
    with visit.customers():
        runner = patient(visit)
        watch = visit.start("canary", "watch")
        watch.reach(StepReached)
        seen = visit.status()
        assert (seen["phase"], seen["step"], seen["runner"]["state"]) == ("at_step", 1, "alive")
        assert "evidence" in seen["awaited"]

        visit.davy("canary", "hold", "--by", "ann").ends(Ending.DONE)
        assert "ann holds it" in visit.status()["awaited"]
        visit.davy("canary", "promote", "--by", "bob", "--why", "looks good").ends(Ending.DONE)
        entered = runner.reach(StepEntered, lambda event: event.step == 1)
        assert (entered.pods, entered.by) == (2, "bob")
        runner.reach(StepReached, lambda event: event.step == 1)
        visit.davy("canary", "promote", "--by", "bob").ends(Ending.DONE)
        assert runner.reach(PromotionStarted).by == "bob"
        runner.ends(Ending.DONE)
        watch.ends(Ending.DONE)
    assert "promoted" in watch.last(ReleaseFinished).sentence
    assert visit.history()[0]["ending"] == "done"
    visit.is_promoted("good")


def test_abort_rolls_a_living_runner_back_and_says_who_asked(visit: Visit) -> None:
    with visit.customers():
        runner = patient(visit)
        watch = visit.start("canary", "watch")
        watch.reach(StepReached)
        visit.davy("canary", "abort", "--by", "ann", "--why", "the phones ring").ends(Ending.DONE)
        runner.ends(Ending.ROLLED_BACK)
        watch.ends(Ending.ROLLED_BACK)
    assert runner.last(RollbackStarted).by == "ann"
    assert "the phones ring" in runner.last(CanaryFinished).sentence
    assert visit.history()[0]["ending"] == "rolled_back"
    visit.is_back()


def test_a_second_release_is_refused_with_the_holders_name_and_touches_nothing(visit: Visit) -> None:
    with visit.customers():
        runner = patient(visit)
        holder = visit.lease()["holderIdentity"]
        before = visit.deployment()
        for words in (("release",), ("canary", "start", "--image", visit.image("bad")), ("canary", "resume")):
            second = visit.start(*words)
            second.ends(Ending.LOCKED_OUT)
            assert holder in second.last(ReleaseFinished).sentence
            assert {started.runner for started in second.all(CanaryStarted)} <= {holder}
        after = visit.deployment()
        assert after["spec"] == before["spec"]
        assert after["metadata"]["annotations"] == before["metadata"]["annotations"]
        assert visit.lease()["holderIdentity"] == holder
        visit.davy("canary", "abort").ends(Ending.DONE)
        runner.ends(Ending.ROLLED_BACK)
    visit.is_back()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_an_interrupted_runner_makes_traffic_safe_before_it_ends(visit: Visit, number: signal.Signals) -> None:
    with visit.customers():
        runner = patient(visit)
        runner.send(number)
        runner.ends(Ending.INTERRUPTED)
    visit.is_back()


def test_an_interrupted_runner_whose_policy_is_to_hold_leaves_it_held_for_a_person(visit: Visit) -> None:
    with visit.customers():
        visit.configured(steps=[PATIENT], deadline="20m", on_interrupt="hold")
        runner = visit.canary("good")
        runner.reach(StepReached)
        runner.send(signal.SIGTERM)
        runner.ends(Ending.INTERRUPTED)
        assert visit.status()["phase"] == "held"
        assert set(visit.serving()) == {visit.stable(), visit.image("good")}
        visit.davy("canary", "start", "--image", visit.image("bad")).ends(Ending.LOCKED_OUT)
        visit.davy("canary", "abort").ends(Ending.ROLLED_BACK)
    visit.is_back()

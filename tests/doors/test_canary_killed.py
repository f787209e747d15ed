"""SIGKILL of the runner at every step of a canary, and what comes after: the end is as if nobody had been killed."""

import signal

import pytest

from davy.pipeline.core.endings import Ending
from davy.pipeline.core.events import (
    CanaryStarted,
    Event,
    FullyShifted,
    ImageBuilt,
    Judged,
    PromotionStarted,
    ReleaseFinished,
    Resumed,
    RollbackStarted,
    RolledBack,
    SourceRead,
    StepEntered,
    StepReached,
    SuiteFinished,
)
from shop.runner import KILLED
from shop.visit import UNIT, Visit, merged_config

pytestmark = [pytest.mark.lab, pytest.mark.slow]

GOOD = (CanaryStarted, StepEntered, StepReached, Judged, PromotionStarted, FullyShifted)
BAD = (RollbackStarted, RolledBack)


@pytest.mark.parametrize("kind", GOOD, ids=lambda kind: kind.__name__)
def test_a_good_canary_whose_runner_is_killed_at(visit: Visit, kind: type[Event]) -> None:
    with visit.customers():
        visit.canary("good", kill_at=kind).ends(KILLED)
        held = visit.status()
        assert held["phase"] not in ("none", "finished")
        resumed = visit.once_lost("canary", "resume")
        resumed.ends(Ending.DONE)
    visit.is_promoted("good")
    after = visit.status()
    assert after["phase"] == "finished"
    for metric, pair in held["counts"].items():
        assert after["counts"][metric]["canary"]["total"] >= pair["canary"]["total"]
    if kind is Judged:
        first = next(event for event in resumed.all(Judged) if event.verdict.evidence)
        assert first.verdict.evidence[0].canary.total >= held["counts"]["availability"]["canary"]["total"] > 0


@pytest.mark.parametrize("kind", BAD, ids=lambda kind: kind.__name__)
def test_a_bad_canary_whose_runner_is_killed_at(visit: Visit, kind: type[Event]) -> None:
    with visit.customers():
        visit.canary("bad", kill_at=kind).ends(KILLED)
        resumed = visit.once_lost("canary", "resume")
        resumed.ends(Ending.ROLLED_BACK)
    visit.is_back()
    assert visit.status()["ending"] == "rolled_back"


def test_a_runner_killed_before_its_first_patch_has_begun_nothing(visit: Visit) -> None:
    proxy = visit.before_the_api()
    with visit.customers():
        proxy.answer(503, times=1000, method="PATCH", path="/deployments/")
        runner = visit.canary("good")
        proxy.wait_for("PATCH", "/deployments/")
        runner.send(signal.SIGKILL)
        runner.ends(KILLED)
        visit.is_untouched_apart_from_the_lock()
        # Past the proxy: what the killed runner asked last may still be on its way there.
        del visit.settings["KUBECONFIG"]
        visit.once_lost("canary", "start", "--image", visit.image("good")).ends(Ending.DONE)
    visit.is_promoted("good")


def test_a_lost_canary_is_rolled_back_before_a_new_release_begins(visit: Visit) -> None:
    with visit.customers():
        # A later moment may be too late: its judge needs no step to be reached.
        visit.canary("bad", kill_at=StepEntered).ends(KILLED)
        release = visit.once_lost("canary", "start", "--image", visit.image("good"))
        release.ends(Ending.DONE)
    kinds = [type(event) for event in release.events]
    assert kinds.index(RolledBack) < kinds.index(CanaryStarted) < kinds.index(PromotionStarted)
    assert release.last(RollbackStarted).by == "on_lost"
    visit.is_promoted("good")
    assert [past["ending"] for past in visit.history()[:2]] == ["done", "rolled_back"]


def test_a_lost_canary_is_rolled_back_by_abort_without_prometheus(visit: Visit) -> None:
    proxy = visit.before_prometheus()
    with visit.customers():
        visit.canary("good", kill_at=StepReached).ends(KILLED)
        proxy.kill()
        visit.wait_for_the_lease()
        aborted = visit.start("canary", "abort", "--why", "the runner is gone")
        aborted.ends(Ending.ROLLED_BACK)
    visit.is_back()
    assert "the runner is gone" in visit.status()["sentence"]


def test_a_runner_that_slept_past_its_lease_acts_no_more(visit: Visit) -> None:
    proxy = visit.before_the_api()
    with visit.customers():
        sleeper = visit.canary("good")
        sleeper.reach(StepReached)
        sleeper.send(signal.SIGSTOP)
        visit.wait_for_the_lease()
        del visit.settings["KUBECONFIG"]
        taker = visit.start("canary", "resume")
        taker.reach(Resumed)
        before = len(proxy.answers)
        sleeper.send(signal.SIGCONT)
        sleeper.ends(Ending.LOCKED_OUT)
        taker.ends(Ending.DONE)
    # It may have been about to write when it fell asleep; then the fence refuses it.
    patches = [one for one in proxy.answers[before:] if one[0] == "PATCH" and "/deployments/" in one[1]]
    assert not [one for one in patches if one[2] < 300]
    assert "took over" in sleeper.last(ReleaseFinished).sentence
    visit.is_promoted("good")


def test_a_release_killed_before_its_canary_is_just_released_again(visit: Visit) -> None:
    suite = {"name": "unit", "in": "image", "run": UNIT, "network": "none"}
    visit.shop.write_config({**merged_config(visit.shop.namespace, {}), "tests": [suite]})
    image = visit.image("good")
    visit.settings["VERSION"] = visit.name_of(image)
    with visit.customers():
        for kind in (SourceRead, ImageBuilt, SuiteFinished):
            killed = visit.start("release", kill_at=kind)
            killed.ends(KILLED)
            visit.is_untouched()
        release = visit.davy("release")
        release.ends(Ending.DONE)
    built = release.last(ImageBuilt)
    assert built.cached
    visit.is_at_rest(built.image.reference)

"""SIGKILL of the runner at every step of a canary, and what comes after: the end is as if nobody had been killed."""

import signal
from collections.abc import Callable

import pytest

from davy.pipeline.endings import Ending
from davy.pipeline.events import (
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
from shop.visit import UNIT, Visit, merged_config

pytestmark = [pytest.mark.lab, pytest.mark.slow]

GOOD = (CanaryStarted, StepEntered, StepReached, Judged, PromotionStarted, FullyShifted)
BAD = (RollbackStarted, RolledBack)


def at(kind: type[Event]) -> Callable[[Event], bool]:
    """A look counts once it brought windows."""
    return lambda event: isinstance(event, kind) and (not isinstance(event, Judged) or bool(event.verdict.windows))


@pytest.mark.parametrize("kind", GOOD, ids=lambda kind: kind.__name__)
def test_a_good_canary_whose_runner_is_killed_at(visit: Visit, kind: type[Event]) -> None:
    with visit.customers():
        assert visit.canary("good", kill_at=at(kind)).ended() == -9
        held = visit.status()
        assert held["phase"] not in ("none", "finished")
        resumed = visit.once_lost("canary", "resume")
        assert resumed.ended() == Ending.DONE, resumed.story
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
        assert visit.canary("bad", kill_at=at(kind)).ended() == -9
        resumed = visit.once_lost("canary", "resume")
        assert resumed.ended() == Ending.ROLLED_BACK, resumed.story
    visit.is_back()
    assert visit.status()["ending"] == "rolled_back"


def test_a_runner_killed_before_its_first_patch_is_gone_on_with(visit: Visit) -> None:
    proxy = visit.before_the_api()
    with visit.customers():
        proxy.answer(503, times=1000, method="PATCH", path="/deployments/")
        runner = visit.canary("good")
        proxy.wait_for("PATCH", "/deployments/")
        runner.send(signal.SIGKILL)
        assert runner.ended() == -9
        proxy.faults.clear()
        visit.is_untouched_apart_from_the_lock()
        assert visit.status()["phase"] == "new"
        resumed = visit.once_lost("canary", "resume")
        assert resumed.ended() == Ending.DONE, resumed.story
    visit.is_promoted("good")


def test_a_lost_canary_is_rolled_back_before_a_new_release_begins(visit: Visit) -> None:
    with visit.customers():
        assert visit.canary("bad", kill_at=at(StepReached)).ended() == -9
        release = visit.once_lost("canary", "start", "--image", visit.image("good"))
        assert release.ended() == Ending.DONE, release.story
    kinds = [type(event) for event in release.events]
    assert kinds.index(RolledBack) < kinds.index(CanaryStarted) < kinds.index(PromotionStarted)
    assert release.last(RollbackStarted).by == "on_lost"
    visit.is_promoted("good")
    assert [past["ending"] for past in visit.history()[:2]] == ["done", "rolled_back"]


def test_a_lost_canary_is_rolled_back_by_abort_without_prometheus(visit: Visit) -> None:
    proxy = visit.before_prometheus()
    with visit.customers():
        assert visit.canary("good", kill_at=at(StepReached)).ended() == -9
        proxy.kill()
        visit.wait_for_the_lease()
        aborted = visit.start("canary", "abort", "--why", "the runner is gone")
        assert aborted.ended() == Ending.ROLLED_BACK, aborted.story
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
        before = len(proxy.requests)
        sleeper.send(signal.SIGCONT)
        assert sleeper.ended() == Ending.LOCKED_OUT, sleeper.story
        assert taker.ended() == Ending.DONE, taker.story
    assert not [path for method, path in proxy.requests[before:] if method == "PATCH" and "/deployments/" in path]
    assert "took over" in sleeper.last(ReleaseFinished).sentence
    visit.is_promoted("good")


def test_a_release_killed_before_its_canary_is_just_released_again(visit: Visit) -> None:
    suite = {"name": "unit", "in": "image", "run": UNIT, "network": "none"}
    visit.shop.write_config({**merged_config(visit.shop.namespace, {}), "tests": [suite]})
    image = visit.image("good")
    visit.settings["VERSION"] = visit.name_of(image)
    with visit.customers():
        for kind in (SourceRead, ImageBuilt, SuiteFinished):
            killed = visit.start("release", kill_at=at(kind))
            assert killed.ended() == -9, killed.story
            visit.is_untouched()
        release = visit.davy("release")
        assert release.ended() == Ending.DONE, release.story
    built = release.last(ImageBuilt)
    assert built.cached
    visit.is_at_rest(built.image.reference)

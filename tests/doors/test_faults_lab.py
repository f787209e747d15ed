"""An API server and a Prometheus that misbehave in the middle: the release still ends right, or waits for a person."""

import pytest

from davy.pipeline.core.endings import Ending
from davy.pipeline.core.events import Judged, PromotionStarted, RollbackStarted, RolledBack, StepReached
from lab.faulty_proxy import FaultyProxy
from shop.runner import Runner
from shop.visit import Visit

pytestmark = [pytest.mark.lab, pytest.mark.slow]

PATCHES = {"method": "PATCH", "path": "/deployments/"}


def conflicts(proxy: FaultyProxy) -> None:
    proxy.answer(409, times=3, **PATCHES)
    proxy.answer(409, times=2, method="PUT")


def turned_away(proxy: FaultyProxy) -> None:
    proxy.answer(429, times=8, headers={"Retry-After": "1"})


def bursts(proxy: FaultyProxy) -> None:
    proxy.answer(500, times=5)
    proxy.answer(503, times=2, **PATCHES)


def lost_answers(proxy: FaultyProxy) -> None:
    """The write is carried out, and only its answer is lost."""
    proxy.answer(504, times=2, before=False, **PATCHES)
    proxy.answer(504, times=2, before=False, method="PUT")


def silence(proxy: FaultyProxy) -> None:
    proxy.silence(10)


@pytest.mark.parametrize("fault", [conflicts, turned_away, bursts, lost_answers, silence], ids=lambda f: f.__name__)
def test_a_good_version_is_promoted_through_an_api_server_of(visit: Visit, fault: object) -> None:
    proxy = visit.before_the_api()
    with visit.customers():
        if fault is not silence:
            fault(proxy)
        canary = visit.canary("good")
        canary.reach(StepReached)
        fault(proxy)
        canary.reach(PromotionStarted, within=90)
        if fault is not silence:
            fault(proxy)
        canary.ends(Ending.DONE)
    visit.is_promoted("good")


def two_failures(proxy: FaultyProxy) -> None:
    proxy.answer(500, times=2, **PATCHES)


@pytest.mark.parametrize("fault", [two_failures, conflicts, lost_answers], ids=lambda f: f.__name__)
def test_a_bad_version_is_taken_back_though_the_rollback_meets(visit: Visit, fault: object) -> None:
    proxy = visit.before_the_api()
    with visit.customers() as load:
        canary = visit.canary("bad")
        # Held, the Deployment is patched next by the rollback, which may come before the step is reached.
        visit.until(lambda: bool(visit.deployment()["spec"].get("paused")), within=120)
        fault(proxy)
        canary.ends(Ending.ROLLED_BACK)
        assert not [fault for fault in proxy.faults if fault.method == "PATCH" and fault.times]
    assert load.snapshot()["versions"]["bad"]["failures"]
    visit.is_back()


def test_a_bad_version_is_taken_back_though_the_api_server_falls_silent_for_it(visit: Visit) -> None:
    proxy = visit.before_the_api()
    with visit.customers():
        canary = visit.canary("bad")
        canary.reach(Judged, lambda look: any(evidence.canary.bad for evidence in look.verdict.evidence))
        proxy.silence(10)
        canary.ends(Ending.ROLLED_BACK)
    visit.is_back()


# ---- Prometheus -----------------------------------------------------------------------------------------------------


def counted(runner: Runner) -> int:
    return runner.last(Judged).verdict.evidence[0].canary.total


def until_counted(runner: Runner) -> None:
    runner.reach(Judged, lambda look: any(evidence.canary.total for evidence in look.verdict.evidence))


def test_a_prometheus_that_is_away_from_the_start_promotes_nothing_and_holds(visit: Visit) -> None:
    proxy = visit.before_prometheus()
    visit.configured(deadline="30s", on_inconclusive="promote")
    with visit.customers():
        canary = visit.canary("good")
        canary.reach(StepReached)
        proxy.kill()
        canary.ends(Ending.UNREACHABLE)
        assert not canary.all(PromotionStarted)
        assert visit.status()["phase"] == "held"
        assert visit.deployment()["spec"]["paused"]
        visit.davy("canary", "abort").ends(Ending.ROLLED_BACK)
    visit.is_back()


@pytest.mark.parametrize(
    ("policy", "ending"), [("hold", Ending.UNDECIDED), ("roll_back", Ending.ROLLED_BACK)], ids=["hold", "roll_back"]
)
def test_a_prometheus_that_dies_in_the_middle_and_stays_dead_promotes_nothing(
    visit: Visit, policy: str, ending: Ending
) -> None:
    proxy = visit.before_prometheus()
    visit.configured(deadline="35s", on_inconclusive=policy, steps=[{"weight": "50%", "at_least": "15s"}])
    with visit.customers():
        canary = visit.canary("good")
        until_counted(canary)
        proxy.kill()
        canary.ends(ending)
        assert not canary.all(PromotionStarted)
        if ending is Ending.UNDECIDED:
            assert set(visit.serving()) == {visit.stable(), visit.image("good")}
            visit.davy("canary", "abort").ends(Ending.ROLLED_BACK)
    visit.is_back()


SILENCE = 100
"""Requests to the canary: eight seconds of them, and a scrape is two seconds old at most."""


def test_a_prometheus_that_dies_and_comes_back_costs_no_evidence(visit: Visit) -> None:
    proxy = visit.before_prometheus()
    visit.configured(steps=[{"weight": "50%", "at_least": "16s"}])
    version = visit.name_of(visit.image("good"))
    with visit.customers() as load:

        def felt() -> int:
            # A busy machine may leave an answer lying that Prometheus has counted already.
            return int(load.snapshot()["versions"].get(version, {}).get("requests", 0))

        canary = visit.canary("good")
        until_counted(canary)
        proxy.kill()
        at_first, begun = counted(canary), felt()
        canary.reach(Judged, lambda look: bool(look.verdict.gaps))
        visit.until(lambda: felt() > begun + SILENCE, within=60)
        proxy.revive()
        canary.reach(PromotionStarted)
        # Counters were scraped all the while: what was asked during the silence is counted after it.
        assert at_first + SILENCE / 2 < counted(canary)
        visit.until(lambda: counted(canary) <= felt(), within=10)
        canary.ends(Ending.DONE)
    visit.is_promoted("good")
    assert not canary.all(RollbackStarted) + canary.all(RolledBack)

"""Suites against the canary's own pods, in a real cluster: before weight grows, at every step, and by hand."""

from typing import Any

import pytest

from davy.pipeline.core.endings import Ending
from davy.pipeline.core.events import Judged, ReleaseFinished, RollbackStarted, StepReached, SuiteFinished
from shop.runner import KILLED
from shop.visit import Visit, merged_config

pytestmark = [pytest.mark.lab, pytest.mark.slow]

ASK = """python3 -c '
import os, urllib.request as ask
for url in os.environ["DAVY_URLS"].split():
    print(url, ask.urlopen(url + "/products").status, flush=True)
'"""
PROBES = 2
"""One of each canary pod."""


def against(visit: Visit, run: str, **canary: object) -> None:
    suite = {"name": "probe", "in": "kubernetes", "against": "canary", "run": run, "memory": "64Mi"}
    config: dict[str, Any] = {**merged_config(visit.shop.namespace, canary), "tests": [suite]}
    visit.shop.write_config(config)


def jobs(visit: Visit) -> list[str]:
    found = visit.listed("/apis/batch/v1", "jobs")
    return [job["metadata"]["name"] for job in found if "deletionTimestamp" not in job["metadata"]]


def logs(visit: Visit) -> list[list[str]]:
    found = sorted((visit.shop.folder / "davy-out" / "canary").glob("*/probe/log.txt"))
    return [log.read_text().splitlines() for log in found]


def test_a_canary_whose_suite_fails_is_rolled_back_before_its_judge_saw_any_traffic(visit: Visit) -> None:
    against(visit, f"{ASK}; echo the price list is wrong; exit 1")
    canary = visit.canary("good")
    canary.ends(Ending.ROLLED_BACK)
    # All that the judge may have counted is what the suite itself asked.
    counted = [pair.canary for look in canary.all(Judged) for pair in look.verdict.evidence]
    assert all(one.total <= PROBES and not one.bad for one in counted)
    because = canary.last(RollbackStarted).because
    assert "probe failed: exit code 1, against 2 canary pods" in because
    assert because in canary.last(ReleaseFinished).sentence
    (lines,) = logs(visit)
    assert [line.split()[1] for line in lines[:2]] == ["200", "200"]
    assert lines[2] == "the price list is wrong"
    assert jobs(visit) == []
    visit.is_back()


def test_a_suite_passes_at_every_step_before_weight_grows_and_the_version_is_promoted(visit: Visit) -> None:
    against(visit, ASK, steps=["20%", "50%"])
    with visit.customers():
        canary = visit.canary("good")
        canary.ends(Ending.DONE)
    pods = [step.pods for step in canary.all(StepReached)]
    # Each step's own pods, by their own addresses; promotion itself asks no more.
    assert [len({line.split()[0] for line in lines}) for lines in logs(visit)] == pods
    notes = [note for look in canary.all(Judged) for note in look.verdict.notes if "probe" in note]
    assert len(notes) == len(pods)
    assert jobs(visit) == []
    visit.is_promoted("good")


def test_a_suite_that_hangs_keeps_the_canary_where_it_is_and_ends_with_it(visit: Visit) -> None:
    against(visit, "echo begun; sleep 300")
    with visit.customers():
        canary = visit.canary("good")
        visit.until(lambda: bool(jobs(visit)) and logs(visit) == [["begun"]], within=60)
        visit.until(lambda: any("not through yet" in look.verdict.sentence for look in canary.all(Judged)), within=60)
        assert visit.davy("canary", "abort").process.returncode == 0
        canary.ends(Ending.ROLLED_BACK)
    assert jobs(visit) == []
    visit.is_back()


def test_by_hand_against_a_canary_that_is_held_and_not_where_there_is_none(visit: Visit) -> None:
    against(visit, ASK)
    none = visit.davy("test", "--against", "canary")
    none.ends(Ending.UNUSABLE)
    with visit.customers():
        visit.canary("good", kill_at=StepReached).ends(KILLED)
        tested = visit.davy("test", "--against", "canary")
        tested.ends(Ending.DONE)
        assert tested.last(SuiteFinished).passed == 1
        against(visit, "exit 5")
        visit.davy("test", "--against", "canary").ends(Ending.REJECTED)
        assert visit.image("good") in visit.serving()
        visit.once_lost("canary", "abort")
    visit.is_back()

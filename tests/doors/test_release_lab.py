"""A whole release on real parts: from the work tree to promoted, rolled back or rejected, told from both sides."""

import re
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from davy.pipeline.clients.docker.credentials import DockerCredentials
from davy.pipeline.core.artifacts import Image
from davy.pipeline.core.endings import Ending
from davy.pipeline.core.events import ImageBuilt, Judged, PodTrouble, ReleaseFinished, StepReached, SuiteFinished
from davy.pipeline.registry.distribution.store import RegistryImages
from davy.pipeline.supply_chain import evidence
from shop.runner import KILLED
from shop.stage import ROOT
from shop.visit import UNIT, Visit, merged_config

pytestmark = [pytest.mark.lab, pytest.mark.slow]

SMOKE = "python3 -m pytest -q -p no:cacheprovider --junitxml=$JUNIT /app/smoke"


def suites(visit: Visit, *wanted: dict[str, Any]) -> None:
    visit.shop.write_config({**merged_config(visit.shop.namespace, {}), "tests": list(wanted)})


def out(visit: Visit) -> Path:
    return visit.shop.folder / "davy-out"


def attached(reference: str) -> dict[str, set[str]]:
    """What is said of the image in the registry: by claim, all results. Scenarios beside this one share the image."""
    name, _, digest = reference.partition("@")
    with closing(RegistryImages(DockerCredentials({}))) as store:
        found = [evidence.said(one) for one in store.attached(Image(name=name, digest=digest))]
    return {claim: {one.result for one in found if one.claim.value == claim} for claim in {one.claim for one in found}}


def test_a_good_commit_is_built_tested_and_promoted_by_digest(visit: Visit) -> None:
    stable = {"STABLE": f"http://checkout.{visit.shop.namespace}.svc.cluster.local"}
    suites(
        visit,
        {"name": "unit", "in": "image", "run": UNIT, "network": "none"},
        {"name": "smoke", "in": "kubernetes", "run": SMOKE, "memory": "128Mi", "env": stable},
    )
    visit.settings["VERSION"] = visit.name_of(visit.image("good"))
    with visit.customers() as load:
        release = visit.start("release")
        release.ends(Ending.DONE)
    image = release.last(ImageBuilt).image.reference
    assert "@sha256:" in image
    visit.is_at_rest(image)
    assert load.snapshot()["failures"] == 0
    assert (
        (out(visit) / "junit.xml").read_text().count("<testcase ")
        == sum(suite.passed for suite in release.all(SuiteFinished))
        > 0
    )
    assert {suite.suite for suite in release.all(SuiteFinished)} == {"unit", "smoke"}
    assert image.partition("@")[2] in (out(visit) / "report.md").read_text()
    said = attached(image)
    assert ("PASSED" in said["tests"], "promoted" in said["canary"], "inputs" in said) == (True, True, True)


def test_a_version_with_errors_is_taken_back_and_counted_as_the_customers_counted_it(visit: Visit) -> None:
    with visit.customers() as load:
        canary = visit.canary("bad")
        canary.ends(Ending.ROLLED_BACK)
    felt = load.snapshot()["versions"]["bad"]
    (evidence,) = [judged.verdict.evidence for judged in canary.all(Judged) if judged.verdict.evidence][-1]
    assert 0 < evidence.canary.bad <= felt["failures"]
    assert evidence.canary.total <= felt["requests"]
    assert evidence.stable.bad == 0
    visit.is_back()
    # The bad one's pods still terminate, and the next release is not judged by them.
    with visit.customers():
        following = visit.canary("good")
        following.ends(Ending.DONE)
    assert not [pair for look in following.all(Judged) for pair in look.verdict.evidence if pair.canary.bad]
    visit.is_promoted("good")


@pytest.mark.parametrize(
    ("version", "kind", "words"),
    [
        ("crash", "crash_loop", "exit code 1|Error|exit"),
        ("never-ready", "never_ready", "readiness"),
        ("leak", "out_of_memory", "memory"),
        ("absent", "image_pull", "not found|pull"),
    ],
)
def test_a_version_that_cannot_run_is_taken_back_with_the_pods_own_words(
    visit: Visit, version: str, kind: str, words: str
) -> None:
    image = re.sub(r"@.*", "@sha256:" + "0" * 64, visit.stable()) if version == "absent" else visit.image(version)
    visit.configured(ready_within="12s" if version == "never-ready" else "2m")
    with visit.customers(may_lose=version == "leak"):
        canary = visit.start("canary", "start", "--image", image)
        canary.ends(Ending.ROLLED_BACK)
    trouble = canary.last(PodTrouble)
    assert trouble.kind == kind
    assert re.search(words, trouble.words)
    report = (out(visit) / "report.md").read_text().replace("\\", "")
    assert trouble.pod in report
    assert re.search(words, report)
    visit.is_back()


def test_a_failing_suite_ends_a_release_before_any_traffic_moves(visit: Visit) -> None:
    suites(visit, {"name": "unit", "in": "image", "run": "echo the price list is wrong; exit 7", "network": "none"})
    visit.settings["VERSION"] = visit.name_of(visit.image("good"))
    release = visit.start("release")
    release.ends(Ending.REJECTED)
    visit.is_untouched()
    failed = release.last(SuiteFinished)
    assert "7" in failed.because
    assert "the price list is wrong" in (visit.shop.folder / failed.log).read_text()
    assert "no traffic moved" in release.last(ReleaseFinished).sentence
    assert visit.status()["phase"] == "none" or visit.status()["ending"]


def test_the_written_way_back_by_hand_needs_no_davy(visit: Visit) -> None:
    with visit.customers():
        visit.canary("good", kill_at=StepReached).ends(KILLED)
        assert set(visit.serving()) == {visit.stable(), visit.image("good")}
        by_hand(visit, "Back to stable")
        visit.until(lambda: set(visit.serving()) == {visit.stable()}, within=10)
        visit.is_unmarked(visit.stable())
        # Davy, when it is there again, agrees with what was done.
        again = visit.once_lost("canary", "start", "--image", visit.image("good"))
        again.ends(Ending.DONE)
    visit.is_promoted("good")


def test_the_written_way_forward_by_hand_needs_no_davy(visit: Visit) -> None:
    good = visit.image("good")
    with visit.customers():
        visit.canary("good", kill_at=StepReached).ends(KILLED)
        by_hand(visit, "Forward: promote")
        visit.until(lambda: set(visit.serving()) == {good}, within=30)
        visit.is_unmarked(good)
        # The killed runner's lock runs out; davy, when it is there again, agrees with what was done.
        visit.once_lost("canary", "abort").ends(Ending.DONE)


def by_hand(visit: Visit, section: str) -> None:
    """The first command of a section of docs/by-hand.md, as it stands there."""
    text = (ROOT / "docs" / "by-hand.md").read_text()
    found = re.search(rf"^## {section}.*?^```\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert found
    visit.shell(f"NS={visit.shop.namespace}; D=checkout\n{found[1]}")

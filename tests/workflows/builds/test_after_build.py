"""What follows on a build and on its verdicts: the scan gate, the signature, the evidence in the registry."""

import json
import os
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from contracts.registries import Pusher, RealRegistry, credentials
from davy.pipeline.config import file
from davy.pipeline.core.artifacts import Image, Revision
from davy.pipeline.core.endings import Ending
from davy.pipeline.core.errors import Missing, Rejected, Unreachable, Unusable
from davy.pipeline.core.events import CanaryFinished, Event, LogLine, Result, SuiteFinished, Warned
from davy.pipeline.registry.distribution.manifests import Registry
from davy.pipeline.registry.distribution.store import RegistryImages
from davy.pipeline.simulated_clock import SimulatedClock
from davy.pipeline.supply_chain import evidence
from davy.pipeline.supply_chain.ports import ScanOrder
from davy.pipeline.supply_chain.tools.scanner import ProcessScanner
from davy.workflows.images import attest, scan
from davy.workflows.story.task import Task

AT = datetime(2026, 5, 1, 12, tzinfo=UTC)
REF_NAME = "org.opencontainers.image.ref.name"
IMAGE = Image(name="registry.test/shop/app", digest="sha256:" + "ab" * 32)
GRYPE = {
    "matches": [
        {
            "vulnerability": {"id": "CVE-2026-1", "severity": "Critical", "fix": {"versions": ["2"], "state": "fixed"}},
            "artifact": {"name": "openssl", "version": "1"},
        }
    ]
}


def task(folder: Path, images: Sequence[Mapping[str, object]] = ({"name": IMAGE.name},), **build: Any) -> Task:
    (folder / "davy.yaml").write_text(json.dumps({"service": "app", "images": list(images), "build": build}))
    return Task(
        config=file.delivery(folder / "davy.yaml", {}),
        folder=folder,
        out=folder / "davy-out",
        clock=SimulatedClock(),
        release="app-1",
        runner="ann@laptop",
    )


def played(story: Generator[Event, None, Any]) -> list[Event]:
    return list(story)


def heard(story: Generator[Event, None, Any], seen: list[Event]) -> None:
    """What came before an error counts, too."""
    for event in story:
        seen.append(event)  # noqa: PERF402


def lines(events: list[Event]) -> str:
    return "\n".join(event.line for event in events if isinstance(event, LogLine))


# ---- the gate --------------------------------------------------------------------------------------------------------


def test_without_a_scan_configured_nothing_is_asked(tmp_path: Path) -> None:
    assert played(scan.scanned(task(tmp_path), [IMAGE])) == []


def test_a_scanner_is_given_the_image_by_digest_and_its_report_is_judged(tmp_path: Path) -> None:
    (tmp_path / "found.json").write_text(json.dumps(GRYPE))
    work = task(tmp_path, scan={"run": 'echo "scanning ${IMAGE}"; cp found.json "$REPORT"'})
    seen: list[Event] = []
    with pytest.raises(Rejected, match=r"app@sha256:abababa.*1 critical held against it"):
        heard(scan.scanned(work, [IMAGE]), seen)
    assert f"scanning {IMAGE.reference}" in lines(seen)
    assert "CVE-2026-1" in lines(seen)


def test_an_accepted_finding_passes_until_its_end_and_then_counts_again(tmp_path: Path) -> None:
    (tmp_path / "app.json").write_text(json.dumps(GRYPE))
    entry = "- {id: CVE-2026-1, reason: not reached, owner: team-shop, expires: %s}\n"
    work = task(tmp_path, scan={"reports": ["{image}.json"], "ignore": "accepted.yaml"})
    (tmp_path / "accepted.yaml").write_text(entry % "2026-01-05")
    assert "1 accepted" in lines(played(scan.scanned(work, [IMAGE])))
    (tmp_path / "accepted.yaml").write_text(entry % "2026-01-04")
    seen: list[Event] = []
    with pytest.raises(Rejected):
        heard(scan.scanned(work, [IMAGE]), seen)
    assert [event.what for event in seen if isinstance(event, Warned)] == [
        "the acceptance of CVE-2026-1 ended on 2026-01-04, it counts again; team-shop owns it: not reached"
    ]


@pytest.mark.parametrize(
    ("run", "error", "says"),
    [
        ("exit 3", Rejected, "ended with 3 and left no report"),
        ("true", Rejected, "ended with 0 and left no report"),
        ("no-such-scanner --json", Missing, "found no such command"),
        ("echo '{' > \"$REPORT\"", Rejected, "is no JSON"),
        ('echo \'{"matches": []}\' > "$REPORT"; exit 1', Rejected, "ended with 1, though"),
        ("sleep 60", Unreachable, "stopped after 1s"),
    ],
)
def test_a_scanner_that_fails_is_never_a_pass(run: str, error: type[Exception], says: str, tmp_path: Path) -> None:
    with pytest.raises(error, match=says):
        played(scan.scanned(task(tmp_path, scan={"run": run, "timeout": "1s"}), [IMAGE]))


def test_who_stops_davy_stops_the_scanner(tmp_path: Path) -> None:
    said, stop = list[str](), list[int]()
    scanner = ProcessScanner(os.environ, interrupted=lambda: bool(stop))
    order = ScanOrder(image=IMAGE, run="echo began; sleep 600", report=tmp_path / "r.json", limit=timedelta(minutes=9))
    with pytest.raises(KeyboardInterrupt):
        scanner.scan(order, lambda line: (said.append(line), stop.append(1))[0])
    assert said == ["began"]


def test_a_report_of_an_earlier_run_is_not_taken_for_this_one(tmp_path: Path) -> None:
    work = task(tmp_path, scan={"run": 'echo \'{"matches": []}\' > "$REPORT"'})
    played(scan.scanned(work, [IMAGE]))
    with pytest.raises(Rejected, match="left no report"):
        played(scan.scanned(task(tmp_path, scan={"run": "exit 0"}), [IMAGE]))


def test_a_report_that_is_not_there_is_never_a_pass(tmp_path: Path) -> None:
    with pytest.raises(Rejected, match="nothing says that app@"):
        played(scan.scanned(task(tmp_path, scan={"reports": ["{image}.sarif"]}), [IMAGE]))


def test_what_a_scanner_prints_commands_no_ci(tmp_path: Path) -> None:
    work = task(tmp_path, scan={"run": "echo '::add-mask::x'; echo '{\"matches\": []}' > \"$REPORT\""})
    assert "::add-mask" not in lines(played(scan.scanned(work, [IMAGE]))).replace("\\::", "")


def test_a_broken_list_of_accepted_findings_is_unusable_before_anything_is_scanned(tmp_path: Path) -> None:
    (tmp_path / "accepted.yaml").write_text("- CVE-1\n")
    with pytest.raises(Unusable):
        played(scan.scanned(task(tmp_path, scan={"run": "touch ran", "ignore": "accepted.yaml"}), [IMAGE]))
    assert not (tmp_path / "ran").exists()


# ---- the verdicts ----------------------------------------------------------------------------------------------------


def suites(*results: Result) -> Iterator[Event]:
    for number, result in enumerate(results):
        yield SuiteFinished(at=AT, suite=f"s{number}", result=result, took=timedelta(seconds=1))


def story(events: Iterator[Event], end: str) -> Generator[Event, None, str]:
    yield from events
    return end


@contextmanager
def pushed(folder: Path) -> Iterator[tuple[Image, RegistryImages]]:
    with RealRegistry(folder / "registry") as real:
        registry = Registry(credentials(folder / "docker"))
        store = RegistryImages(credentials(folder / "docker"))
        yield Pusher(registry).image(f"{real.host}/shop/app", "one"), store
        registry.close()
        store.close()


def ended(told: Generator[Event, None, str], seen: list[Event]) -> str:
    while True:
        try:
            seen.append(next(told))
        except StopIteration as end:
            return str(end.value)


@pytest.mark.lab("docker")
def test_what_tests_and_canary_said_is_attached_to_the_digest(tmp_path: Path) -> None:
    with pushed(tmp_path) as (image, store):
        work, seen = task(tmp_path), list[Event]()
        assert ended(attest.tests(work, [image], story(suites(Result.PASSED), "end")), seen) == "end"
        finished = CanaryFinished(at=AT, ending=Ending.ROLLED_BACK, sentence="worse", weights=(5.0,))
        assert ended(attest.canary(work, [image], story(iter([finished]), "back")), seen) == "back"
        claims = {one.claim.value: one for one in map(evidence.said, store.attached(image))}
        assert (claims["tests"].result, claims["tests"].by) == ("PASSED", "ann@laptop")
        assert (claims["canary"].result, claims["canary"].about) == ("rolled_back", image.digest)
        assert not any(isinstance(event, Warned) for event in seen)


@pytest.mark.lab("docker")
def test_a_builder_that_makes_no_provenance_has_it_made_once(tmp_path: Path) -> None:
    with pushed(tmp_path) as (image, store):
        work = task(tmp_path, provenance="max")
        revision = Revision(sha="c" * 40, committed_at=AT)
        for _ in range(2):
            played(attest.made(work, revision, [image]))
        (found,) = map(evidence.said, store.attached(image))
        assert (found.claim.value, found.about) == ("provenance", image.digest)


@pytest.mark.lab("docker")
@pytest.mark.parametrize(
    ("name", "matrix", "annotations", "args"),
    [
        ("app-{OS}", {"OS": ["linux", "app"]}, {}, {"V": "0", "OS": "app"}),
        ("app", {"OS": ["a", "b-a"]}, {REF_NAME: "c0ffee123456-dirty-b-a"}, {"V": "0", "OS": "b-a"}),
    ],
)
def test_provenance_of_a_cell_of_a_matrix_names_its_dockerfile_and_its_arguments(
    name: str, matrix: Mapping[str, list[str]], annotations: Mapping[str, str], args: Mapping[str, str], tmp_path: Path
) -> None:
    with RealRegistry(tmp_path / "registry") as real:
        registry, store = Registry(credentials(tmp_path / "docker")), RegistryImages(credentials(tmp_path / "docker"))
        image = Pusher(registry).image(f"{real.host}/shop/{name.format(**args)}", "one", annotations=annotations)
        said = {"name": f"{real.host}/shop/{name}", "context": "web", "args": {"V": "0"}, "matrix": matrix}
        played(attest.made(task(tmp_path, [said], provenance="max"), Revision(sha="c" * 40, committed_at=AT), [image]))
        (statement,) = [json.loads(one.body) for one in store.attached(image)]
        made = statement["predicate"]["buildDefinition"]["externalParameters"]
        assert (made["dockerfile"], made["args"]) == ("web/Dockerfile", args)
        registry.close()
        store.close()


@pytest.mark.lab("docker")
def test_an_sbom_inside_the_index_is_no_provenance(tmp_path: Path) -> None:
    with pushed(tmp_path) as (image, store):
        index = Pusher(Registry(credentials(tmp_path / "docker"))).index(image.name)
        played(attest.made(task(tmp_path, provenance="max"), Revision(sha="c" * 40, committed_at=AT), [index]))
        assert [evidence.said(one).claim for one in store.attached(index)] == [evidence.Claim.PROVENANCE]


def test_a_registry_that_does_not_take_it_is_a_warning_and_the_story_ends_as_it_would(tmp_path: Path) -> None:
    seen: list[Event] = []
    nowhere = Image(name="127.0.0.1:1/shop/app", digest=IMAGE.digest)
    quick = task(tmp_path)
    assert ended(attest.tests(quick, [nowhere], story(suites(Result.FAILED), "e2e failed")), seen) == "e2e failed"
    (warned,) = [event.what for event in seen if isinstance(event, Warned)]
    assert "was not attached to app@sha256:" in warned


def test_nothing_is_attached_where_it_is_not_wanted_and_where_nothing_was_tested(tmp_path: Path) -> None:
    for work, events in ((task(tmp_path, evidence=False), suites(Result.PASSED)), (task(tmp_path), suites())):
        seen: list[Event] = []
        ended(attest.tests(work, [Image(name="127.0.0.1:1/a", digest=IMAGE.digest)], story(events, "")), seen)
        assert all(isinstance(event, SuiteFinished) for event in seen)

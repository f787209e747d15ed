"""`davy image …` as the installed command, against real registries of our own."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from contracts.registries import Pusher, RealRegistry, credentials
from davy.pipeline.core.artifacts import Image
from davy.pipeline.core.endings import Ending
from davy.pipeline.core.events import CanaryFinished, Result, SuiteFinished
from davy.pipeline.registry.distribution.manifests import Registry
from davy.pipeline.registry.distribution.store import RegistryImages
from davy.pipeline.registry.ports import Attachment
from davy.pipeline.supply_chain import attestations
from davy.pipeline.supply_chain.attestations import Occasion

pytestmark = pytest.mark.slow

Davy = Callable[..., subprocess.CompletedProcess[str]]
AT = datetime(2026, 5, 1, 12, tzinfo=UTC)
NAMED = "registry.test/shop/app:one"


@dataclass
class Shelf:
    host: str
    image: Image
    index: Image
    store: RegistryImages

    def tested(self, image: Image, result: Result, minutes: int = 0) -> None:
        at = AT + timedelta(minutes=minutes)
        suite = SuiteFinished(at=at, suite="unit", result=result, took=timedelta(seconds=1))
        occasion = Occasion(release="app-1", service="app", runner="https://ci.test/1", at=at)
        self.store.attach(image, attestations.tested(image, [suite], occasion))

    def judged(self, image: Image, ending: Ending) -> None:
        occasion = Occasion(release="app-1", service="app", runner="ann@laptop", at=AT)
        end = CanaryFinished(at=AT, ending=ending, sentence="said")
        self.store.attach(image, attestations.judged(image, end, None, occasion))


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    with RealRegistry(tmp_path / "registry") as real:
        logins = credentials(tmp_path / "docker")
        registry, store = Registry(logins), RegistryImages(logins)
        pusher = Pusher(registry)
        image, index = pusher.image(f"{real.host}/shop/app", "one"), pusher.index(f"{real.host}/shop/app", "both")
        yield Shelf(real.host, image, index, store)
        registry.close()
        store.close()


def test_an_image_is_shown_with_what_is_in_it_and_beside_it(davy: Davy, shelf: Shelf) -> None:
    shelf.tested(shelf.index, Result.PASSED)
    said = json.loads(davy("image", "show", f"{shelf.index.name}:both", "-o", "json").stdout)
    assert (said["davy_image"], said["digest"]) == (1, shelf.index.digest)
    assert said["platforms"] == ["linux/amd64", "linux/arm64"]
    assert said["attested_inside"] == ["https://spdx.dev/Document"]
    (found,) = said["attached"]
    assert (found["claim"], found["result"], found["by"]) == ("tests", "PASSED", "https://ci.test/1")
    text = davy("image", "show", shelf.index.reference).stdout
    assert text.startswith(shelf.index.reference)
    assert "signed     no" in text
    assert "platform   linux/amd64\n" in davy("image", "show", shelf.image.reference).stdout


def test_promotion_is_a_tag_on_the_very_digest(davy: Davy, shelf: Shelf) -> None:
    run = davy("image", "promote", f"{shelf.image.name}:one", "--to", "prod", "--to", "1.2.3", "-o", "json")
    assert json.loads(run.stdout)["image"] == shelf.image.reference
    assert {shelf.store.digest(shelf.image.name, tag) for tag in ("prod", "1.2.3")} == {shelf.image.digest}


def test_promotion_is_refused_without_the_evidence_and_with_evidence_that_says_no(davy: Davy, shelf: Shelf) -> None:
    words = ("image", "promote", shelf.image.reference, "--to", "prod", "--require", "tests,canary")
    run = davy(*words)
    assert run.returncode == 3
    assert "nothing of tests" in run.stderr
    assert "nothing of canary" in run.stderr
    shelf.tested(shelf.image, Result.PASSED)
    shelf.judged(shelf.image, Ending.ROLLED_BACK)
    run = davy(*words)
    assert run.returncode == 3
    assert "canary of 2026-05-01T12:00:00Z is rolled_back" in run.stderr
    assert shelf.store.digest(shelf.image.name, "prod") is None


def test_promotion_goes_through_with_the_evidence_and_the_newest_word_counts(davy: Davy, shelf: Shelf) -> None:
    words = ("image", "promote", shelf.image.reference, "--to", "prod", "--require", "tests")
    shelf.tested(shelf.image, Result.FAILED)
    assert davy(*words).returncode == 3
    shelf.tested(shelf.image, Result.PASSED, minutes=5)
    assert davy(*words).returncode == 0
    assert shelf.store.digest(shelf.image.name, "prod") == shelf.image.digest


def test_evidence_of_another_image_does_not_promote_this_one(davy: Davy, shelf: Shelf) -> None:
    occasion = Occasion(release="app-1", service="app", runner="x", at=AT)
    suite = SuiteFinished(at=AT, suite="unit", result=Result.PASSED, took=timedelta(seconds=1))
    shelf.store.attach(shelf.image, attestations.tested(shelf.index, [suite], occasion))
    assert davy("image", "promote", shelf.image.reference, "--to", "prod", "--require", "tests").returncode == 3


def test_the_sbom_inside_an_index_counts(davy: Davy, shelf: Shelf) -> None:
    assert davy("image", "promote", shelf.index.reference, "--to", "prod", "--require", "sbom").returncode == 0
    assert davy("image", "promote", shelf.image.reference, "--to", "prod", "--require", "sbom").returncode == 3


def test_a_dry_run_writes_nothing(davy: Davy, shelf: Shelf, tmp_path: Path) -> None:
    (tmp_path / "sbom.json").write_text('{"spdxVersion": "SPDX-2.3"}')
    copied = f"{shelf.host}/prod/app"
    for words in (
        ("promote", shelf.image.reference, "--to", "prod"),
        ("copy", shelf.image.reference, copied, "--to", "x"),
        ("attach", shelf.image.reference, "sbom.json", "--kind", "spdx"),
        ("sign", shelf.image.reference),
    ):
        run = davy("image", *words, "--dry-run")
        assert (run.returncode, run.stdout) == (0, "")
        assert "would" in run.stderr
    assert shelf.store.digest(shelf.image.name, "prod") is None
    assert shelf.store.digest(copied, shelf.image.digest) is None
    assert shelf.store.attached(shelf.image) == ()


def test_a_copy_takes_the_evidence_along(davy: Davy, shelf: Shelf) -> None:
    shelf.tested(shelf.index, Result.PASSED)
    name = f"{shelf.host}/prod/app"
    assert (
        davy("image", "copy", shelf.index.reference, name, "--to", "9").stdout.strip() == f"{name}@{shelf.index.digest}"
    )
    assert shelf.store.digest(name, "9") == shelf.index.digest
    assert davy("image", "promote", f"{name}:9", "--to", "prod", "--require", "tests").returncode == 0


def test_a_file_is_attached_once_and_by_its_short_kind(davy: Davy, shelf: Shelf, tmp_path: Path) -> None:
    (tmp_path / "sbom.json").write_text('{"spdxVersion": "SPDX-2.3"}')
    for _ in range(2):
        assert davy("image", "attach", shelf.image.reference, "sbom.json", "--kind", "spdx").returncode == 0
    (found,) = shelf.store.attached(shelf.image)
    assert (found.kind, json.loads(found.body)) == ("application/spdx+json", {"spdxVersion": "SPDX-2.3"})


@pytest.mark.parametrize(
    ("kind", "body", "says"),
    [
        ("spdx", "{}", "neither the `spdxVersion`"),
        ("cyclonedx", '{"spdxVersion": "SPDX-2.3"}', 'does not say `"bomFormat": "CycloneDX"`'),
        ("sarif", '{"matches": []}', 'does not say `"version": "2.1.0"`'),
        ("application/sarif+json", "<html>", "is no JSON"),
    ],
)
def test_a_file_that_is_no_such_document_is_not_attached(
    kind: str, body: str, says: str, davy: Davy, tmp_path: Path
) -> None:
    (tmp_path / "file.json").write_text(body)
    run = davy("image", "attach", NAMED, "file.json", "--kind", kind)
    assert run.returncode == 2
    assert says in run.stderr


def sarif(tool: str, *severities: str) -> str:
    results = [
        {"ruleId": f"CVE-2026-{number}", "properties": {"security-severity": severity}}
        for number, severity in enumerate(severities, 1)
    ]
    return json.dumps({"version": "2.1.0", "runs": [{"tool": {"driver": {"name": tool}}, "results": results}]})


def test_promotion_holds_the_newest_scan_of_each_scanner_against_the_policy(
    davy: Davy, shelf: Shelf, tmp_path: Path
) -> None:
    words = ("image", "promote", shelf.image.reference, "--to", "prod", "--require", "scan")
    minutes = iter(range(9))

    def attach(text: str) -> None:
        (tmp_path / "scan.sarif").write_text(text)
        at = AT.timestamp() + 60 * next(minutes)
        os.utime(tmp_path / "scan.sarif", (at, at))
        run = davy("image", "attach", shelf.image.reference, "scan.sarif", "--kind", "sarif")
        assert run.returncode == 0, run.stderr

    assert "nothing of scan is attached" in davy(*words).stderr
    attach(sarif("grype", "9.8", "5.0"))
    attach(sarif("trivy"))
    run = davy(*words)
    assert run.returncode == 3
    assert "the scan that is attached refuses it: 1 critical held against it, of 2 findings" in run.stderr
    assert "critical  CVE-2026-1" in run.stderr
    assert shelf.store.digest(shelf.image.name, "prod") is None

    entry = "- {id: CVE-2026-1, reason: r, owner: o, expires: 2999-01-01}\n"
    (tmp_path / "accepted.yaml").write_text(entry)
    (tmp_path / "davy.yaml").write_text(
        json.dumps({"service": "app", "images": [{"name": shelf.image.name}], "build": {"scan": {
            "reports": ["x"], "severity": "medium", "ignore": "accepted.yaml"}}})
    )  # fmt: skip
    run = davy(*words)
    assert run.returncode == 3
    assert "1 medium held against it, of 2 findings; 1 accepted" in run.stderr

    attach(sarif("grype", "9.8", "3.0"))
    assert davy(*words).returncode == 0
    assert shelf.store.digest(shelf.image.name, "prod") == shelf.image.digest


def test_a_scan_that_says_it_failed_promotes_nothing(davy: Davy, shelf: Shelf) -> None:
    failed = {"tool": {"driver": {"name": "t"}}, "invocations": [{"executionSuccessful": False}]}
    body = json.dumps({"version": "2.1.0", "runs": [failed]}).encode()
    shelf.store.attach(shelf.image, Attachment(kind="application/sarif+json", body=body))
    run = davy("image", "promote", shelf.image.reference, "--to", "prod", "--require", "scan")
    assert run.returncode == 3
    assert "says itself that the scan failed" in run.stderr


TRIVY = {
    "SchemaVersion": 2,
    "ArtifactName": "app",
    "Results": [{"Target": "app", "Vulnerabilities": [
        {"VulnerabilityID": "CVE-2026-1", "PkgName": "tar", "InstalledVersion": "1", "Severity": "HIGH"}]}],
}  # fmt: skip


def test_a_scan_says_what_is_held_against_the_image_and_ends_with_3(davy: Davy, tmp_path: Path) -> None:
    (tmp_path / "trivy.json").write_text(json.dumps(TRIVY))
    run = davy("image", "scan", NAMED, "--report", "trivy.json")
    assert run.returncode == 3
    assert "high      CVE-2026-1  tar" in run.stdout
    assert davy("image", "scan", NAMED, "--report", "trivy.json", "--fixable-only").returncode == 0
    said = json.loads(davy("image", "scan", NAMED, "--report", "trivy.json", "-o", "json").stdout)
    assert (said["davy_scan"], said["passed"], said["held"][0]["fixed_in"]) == (1, False, "")


def test_a_scan_accepts_what_the_list_accepts(davy: Davy, tmp_path: Path) -> None:
    (tmp_path / "trivy.json").write_text(json.dumps(TRIVY))
    (tmp_path / "accepted.yaml").write_text("- {id: CVE-2026-1, reason: r, owner: o, expires: 2999-01-01}\n")
    words = ("image", "scan", NAMED, "--report", "trivy.json", "--ignore", "accepted.yaml")
    assert davy(*words).returncode == 0
    (tmp_path / "accepted.yaml").write_text("- {id: CVE-2026-1, expires: 2999-01-01}\n")
    run = davy(*words)
    assert run.returncode == 2
    assert "accepted.yaml:1:" in run.stderr


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("show", "a b"), 2, "names no image"),
        (("show", "127.0.0.1:1/shop/app"), 6, "did not answer"),
        (("promote", NAMED, "--to", "no tag"), 2, "is no tag"),
        (("promote", NAMED, "--to", "x", "--require", "luck"), 2, "none of tests"),
        (("copy", NAMED, "r.test/app:tag"), 2, "is no image's name"),
        (("attach", NAMED, "missing.json", "--kind", "spdx"), 2, "cannot be read"),
        (("scan", NAMED, "--report", "missing.json"), 2, "cannot be read"),
        (("show", NAMED, "-f", "missing.yaml"), 2, "is not there"),
    ],
)
def test_what_cannot_be_used_is_said_with_its_code(words: tuple[str, ...], code: int, says: str, davy: Davy) -> None:
    run = davy("image", *words)
    assert run.returncode == code
    assert says in run.stderr
    assert "Traceback" not in run.stderr


def test_without_cosign_signing_says_what_to_install(davy: Davy, shelf: Shelf, tmp_path: Path) -> None:
    run = davy("image", "verify", shelf.image.reference, "--public-key", "k.pub", env={"PATH": str(tmp_path)})
    assert run.returncode == 2
    assert "Install cosign" in run.stderr

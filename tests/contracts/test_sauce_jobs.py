"""The suites of a `.sauce/config.yml`, played against a Sauce Labs of our own."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from clouds.sauce_double import KEY, USER, Double, sauce_double
from davy.pipeline.core.errors import Forbidden, Unusable
from davy.pipeline.suites.clouds import session_tags
from davy.pipeline.suites.clouds.saucelabs import cells, config_file
from davy.pipeline.suites.clouds.session_tags import Owner
from davy.pipeline.suites.clouds.terms import Terms
from davy.pipeline.suites.clouds.vendors import Addresses, Cloud, Vendor
from davy.pipeline.suites.ports import SuiteOrder, SuiteRun
from davy.pipeline.suites.runners.cloud import CloudPlace
from davy.pipeline.suites.runners.process import ProcessSuites
from davy.pipeline.suites.runners.saucelabs import project
from davy.pipeline.suites.runners.webdriver.api import CloudApi
from davy.pipeline.suites.runners.webdriver.runner import account_of

PLAYWRIGHT = """\
apiVersion: v1alpha
kind: playwright
playwright: {version: 1.50.0}
rootDir: project
suites: [{name: shop, shard: concurrency, testMatch: ["spec"], params: {browserName: chromium}, %s}]
artifacts: {download: {when: fail, match: ["*.mp4"]}}
"""
ESPRESSO = """\
apiVersion: v1alpha
kind: espresso
espresso: {app: shop.apk, testApp: test.apk}
suites: [{name: shop, devices: [{name: Pixel}]}]
"""
JUNIT = b"<testsuite name='e2e'><testcase classname='shop' name='pays' time='2'/></testsuite>"


@pytest.fixture
def double() -> Iterator[Double]:
    with sauce_double() as running:
        running.files["junit.xml"] = JUNIT
        yield running


def place_of(double: Double, folder: Path, **more: Any) -> CloudPlace:
    at = Addresses(hub=f"{double.url}/wd/hub", api=double.url, pages="https://app.saucelabs.com")
    cloud = Cloud(vendor=Vendor.SAUCE, at=at, region="us-west-1", user=USER, key=KEY)
    terms = Terms(service="checkout", release="checkout-1", real=bool(more.pop("real", False)))
    account = account_of(CloudApi(cloud, pause=lambda _: time.sleep(0.005)), terms, folder / "state", "here")
    account = replace(account, poll=0.01)
    return CloudPlace(account=account, folder=folder, command=lambda: ProcessSuites({}), **more)


def order_of(folder: Path, text: str, **more: Any) -> SuiteOrder:
    root = folder / "project"
    (root / "node_modules" / "left-pad").mkdir(parents=True, exist_ok=True)
    (root / "node_modules" / "left-pad" / "index.js").write_text("pad")
    (root / "a.spec.ts").write_text("test a")
    (root / "secret.env").write_text("TOKEN=1")
    (root / ".sauceignore").write_text("*.env\n")
    parsed = config_file.read(text, "config.yml", {})
    (cell, *_) = cells.cells(parsed, project.files(root))
    said = {"name": "sauce", "image": None, "run": "", "folder": folder, "out": folder / "out", **more}
    said.setdefault("timeout", timedelta(seconds=60))
    return SuiteOrder(**said, settings=cell.settings, items=cell.files or ())


def played(double: Double, folder: Path, text: str = PLAYWRIGHT % "env: {}", **more: Any) -> SuiteRun:
    lines: list[str] = []
    run = place_of(double, folder).runner().run(order_of(folder, text, **more), lines.append)
    assert KEY not in "\n".join(lines) + run.log.read_text()
    return run


def names(content: bytes) -> list[str]:
    return zipfile.ZipFile(io.BytesIO(content)).namelist()


PASSES: Mapping[str, object] = {"status": "complete", "passed": True}
FAILS: Mapping[str, object] = {"status": "complete", "passed": False}


def test_a_project_is_uploaded_and_its_job_passes(double: Double, tmp_path: Path) -> None:
    double.outcomes["shop"] = [dict(PASSES)]
    run = played(double, tmp_path)
    assert (run.exit_code, run.fault, run.junit) == (0, False, JUNIT.decode())
    (job,) = double.jobs.values()
    assert run.link == f"https://app.saucelabs.com/tests/{job['id']}"
    assert [names(content) for content in double.uploads] == [
        [".sauceignore", "a.spec.ts"],
        ["node_modules/left-pad/index.js"],
        ["sauce-runner.json"],
    ]
    settings = json.loads(zipfile.ZipFile(io.BytesIO(double.uploads[2])).read("sauce-runner.json"))
    assert settings["suites"][0]["testMatch"] == ["a.spec.ts"]
    started = double.started[0]["alwaysMatch"]
    assert len(started["otherApps"]) == 2
    assert started["sauce:options"]["_batch"]["runnerVersion"] == "r-1"


def test_the_same_project_is_not_uploaded_again(double: Double, tmp_path: Path) -> None:
    for folder in (tmp_path / "one", tmp_path / "two"):
        double.outcomes["shop"] = [dict(PASSES)]
        assert played(double, folder).exit_code == 0
    assert len(double.uploads) == 3


def test_complete_is_not_passed(double: Double, tmp_path: Path) -> None:
    double.outcomes["shop"] = [{"status": "complete", "passed": None}]
    run = played(double, tmp_path)
    assert (run.exit_code, run.fault) == (1, False)


def test_of_a_failed_job_the_report_and_what_matches_is_fetched(double: Double, tmp_path: Path) -> None:
    double.outcomes["shop"] = [dict(FAILS)]
    run = played(double, tmp_path)
    assert (run.exit_code, run.fault) == (1, False)
    assert sorted(path.name for path in run.files) == ["junit.xml", "video.mp4"]


def test_a_job_that_the_cloud_could_not_run_is_its_fault(double: Double, tmp_path: Path) -> None:
    double.outcomes["shop"] = [{"status": "error", "error": "Infrastructure error: the machine did not boot"}]
    run = played(double, tmp_path)
    assert run.fault
    assert "did not boot" in run.because


def test_jobs_that_are_not_there_yet_and_bursts_of_errors_are_waited_out(double: Double, tmp_path: Path) -> None:
    double.outcomes["shop"] = [dict(PASSES)]
    double.faults.hidden = 3
    double.faults.broken = 2
    assert played(double, tmp_path).exit_code == 0


def test_a_job_that_takes_too_long_is_stopped(double: Double, tmp_path: Path) -> None:
    run = played(double, tmp_path, timeout=timedelta(milliseconds=200))
    assert (run.exit_code, run.because) == (None, "timed out after 200ms")
    assert [job["stopped"] for job in double.jobs.values()] == [True]


def test_a_job_that_finds_no_room_in_its_time_is_the_clouds_fault(double: Double, tmp_path: Path) -> None:
    double.jobs["theirs"] = {"id": "theirs", "status": "in progress", "hidden": 0, "tags": []}
    place = place_of(double, tmp_path)
    place.slots(1)
    double.allowed = 1
    run = place.runner().run(order_of(tmp_path, PLAYWRIGHT % "env: {}", timeout=timedelta(milliseconds=200)), print)
    assert run.fault
    assert "concurrency limit" in run.because


def test_an_interrupted_job_is_stopped(double: Double, tmp_path: Path) -> None:
    place = place_of(double, tmp_path, interrupted=lambda: bool(double.jobs))
    run = place.runner().run(order_of(tmp_path, PLAYWRIGHT % "env: {}"), print)
    assert (run.exit_code, run.because) == (None, "stopped")
    assert [job["stopped"] for job in double.jobs.values()] == [True]


def test_a_version_that_the_cloud_has_not_is_said_with_those_it_has(double: Double, tmp_path: Path) -> None:
    with pytest.raises(Unusable, match=r"no version 1\.2\.3 of it; it has 1\.49\.9, 1\.50\.0, 2\.0\.0"):
        played(double, tmp_path, (PLAYWRIGHT % "env: {}").replace("1.50.0", "1.2.3"))


def test_no_minutes_left_is_said(double: Double, tmp_path: Path) -> None:
    double.faults.no_minutes = True
    with pytest.raises(Forbidden, match="no minutes left"):
        played(double, tmp_path)


def test_native_tests_run_on_a_real_device(double: Double, tmp_path: Path) -> None:
    (tmp_path / "shop.apk").write_bytes(b"app")
    (tmp_path / "test.apk").write_bytes(b"tests")
    double.outcomes["shop"] = [{"status": "passed"}]
    run = played(double, tmp_path, ESPRESSO)
    assert (run.exit_code, run.junit) == (0, JUNIT.decode())
    assert double.uploads == [b"app", b"tests"]
    assert double.started[0]["device_query"]["device_name"] == "Pixel"


NOW = datetime(2026, 5, 1, tzinfo=UTC)


def job(double: Double, name: str, owner: Owner, *, timeout: timedelta = timedelta(hours=1), **more: Any) -> None:
    tags = list(session_tags.tags(owner, NOW, timeout))
    double.jobs[name] = {"id": name, "status": "in progress", "hidden": 0, "tags": tags, **more}


def test_only_what_nobody_will_end_is_swept(double: Double, tmp_path: Path) -> None:
    gone = 2**22 + 1  # above the largest process id of Linux
    job(double, "orphan", Owner(service="checkout", host="here", process=gone))
    job(double, "of-a-device", Owner(service="checkout", host="here", process=gone), real=True)
    job(double, "of-a-living-davy", Owner(service="checkout", host="here", process=1))
    job(double, "of-another-service", Owner(service="basket", host="here", process=gone))
    job(double, "of-another-machine", Owner(service="checkout", host="there", process=gone))
    job(double, "late", Owner(service="checkout", host="there", process=1), timeout=timedelta(hours=-1))
    double.jobs["somebody's"] = {"id": "somebody's", "status": "in progress", "hidden": 0, "tags": ["e2e"]}
    place = place_of(double, tmp_path)
    place.account = replace(place.account, now=lambda: NOW)
    said = [line for line in place.swept() if "Sauce Labs" in line]
    assert {name for name, one in double.jobs.items() if one.get("stopped")} == {"orphan", "of-a-device", "late"}
    assert len(said) == 3
    assert not [line for line in place.swept() if "Sauce Labs" in line]

"""Suites on a cloud: through davy's own door to a Sauce Labs of our own, with every fault it is known for."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from clouds.browsers import OPENS, SUITE, chromedriver, has_chromedriver, page
from clouds.sauce_double import HEADLESS, KEY, USER, Double, sauce_double
from davy.pipeline.core.errors import Forbidden, Missing, Unusable
from davy.pipeline.suites.clouds.session_tags import Owner
from davy.pipeline.suites.clouds.terms import Terms
from davy.pipeline.suites.clouds.vendors import Addresses, Call, Cloud, Vendor, addresses
from davy.pipeline.suites.ports import SuiteOrder, SuiteRun
from davy.pipeline.suites.runners.cloud import CloudPlace
from davy.pipeline.suites.runners.process import ProcessSuites
from davy.pipeline.suites.runners.webdriver.api import CloudApi
from davy.pipeline.suites.runners.webdriver.runner import account_of
from davy.pipeline.suites.runners.webdriver.session_file import SessionLedger


@pytest.fixture
def double() -> Iterator[Double]:
    with sauce_double() as running:
        yield running


def cloud_of(double: Double, *, region: str = "us-west-1", key: str = KEY) -> Cloud:
    at = Addresses(hub=f"{double.url}/wd/hub", api=double.url, pages="https://app.saucelabs.com")
    return Cloud(vendor=Vendor.SAUCE, at=at, region=region, user=USER, key=key)


def place_of(cloud: Cloud, folder: Path, **terms: Any) -> CloudPlace:
    said = Terms(service="checkout", release="checkout-20260501-120000", **terms)
    account = account_of(CloudApi(cloud, pause=lambda _: time.sleep(0.01)), said, folder / "state", "here")
    return CloudPlace(account=account, folder=folder, command=lambda: ProcessSuites({"PATH": "/usr/bin:/bin"}))


def order_of(folder: Path, script: str, env: Mapping[str, str] | None = None, **more: Any) -> SuiteOrder:
    (folder / "suite.py").write_text(script)
    said = {"DAVY_URL": "http://127.0.0.1:9/", "WANTED": "a title", **(env or {})}
    return SuiteOrder(
        name="e2e",
        image=None,
        run=f"{sys.executable} suite.py",
        env=said,
        folder=folder,
        out=folder / "out",
        timeout=timedelta(seconds=60),
        **more,
    )


Play = Callable[..., SuiteRun]


@pytest.fixture
def played(double: Double, tmp_path: Path) -> Iterator[Play]:
    lines: list[str] = []

    def play(script: str = OPENS, env: Mapping[str, str] | None = None, **more: Any) -> SuiteRun:
        terms = {key: more.pop(key) for key in list(more) if key in Terms.__slots__}
        place = place_of(cloud_of(double), tmp_path, **terms)
        return place.runner().run(order_of(tmp_path, script, env, **more), lines.append)

    yield play
    written = "".join(path.read_text(errors="replace") for path in tmp_path.rglob("*") if path.is_file())
    assert KEY not in written + "\n".join(lines)


def test_a_suite_needs_no_account_and_its_job_is_named_marked_and_told_its_result(double: Double, played: Play) -> None:
    run = played(
        cell={"browser": "chrome", "platform": "Windows 11", "version": "latest"}, part="chrome", assets="always"
    )
    assert (run.exit_code, run.fault, run.junit and "shop" in run.junit) == (0, False, True)
    (job,) = double.jobs.values()
    assert (job["status"], job["passed"], job["name"]) == ("complete", True, "e2e chrome")
    assert job["build"] == "checkout-20260501-120000"
    assert job["custom-data"]["release"] == "checkout-20260501-120000"
    assert job["maxDuration"] == 60
    (started,) = double.started
    assert started["alwaysMatch"]["platformName"] == "Windows 11"
    assert run.link == f"https://app.saucelabs.com/tests/{job['id']}"
    assert {path.name for path in run.files} == {"video.mp4", "log.json"}
    assert job["id"] in run.log.read_text()


def test_a_failing_test_is_no_fault_of_the_cloud(double: Double, played: Play) -> None:
    run = played(env={"WANTED": "something else"})
    assert (run.exit_code, run.fault) == (1, False)
    assert [job["passed"] for job in double.jobs.values()] == [False]


@pytest.mark.parametrize("fault", ["broken", "throttled", "redirects"])
def test_what_passes_by_itself_does_not_fail_a_suite(double: Double, played: Play, fault: str) -> None:
    place_ready = 3 if fault != "redirects" else 14
    setattr(double.faults, fault, place_ready)
    run = played()
    assert (run.exit_code, run.fault) == (0, False)


def test_a_job_that_is_not_there_yet_is_told_its_result_a_moment_later(double: Double, played: Play) -> None:
    double.faults.hidden = 3
    run = played()
    assert run.exit_code == 0
    assert [job["passed"] for job in double.jobs.values()] == [True]


def test_a_session_that_the_cloud_does_not_start_is_its_fault(double: Double, played: Play) -> None:
    double.faults.refused = 1
    run = played()
    assert run.fault
    assert "The browser did not start in time" in run.because


def test_a_cloud_that_fails_within_a_session_is_its_fault(double: Double, played: Play) -> None:
    double.faults.cut = 1
    run = played()
    assert run.fault
    assert "502" in run.because


MANY = (
    SUITE
    + """
import threading

def one():
    session = started()
    asked("GET", session + "/title")
    asked("DELETE", session)

threads = [threading.Thread(target=one) for _ in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
"""
)


def test_never_more_sessions_than_the_account_allows_and_none_fails_for_it(double: Double, played: Play) -> None:
    double.allowed = 2
    run = played(MANY)
    assert (run.exit_code, len(double.jobs), double.most) == (0, 8, 2)
    assert run.link == "https://app.saucelabs.com/builds/vdc/build-checkout-20260501-120000"


def test_never_more_sessions_than_the_configuration_asks_for(double: Double, played: Play) -> None:
    double.allowed = 8
    run = played(MANY, concurrency=2)
    assert (run.exit_code, len(double.jobs), double.most) == (0, 8, 2)


def test_sessions_of_others_are_waited_for(double: Double, tmp_path: Path) -> None:
    double.allowed = 1
    double.jobs["theirs"] = {"id": "theirs", "status": "in progress", "hidden": 0, "tags": []}
    place = place_of(cloud_of(double), tmp_path)
    runner = place.runner()

    def freed(line: str) -> None:
        if "no room" in line:
            double.jobs["theirs"]["status"] = "complete"

    run = runner.run(order_of(tmp_path, OPENS), freed)
    assert run.exit_code == 0


def test_no_minutes_left_is_said_and_not_tried_again(double: Double, played: Play) -> None:
    double.faults.no_minutes = True
    with pytest.raises(Forbidden, match="no minutes left"):
        played()


def test_wrong_credentials_are_said_before_anything_starts(double: Double, tmp_path: Path) -> None:
    place = place_of(cloud_of(double, key="wr0ng-key-entirely"), tmp_path)
    with pytest.raises(Forbidden, match="does not take the account shop-team") as caught:
        place.slots(4)
    assert "wr0ng" not in f"{caught.value} {caught.value.remedy}"
    assert "SAUCE_ACCESS_KEY" in caught.value.remedy


def test_slots_are_what_account_and_configuration_allow(double: Double, tmp_path: Path) -> None:
    double.allowed = 3
    assert place_of(cloud_of(double), tmp_path).slots(10) == 3
    assert place_of(cloud_of(double), tmp_path, concurrency=2).slots(10) == 2
    assert place_of(cloud_of(double), tmp_path).slots(1) == 1


def test_a_region_without_browsers_is_said_before_anything_starts(double: Double, tmp_path: Path) -> None:
    with pytest.raises(Unusable, match="only real devices in us-east-4"):
        place_of(cloud_of(double, region="us-east-4"), tmp_path).slots(1)
    assert place_of(cloud_of(double, region="us-east-4"), tmp_path, real=True).slots(1) == 1


def test_a_tunnel_that_is_not_running_is_said_and_one_that_begins_is_waited_for(double: Double, tmp_path: Path) -> None:
    row = {"id": "t1", "tunnel_identifier": "office", "owner": "it", "status": "booting"}
    place = place_of(cloud_of(double), tmp_path, tunnel="office", tunnel_owner="it")
    with pytest.raises(Missing, match="'office' of it is not running"):
        place.slots(1)
    double.tunnels = {"it": [row]}

    def dug(_: float) -> None:
        row["status"] = "running"

    place.account.api.pause = dug
    assert place.slots(1) == 1


def test_an_app_is_uploaded_once_however_often_it_is_tested(double: Double, played: Play, tmp_path: Path) -> None:
    (tmp_path / "shop.apk").write_bytes(b"an app\r\nin two lines")
    for _ in range(2):
        assert played(app="shop.apk").exit_code == 0
    assert double.uploads == [b"an app\r\nin two lines"]
    (stored,) = double.stored.values()
    assert [one["alwaysMatch"]["appium:app"] for one in double.started] == [f"storage:{stored}"] * 2


REAL = {"platform": "Android", "device": "Google Pixel 9", "platform_version": "16"}


def test_on_a_real_device_the_living_session_is_told_its_result(double: Double, played: Play) -> None:
    run = played(env={"DAVY_BROWSER": ""}, cell=REAL, real=True)
    assert run.exit_code == 0
    assert double.scripts == ["sauce:job-result=passed"]
    (job,) = double.jobs.values()
    assert (job["status"], job["passed"]) == ("complete", True)
    assert job["build"].endswith(", real devices")


def test_real_devices_do_not_wait_for_each_other_to_be_told_a_result(double: Double, played: Play) -> None:
    double.allowed = 1
    run = played(MANY.replace("chrome", ""), env={"DAVY_BROWSER": ""}, cell=REAL, real=True)
    assert (run.exit_code, double.most, len(double.jobs)) == (0, 1, 8)


LEAVES = SUITE + 'print("left", started(), flush=True)\n'


def test_a_session_that_a_test_forgot_is_ended(double: Double, played: Play) -> None:
    assert played(LEAVES).exit_code == 0
    (job,) = double.jobs.values()
    assert (job["status"], job["stopped"], job["passed"]) == ("complete", True, True)


def test_what_is_stopped_is_stopped_on_the_cloud(double: Double, tmp_path: Path) -> None:
    runner = place_of(cloud_of(double), tmp_path).runner()
    script = LEAVES + "import time\ntime.sleep(600)\n"

    def heard(line: str) -> None:
        if line.startswith("left"):
            runner.stop()

    run = runner.run(order_of(tmp_path, script), heard)
    assert run.exit_code is None
    assert [job.get("stopped") for job in double.jobs.values()] == [True]


def test_a_test_that_asks_for_another_browser_than_its_cell_is_told_so(double: Double, played: Play) -> None:
    run = played(env={"DAVY_BROWSER": "chrome"}, cell={"browser": "firefox"})
    assert (run.exit_code, run.fault, double.jobs) == (1, False, {})
    assert "read $DAVY_BROWSER" in run.log.read_text()


def test_only_webdriver_and_only_own_sessions_go_through_the_door(double: Double, played: Play) -> None:
    probe = (
        SUITE
        + """
import urllib.parse
base = HUB.rsplit("/", 2)[0]
for path in ("/session/theirs/title", "/../../rest/v1/x/jobs", "/se/grid"):
    try:
        urllib.request.urlopen(HUB + path)
        sys.exit("went through: " + path)
    except urllib.error.HTTPError as error:
        assert error.code == 404, error.code
parts = urllib.parse.urlsplit(HUB)
try:
    urllib.request.urlopen(f"{parts.scheme}://{parts.netloc}/wd/hub/status")
    sys.exit("went through without the secret")
except urllib.error.HTTPError as error:
    assert error.code == 404
"""
    )
    assert played(probe).exit_code == 0


def test_what_a_killed_davy_noted_on_this_machine_is_ended_without_any_mark(double: Double, tmp_path: Path) -> None:
    gone = Owner(service="checkout", host="here", process=2**22 + 1)  # above the largest process id of Linux
    cloud = cloud_of(double)
    ledger = SessionLedger(tmp_path / "state", gone)
    for name, hub in (("orphan", cloud.at.hub), ("elsewhere", "http://another/wd/hub")):
        double.jobs[name] = {"id": name, "status": "in progress", "hidden": 0, "tags": []}
        ledger.began(name, {"hub": hub, "user": USER, "real": ""})
    place = place_of(cloud, tmp_path)
    assert [line for line in place.swept() if "orphan" in line]
    assert [name for name, job in double.jobs.items() if job.get("stopped")] == ["orphan"]
    assert [line for line in place.swept() if "Sauce Labs" in line] == []


@pytest.mark.lab("docker")
@pytest.mark.skipif(not has_chromedriver(), reason="no chromedriver: `nox -s lab -- up` installs it")
def test_a_real_browser_opens_a_page_through_the_door(double: Double, played: Play, tmp_path: Path) -> None:
    with chromedriver(tmp_path) as driver, page() as url:
        double.driver = driver
        run = played(env={"DAVY_URL": url, "WANTED": "The shop is open"}, cell={"platform": "Windows 11"})
        assert (run.exit_code, run.fault) == (0, False), run.log.read_text()
        failed = played(env={"DAVY_URL": url, "WANTED": "The shop is closed"})
        assert (failed.exit_code, failed.fault) == (1, False)
    assert [job["passed"] for job in double.jobs.values()] == [True, False]


@pytest.mark.lab("docker")
@pytest.mark.skipif(not has_chromedriver(), reason="no chromedriver: `nox -s lab -- up` installs it")
def test_a_grids_session_that_a_killed_davy_left_is_ended(tmp_path: Path) -> None:
    with chromedriver(tmp_path) as hub:
        cloud = Cloud(vendor=Vendor.GRID, at=addresses(Vendor.GRID, hub=hub))
        place = place_of(cloud, tmp_path)
        always = {"goog:chromeOptions": {"binary": "/usr/bin/chromium", "args": HEADLESS}}
        body = {"capabilities": {"alwaysMatch": always}}
        begun = place.account.api.called(Call(method="POST", url=f"{hub}/session", body=body))["value"]["sessionId"]
        gone = Owner(service="checkout", host="here", process=2**22 + 1)
        SessionLedger(tmp_path / "state", gone).began(begun, {"hub": hub, "user": "", "real": ""})
        assert [line for line in place.swept() if begun in line]
        with pytest.raises(Missing):
            place.account.api.called(Call(method="GET", url=f"{hub}/session/{begun}/title"))


@pytest.mark.lab("docker")
@pytest.mark.skipif(not has_chromedriver(), reason="no chromedriver: `nox -s lab -- up` installs it")
def test_a_grid_needs_no_account(tmp_path: Path) -> None:
    chrome = OPENS.replace(
        "session = started()",
        'session = started(**{"goog:chromeOptions": {"binary": "/usr/bin/chromium", "args": '
        '["--headless=new", "--no-sandbox", "--disable-dev-shm-usage"]}})',
    )
    with chromedriver(tmp_path) as hub, page() as url:
        cloud = Cloud(vendor=Vendor.GRID, at=addresses(Vendor.GRID, hub=hub))
        place = place_of(cloud, tmp_path)
        assert place.slots(3) == 3
        env = {"DAVY_URL": url, "WANTED": "The shop is open"}
        run = place.runner().run(order_of(tmp_path, chrome, env), print)
        assert (run.exit_code, run.fault, run.link) == (0, False, ""), run.log.read_text()

"""`davy test` on a cloud: a Sauce Labs of our own, with a real Chromium behind it where the lab has one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from clouds.browsers import OPENS, SUITE, chromedriver, has_chromedriver, page
from clouds.sauce_double import KEY, USER, Double, sauce_double

DAVY = Path(sys.executable).parent / "davy"
FILE = """\
service: checkout
tests:
  - name: e2e
    in: saucelabs
    run: {python} suite.py
    url: {url}
    env: {{WANTED: "{title}"}}
    matrix: {{browser: [chrome], platform: [Windows 11]}}
    timeout: 2m
    cloud: {{hub: "{double}/wd/hub", api: "{double}"}}
"""
HANGS = (
    SUITE
    + """
import time
print("begun", started(), flush=True)
assert not [name for name in os.environ if name.startswith("SAUCE_")]
time.sleep(600)
"""
)


@pytest.fixture
def double() -> Iterator[Double]:
    with sauce_double() as running:
        yield running


class Yard:
    """A folder with a configuration and a suite, and davy in it."""

    def __init__(self, folder: Path, double: Double) -> None:
        self.folder, self.double = folder, double
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("DAVY_", "GITHUB_", "CI"))}
        self.environment = kept | {"HOME": str(folder), "SAUCE_USERNAME": USER, "SAUCE_ACCESS_KEY": KEY}
        self.said = ""

    def holds(self, suite: str, *, url: str = "http://127.0.0.1:9/", title: str = "a title") -> None:
        (self.folder / "suite.py").write_text(suite)
        text = FILE.format(python=sys.executable, url=url, title=title, double=self.double.url)
        (self.folder / "davy.yaml").write_text(text)

    def begun(self, *more: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [DAVY, "test", *more],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def tested(self, *more: str) -> int:
        child = self.begun(*more)
        self.said, _ = child.communicate(timeout=120)
        return child.returncode

    def waited(self, has: Callable[[], bool]) -> None:
        ends = time.monotonic() + 60
        while not has():
            assert time.monotonic() < ends, "it did not come"
            time.sleep(0.05)

    def tells_the_key(self) -> list[str]:
        files = [path for path in self.folder.rglob("*") if path.is_file()]
        return [str(path) for path in files if KEY in path.read_text(errors="replace")] + [self.said] * (
            KEY in self.said
        )


@pytest.fixture
def yard(tmp_path: Path, double: Double) -> Iterator[Yard]:
    made = Yard(tmp_path, double)
    yield made
    assert made.tells_the_key() == []


def test_a_suite_passes_on_the_cloud_with_a_link_to_its_page(yard: Yard) -> None:
    yard.holds(OPENS)
    assert yard.tested("--output", "json") == 0, yard.said
    events = [json.loads(line) for line in yard.said.splitlines() if line.startswith("{")]
    (job,) = yard.double.jobs.values()
    page = f"https://app.saucelabs.com/tests/{job['id']}"
    assert page in {event.get("link") for event in events}
    assert f"[the cloud's page]({page})" in (yard.folder / "davy-out" / "report.md").read_text()
    assert (job["status"], job["passed"], job["name"]) == ("complete", True, "e2e chrome-Windows_11")
    assert "davy-service:checkout" in job["tags"]


def test_a_suite_that_fails_rejects_the_release(yard: Yard) -> None:
    yard.holds(OPENS, title="another title")
    assert yard.tested() == 3
    assert [job["passed"] for job in yard.double.jobs.values()] == [False]


def test_a_session_error_of_the_cloud_is_tried_again_without_a_retry(yard: Yard) -> None:
    yard.holds(OPENS)
    yard.double.faults.refused = 1
    assert yard.tested() == 0, yard.said


def test_wrong_credentials_start_nothing(yard: Yard) -> None:
    yard.holds(OPENS)
    yard.environment["SAUCE_ACCESS_KEY"] = "wr0ng-key-entirely"
    assert yard.tested() == 2
    assert "does not take the account shop-team" in yard.said
    assert "wr0ng" not in yard.said
    assert yard.double.jobs == {}


def test_without_an_account_it_is_said_how_to_give_one(yard: Yard) -> None:
    yard.holds(OPENS)
    del yard.environment["SAUCE_ACCESS_KEY"]
    assert yard.tested() == 2
    assert "has no key for Sauce Labs" in yard.said
    assert "SAUCE_ACCESS_KEY" in yard.said


def test_the_account_may_lie_in_the_files_of_sauce_labs(yard: Yard) -> None:
    yard.holds(OPENS)
    del yard.environment["SAUCE_ACCESS_KEY"], yard.environment["SAUCE_USERNAME"]
    home = yard.folder / ".sauce"
    home.mkdir()
    (home / "regions.yml").write_text(
        f"- name: ours\n  apiBaseURL: {yard.double.url}\n  appBaseURL: https://app.example\n"
        f"  webdriverBaseURL: {yard.double.url}\n"
    )
    (home / "credentials.yml").write_text(f"username: {USER}\naccessKey: {KEY}\n")
    text = (yard.folder / "davy.yaml").read_text()
    (yard.folder / "davy.yaml").write_text(text[: text.index("    cloud:")] + "    cloud: {region: ours}\n")
    code = yard.tested()
    (home / "credentials.yml").unlink()
    assert code == 0, yard.said
    assert "https://app.example/tests/" in yard.said


@pytest.mark.parametrize("late", [0.0, 2.0], ids=["at once", "late"])
def test_ctrl_c_stops_the_jobs_on_the_cloud(yard: Yard, late: float) -> None:
    """Also one that began, and of which the cloud has not told yet."""
    yard.holds(HANGS)
    yard.double.faults.late = late
    child = yard.begun()
    yard.waited(lambda: bool(yard.double.jobs))
    child.send_signal(signal.SIGINT)
    yard.said, _ = child.communicate(timeout=60)
    assert child.returncode == 130
    assert [job["status"] for job in yard.double.jobs.values()] == ["complete"]


def test_a_killed_davys_jobs_are_stopped_by_the_next(yard: Yard) -> None:
    yard.holds(HANGS)
    child = yard.begun()
    yard.waited(lambda: bool(yard.double.jobs))
    child.kill()
    yard.said, _ = child.communicate(timeout=60)
    (orphan,) = yard.double.jobs.values()
    assert orphan["status"] == "in progress"
    yard.holds(OPENS)
    assert yard.tested() == 0, yard.said
    assert orphan.get("stopped")
    assert f"{orphan['id']} on Sauce Labs, left by a davy that is gone" in yard.said


SAUCE = """\
apiVersion: v1alpha
kind: playwright
sauce: {region: us-west-1, concurrency: 2}
playwright: {version: package.json}
rootDir: project
suites:
  - {name: spread, shard: concurrency, testMatch: ["[.]spec"], params: {browserName: chromium}}
  - {name: each, shard: spec, testMatch: ["[.]spec"], params: {browserName: firefox}}
"""


def test_a_sauce_config_runs_as_it_is(yard: Yard) -> None:
    (yard.folder / ".sauce").mkdir()
    (yard.folder / ".sauce" / "config.yml").write_text(SAUCE)
    (yard.folder / "project").mkdir()
    for name in "abcd":
        (yard.folder / "project" / f"{name}.spec.ts").write_text("test")
    (yard.folder / "project" / "package.json").write_text('{"devDependencies": {"@playwright/test": "^1.40.1"}}')
    double = yard.double
    passed = {"status": "complete", "passed": True}
    double.outcomes = {name: [dict(passed) for _ in range(9)] for name in ("spread", "each")}
    double.files["junit.xml"] = b"<testsuite name='s'><testcase classname='c' name='n' time='1'/></testsuite>"
    (yard.folder / "davy.yaml").write_text(
        "service: checkout\ntests:\n- {name: e2e, in: saucelabs, config: .sauce/config.yml, "
        f'cloud: {{hub: "{double.url}/wd/hub", api: "{double.url}"}}}}\n'
    )
    assert yard.tested() == 0, yard.said
    assert "not round-robin" in yard.said
    assert double.most <= 2
    batches = [one["alwaysMatch"]["sauce:options"]["_batch"] for one in double.started]
    assert {(one["frameworkVersion"], one["runnerVersion"]) for one in batches} == {("1.50.0", "r-1")}
    names = [one["testFile"] for one in batches]
    assert sorted(name for name in names if name.startswith("each")) == [f"each · {name}.spec.ts" for name in "abcd"]
    (yard.folder / "project" / "package.json").write_text('{"dependencies": {"@playwright/test": "workspace:*"}}')
    assert yard.tested() == 2
    assert "config.yml:4: playwright.version: is left to package.json, and that asks for 'workspace:*'" in yard.said
    (yard.folder / ".sauce" / "config.yml").write_text(SAUCE.replace("playwright\n", "apitest\n", 1))
    assert yard.tested() == 2
    assert "config.yml:2: kind: 'apitest' runs in saucectl only" in yard.said


@pytest.mark.lab("docker")
@pytest.mark.skipif(not has_chromedriver(), reason="no chromedriver: `nox -s lab -- up` installs it")
def test_a_real_browser_opens_the_page(yard: Yard, tmp_path_factory: pytest.TempPathFactory) -> None:
    with chromedriver(tmp_path_factory.mktemp("driver")) as driver, page() as url:
        yard.double.driver = driver
        yard.holds(OPENS, url=url, title="The shop is open")
        assert yard.tested() == 0, yard.said

"""Reading `.sauce/config.yml` as it is."""

import json
from datetime import timedelta
from typing import Any

import pytest

from davy.pipeline.core.errors import Unusable
from davy.pipeline.suites.clouds.capabilities import SessionWish
from davy.pipeline.suites.clouds.saucelabs import cells as saucecells
from davy.pipeline.suites.clouds.saucelabs import config_file, job_request
from davy.pipeline.suites.clouds.saucelabs.cells import SauceJob
from davy.pipeline.suites.clouds.saucelabs.config_file import SauceFile
from davy.pipeline.suites.clouds.saucelabs.job_request import Apps
from davy.pipeline.suites.clouds.vendors import Cloud, Vendor, addresses

PLAYWRIGHT = """\
apiVersion: v1alpha
kind: playwright
sauce:
  region: eu-central-1
  concurrency: 4
  retries: 1
  metadata: {build: "shop $BUILD", tags: [e2e, "${BRANCH}"]}
  tunnel: {name: office, owner: it}
defaults: {timeout: 20m}
playwright: {version: v1.50.0, configFile: playwright.config.ts}
rootDir: ./
env: {SHOP: blue}
suites:
  - name: whole
    platformName: Windows 11
    testMatch: [".*.spec.ts"]
    params: {browserName: chromium, project: desktop}
  - name: spread
    testMatch: ["tests/.*[.]spec[.]ts$"]
    excludedTestFiles: ["slow"]
    shard: concurrency
    timeout: 1h
    smartRetry: {failedOnly: true}
    params: {browserName: webkit}
  - name: each
    testMatch: "cart"
    shard: spec
    params: {browserName: firefox}
  - name: numbered
    numShards: 3
    params: {browserName: chrome}
artifacts: {download: {when: fail, match: ["*.mp4", console.log]}}
"""
FILES = ("playwright.config.ts", "tests/cart.spec.ts", "tests/login.spec.ts", "tests/slow.spec.ts", "other/cart.md")
CLOUD = Cloud(vendor=Vendor.SAUCE, at=addresses(Vendor.SAUCE, "eu-central-1"), user="shop", key="k")
WISH = SessionWish(name="whole", build="b-1", tags=("t",), seconds=600)


def read(text: str, **environment: str) -> SauceFile:
    return config_file.read(text, "config.yml", {"BUILD": "7", "BRANCH": "main", **environment})


def jobs(parsed: SauceFile, files: tuple[str, ...] = FILES) -> dict[str, tuple[SauceJob, tuple[str, ...] | None]]:
    found = {}
    for cell in saucecells.cells(parsed, files):
        job = cell.settings["job"]
        assert isinstance(job, SauceJob)
        found[job.name] = (job, cell.files)
    return found


def wrong(text: str) -> dict[int | None, str]:
    with pytest.raises(Unusable) as caught:
        read(text)
    return {problem.line: str(problem) for problem in caught.value.problems}


def test_a_playwright_file_is_read_with_its_variables() -> None:
    parsed = read(PLAYWRIGHT)
    assert (parsed.region, parsed.concurrency, parsed.retries, parsed.version) == ("eu-central-1", 4, 1, "1.50.0")
    assert (parsed.build, parsed.tags, parsed.tunnel, parsed.tunnel_owner) == (
        "shop 7",
        ("e2e", "main"),
        "office",
        "it",
    )
    assert parsed.artifacts.match == ("*.mp4", "console.log")
    assert [suite["timeout"] for suite in parsed.suites] == [timedelta(minutes=20), timedelta(hours=1)] + [
        timedelta(minutes=20)
    ] * 2
    assert [suite["platformName"] for suite in parsed.suites] == ["Windows 11"] + ["Windows 10"] * 3


def test_every_suite_becomes_the_jobs_that_its_shards_say() -> None:
    found = {name: files for name, (_, files) in jobs(read(PLAYWRIGHT)).items()}
    assert found == {
        "whole": (),
        "spread": ("tests/cart.spec.ts", "tests/login.spec.ts"),
        "each · other/cart.md": (),
        "each · tests/cart.spec.ts": (),
        "numbered · 1 of 3": (),
        "numbered · 2 of 3": (),
        "numbered · 3 of 3": (),
    }


def test_what_is_done_another_way_is_said_with_its_line() -> None:
    notes = [str(note) for note in read(PLAYWRIGHT + "notifications: {slack: {send: always}}\n").notes]
    assert any(note.startswith("config.yml:33: notifications:") for note in notes)
    assert any("suites[1].shard" in note and "not round-robin" in note for note in notes)


def test_a_variable_that_is_not_set_is_empty_as_saucectl_has_it_and_said() -> None:
    parsed = config_file.read(PLAYWRIGHT, "config.yml", {"BUILD": "7"})
    assert parsed.tags == ("e2e", "")
    assert [str(note) for note in parsed.notes if "BRANCH" in str(note)] == [
        "config.yml:7: sauce.metadata.tags[1]: $BRANCH is not set, and so it is empty"
    ]


def test_every_problem_is_said_at_once_with_its_line() -> None:
    found = wrong(
        PLAYWRIGHT.replace("eu-central-1", "us-east-4")
        .replace("chromium", "opera")
        .replace("name: each", "name: whole")
        .replace("when: fail", "when: sometimes")
        .replace('".*.spec.ts"', '"*.spec.ts"')
    )
    assert set(found) == {4, 16, 17, 25, 32}
    assert "only real devices in us-east-4" in found[4]
    assert "must be one of chromium" in found[17]


@pytest.mark.parametrize(
    ("kind", "sentence"), [("apitest", "runs in saucectl only"), ("juggling", "must be one of playwright, cypress")]
)
def test_a_kind_that_davy_does_not_run_is_refused(kind: str, sentence: str) -> None:
    assert sentence in wrong(f"apiVersion: v1alpha\nkind: {kind}\nsuites: []\n")[2]


def test_nothing_that_changes_what_is_tested_is_left_out_without_a_word() -> None:
    found = wrong(PLAYWRIGHT.replace("    shard: spec\n", "    mode: docker\n    shardGrepEnabled: true\n"))
    assert "Sauce Labs only" in found[27]
    assert "does not look into spec files" in found[28]


def test_a_framework_job_is_asked_for_as_the_cloud_wants_it() -> None:
    job = jobs(read(PLAYWRIGHT))["whole"][0]
    call = job_request.start_call(CLOUD, job, Apps(app="storage:1", others=("storage:2",)), WISH, {})
    assert call.url == "https://ondemand.eu-central-1.saucelabs.com/wd/hub/session"
    assert call.body is not None
    asked: dict[str, Any] = call.body["capabilities"]["alwaysMatch"]
    assert asked == call.body["desiredCapabilities"]
    assert (asked["app"], asked["otherApps"]) == ("storage:1", ["storage:2"])
    assert (asked["browserName"], asked["platformName"]) == ("playwright-chromium", "Windows 11")
    batch = asked["sauce:options"]["_batch"]
    assert (batch["framework"], batch["frameworkVersion"], batch["testFile"]) == ("playwright", "1.50.0", "whole")


def test_the_runner_is_told_its_files_and_at_a_second_try_what_failed() -> None:
    job = jobs(read(PLAYWRIGHT))["spread"][0]
    told = job_request.runner_settings(job, ("tests/cart.spec.ts",), ("shop::pays (twice)",))
    (suite,) = told["suites"]
    assert suite["testMatch"] == ["tests/cart.spec.ts"]
    assert suite["testIgnore"] == ["slow"]
    assert suite["param"] == {"browserName": "webkit", "grep": r"pays\ \(twice\)"}
    assert suite["env"] == {"SHOP": "blue"}
    assert not {"shard", "smartRetry", "passThreshold"} & set(suite)
    assert suite["timeout"] == 3600 * 10**9
    assert json.loads(json.dumps(told)) == told


CYPRESS = """\
apiVersion: v1
kind: cypress
sauce: {region: us-west-1}
cypress: {version: 13.0.0, configFile: cypress.config.js}
suites:
  - name: shop
    browser: chrome
    shard: concurrency
    config: {specPattern: ["cypress/e2e/**/*.cy.{js,ts}"], excludeSpecPattern: ["**/old/*"]}
"""


def test_globs_of_cypress_cross_folders_only_where_they_say_so() -> None:
    files = ("cypress/e2e/a.cy.js", "cypress/e2e/in/b.cy.ts", "cypress/e2e/old/c.cy.js", "cypress/e2e/d.cy.jsx")
    job, own = jobs(read(CYPRESS), files)["shop"]
    assert own == ("cypress/e2e/a.cy.js", "cypress/e2e/in/b.cy.ts")
    assert job_request.browser(job) == "googlechrome"
    assert job_request.runner_settings(job, own[:1], ())["suites"][0]["config"]["specPattern"] == list(own[:1])


ESPRESSO = """\
apiVersion: v1alpha
kind: espresso
sauce: {region: us-west-1}
espresso: {app: shop.apk, testApp: shop-test.apk, otherApps: [storage:9]}
suites:
  - name: phones
    devices: [{name: "Google Pixel.*", platformVersion: "16", options: {deviceType: phone, private: true}}]
    emulators: [{name: Android GoogleApi Emulator, platformVersions: ["13.0", "14.0"]}]
    smartRetry: {failedOnly: true}
    testOptions: {class: [com.shop.Cart], numShards: 2, useTestOrchestrator: true}
"""


def test_native_tests_run_on_every_device_and_shard() -> None:
    found = jobs(read(ESPRESSO))
    assert len(found) == 6
    real = found["phones · Google Pixel.* 16 · 1 of 2"][0]
    options = job_request.test_options(real, ())
    call = job_request.device_call(CLOUD, real, Apps(app="storage:1", test_app="storage:2"), WISH, options)
    assert call.url == "https://api.eu-central-1.saucelabs.com/v1/rdc/native-composer/tests"
    assert call.body is not None
    assert call.body["device_query"] == {
        "type": "DynamicDeviceQuery",
        "device_name": "Google Pixel.*",
        "platform_version": "16",
        "requested_device_type": "PHONE",
        "private_devices_only": True,
    }
    assert call.body["use_test_orchestrator"] is True
    assert call.body["test_options"] == {"class": "com.shop.Cart", "numShards": "2", "shardIndex": "0"}
    assert call.body["build"] == "b-1, real devices"


def test_on_a_second_try_native_tests_run_only_what_failed() -> None:
    job = jobs(read(ESPRESSO))["phones · Android GoogleApi Emulator 14.0 · 2 of 2"][0]
    assert job_request.test_options(job, ("com.shop.Cart::pays",))["class"] == ["com.shop.Cart#pays"]


XCUITEST = """\
apiVersion: v1alpha
kind: xcuitest
sauce: {region: us-east-4}
xcuitest: {app: shop.ipa, testApp: shop-test.ipa}
suites:
  - name: phones
    devices: [{id: iPhone_17_real_us}]
    testOptions: {class: [Shop.Cart], notClass: [Shop.Slow]}
"""


def test_a_device_may_be_named_by_its_id() -> None:
    ((job, _),) = jobs(read(XCUITEST)).values()
    call = job_request.device_call(CLOUD, job, Apps(app="a", test_app="b"), WISH, job_request.test_options(job, ()))
    assert call.body is not None
    assert call.body["device_query"] == {"type": "HardcodedDeviceQuery", "device_descriptor_id": "iPhone_17_real_us"}
    assert (call.body["tests_to_run"], call.body["tests_to_skip"]) == (["Shop.Cart"], ["Shop.Slow"])


REST = {
    "testcafe": "testcafe: {version: 3.6.0}\nsuites: [{name: a, browserName: chrome, src: ['tests/*.js']}]\n",
    "puppeteer-replay": "suites: [{name: a, recordings: ['recordings/*.json']}]\n",
    "playwright-cucumberjs": "playwright: {version: 1.50.0}\n"
    "suites: [{name: a, browserName: firefox, shard: spec, options: {paths: ['features/*.feature']}}]\n",
}


@pytest.mark.parametrize("kind", REST)
def test_the_other_frameworks_are_read_too(kind: str) -> None:
    files = ("tests/a.js", "recordings/a.json", "recordings/b.json", "features/a.feature", "features/in/b.feature")
    found = jobs(read(f"apiVersion: v1alpha\nkind: {kind}\nsauce: {{region: us-west-1}}\n{REST[kind]}"), files)
    assert (
        set(found)
        == {
            "testcafe": {"a"},
            "puppeteer-replay": {"a · recordings/a.json", "a · recordings/b.json"},
            "playwright-cucumberjs": {"a · features/a.feature"},
        }[kind]
    )
    for job, _ in found.values():
        assert job_request.browser(job) in ("googlechrome", "playwright-firefox")


PICKY = PLAYWRIGHT.replace("retries: 1", "retries: 2").replace(
    "    params: {browserName: chromium, project: desktop}\n",
    "    params: {browserName: chromium, project: desktop}\n    passThreshold: 2\n",
)


def test_how_many_tries_must_pass_is_each_suites_own() -> None:
    cells = saucecells.cells(read(PICKY), FILES)
    needed = {cell.name: cell.pass_threshold for cell in cells}
    assert needed.pop("whole") == 2
    assert set(needed.values()) == {1}


def test_more_passes_than_there_are_tries_are_a_problem_with_its_line() -> None:
    assert "can never be met" in wrong(PICKY.replace("passThreshold: 2", "passThreshold: 4"))[18]


@pytest.mark.parametrize(
    ("place", "key"),
    [("sauce:\n", "  tunnel-identifier: office\n"), ("  - name: numbered\n", "    files: [a.js]\n"), ("", "cy: 1\n")],
)
def test_a_key_that_nobody_knows_is_noted_with_its_line_and_left_out(place: str, key: str) -> None:
    text = PLAYWRIGHT.replace(place, place + key, 1) if place else PLAYWRIGHT + key
    (note,) = [note for note in read(text).notes if "does not know" in note.what]
    assert note.line == text[: text.index(key)].count("\n") + 1


def test_a_variable_that_is_not_set_is_told_beside_what_it_left_empty() -> None:
    text = "apiVersion: v1alpha\nkind: espresso\nespresso: {app: $APP, testApp: t.apk}\n"
    text += "suites: [{name: a, devices: [{id: x}]}]\n"
    with pytest.raises(Unusable) as caught:
        read(text)
    said = [str(problem) for problem in caught.value.problems]
    assert any("is needed" in one for one in said)
    assert any("$APP is not set" in one for one in said)

"""What tells one WebDriver cloud from another."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from davy.pipeline.core.errors import Unusable
from davy.pipeline.suites.clouds import assets, capabilities, hub_answers, session_tags, vendors
from davy.pipeline.suites.clouds.capabilities import ACCOUNT, CELL, SessionWish
from davy.pipeline.suites.clouds.hub_answers import Meaning
from davy.pipeline.suites.clouds.saucelabs import api_calls, ignore_file
from davy.pipeline.suites.clouds.session_tags import Owner
from davy.pipeline.suites.clouds.vendors import NAMESPACES, SAUCE_REGIONS, Cloud, Vendor, addresses

WISH = SessionWish(name="e2e", build="b-1", tags=("t",), notes={"release": "r"}, seconds=600)


def cloud(vendor: Vendor, region: str = "us-west-1") -> Cloud:
    hub = "http://grid:4444/wd/hub" if vendor is Vendor.GRID else ""
    return Cloud(vendor=vendor, at=addresses(vendor, region, hub=hub), region=region, user="shop", key="s3cret-key")


def asked(vendor: Vendor, cell: dict[str, str], always: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    body = {"capabilities": {"alwaysMatch": always or {}, **more}}
    wish = SessionWish(name="e2e", build="b-1", tags=("t",), cell=cell, tunnel="office")
    found: dict[str, Any] = capabilities.asked(cloud(vendor), body, wish)["capabilities"]
    return found


# ---- addresses, calls, pages ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("region", SAUCE_REGIONS)
def test_every_region_of_sauce_labs_has_addresses_of_its_own(region: str) -> None:
    at = addresses(Vendor.SAUCE, region)
    assert at.hub == f"https://ondemand.{region}.saucelabs.com/wd/hub"
    assert at.api == f"https://api.{region}.saucelabs.com"
    assert at.pages == ("https://app.saucelabs.com" if region == "us-west-1" else f"https://app.{region}.saucelabs.com")


def test_each_cloud_is_told_results_in_its_own_way() -> None:
    told = {vendor: vendors.result_call(cloud(vendor), "s", passed=False, because="why") for vendor in Vendor}
    said = {vendor: call and (call.method, call.url, call.body) for vendor, call in told.items()}
    assert said == {
        Vendor.SAUCE: ("PUT", "https://api.us-west-1.saucelabs.com/rest/v1/shop/jobs/s", {"passed": False}),
        Vendor.BROWSERSTACK: (
            "PUT",
            "https://api.browserstack.com/automate/sessions/s.json",
            {"status": "failed", "reason": "why"},
        ),
        Vendor.LAMBDATEST: (
            "PATCH",
            "https://api.lambdatest.com/automation/api/v1/sessions/s",
            {"status_ind": "failed"},
        ),
        Vendor.GRID: None,
    }


def test_a_test_that_sets_its_result_is_heard() -> None:
    scripts = {
        Vendor.SAUCE: "sauce:job-result=passed",
        Vendor.BROWSERSTACK: 'browserstack_executor: {"action": "setSessionStatus", "arguments": {"status": "passed"}}',
        Vendor.LAMBDATEST: "lambda-status=passed",
    }
    for vendor in Vendor:
        assert [other for other, text in scripts.items() if vendors.tells_result(cloud(vendor), text)] == (
            [vendor] if vendor in scripts else []
        )


def test_what_an_account_allows_is_read_from_each_clouds_answer() -> None:
    answers: dict[Vendor, object] = {
        Vendor.SAUCE: {"concurrency": {"organization": {"allowed": {"vms": 4, "rds": 2}}}},
        Vendor.BROWSERSTACK: {"parallel_sessions_max_allowed": 4},
        Vendor.LAMBDATEST: {"data": {"max_concurrency": 4}},
        Vendor.GRID: {"value": {"nodes": [{"slots": [{}, {}]}, {"slots": [{}, {}, {}], "maxSessions": 2}]}},
    }
    assert [vendors.slots_in(cloud(vendor), answer) for vendor, answer in answers.items()] == [4] * 4
    assert vendors.slots_in(cloud(Vendor.SAUCE), answers[Vendor.SAUCE], real=True) == 2


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["value", "id", "items", "concurrency", "error", "message", "tags", "sessionId", "entities"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(JSON, st.sampled_from(list(Vendor)))
def test_no_answer_of_a_cloud_brings_its_reader_down(answer: object, vendor: Vendor) -> None:
    import json  # noqa: PLC0415

    here = cloud(vendor)
    vendors.slots_in(here, answer)
    api_calls.job_of(answer)
    api_calls.jobs_in(answer, real=True)
    api_calls.stored_in(answer)
    api_calls.tunnel_state(answer, "a", "b")
    api_calls.runner_version(answer, "1")
    hub_answers.read(500, json.dumps(answer).encode())
    for real in (False, True):
        for name, _ in assets.named(here, "s", answer, real=real):
            assert "/" not in name


@given(st.text(max_size=40))
def test_an_assets_name_leads_nowhere(name: str) -> None:
    safe = assets.safe(name)
    assert safe not in (".", "..")
    assert not set(safe) & {"/", "\\", "\0"}


# ---- capabilities ---------------------------------------------------------------------------------------------------


def test_every_cloud_gets_a_cell_in_its_own_words() -> None:
    cell = {"browser": "chrome", "version": "latest", "platform": "Windows 11", "color": "blue"}
    sauce = asked(Vendor.SAUCE, cell)["alwaysMatch"]
    assert (sauce["platformName"], sauce["browserVersion"]) == ("Windows 11", "latest")
    assert sauce["sauce:options"]["tunnelName"] == "office"
    stack = asked(Vendor.BROWSERSTACK, cell)["alwaysMatch"]
    assert "platformName" not in stack
    assert stack["bstack:options"] == {
        "sessionName": "e2e",
        "buildName": "b-1",
        "buildTag": "t",
        "os": "Windows",
        "osVersion": "11",
        "local": True,
        "localIdentifier": "office",
    }
    lambdatest = asked(Vendor.LAMBDATEST, cell)["alwaysMatch"]
    assert lambdatest["LT:Options"]["platformName"] == "Windows 11"
    assert asked(Vendor.GRID, cell)["alwaysMatch"] == {
        "browserName": "chrome",
        "browserVersion": "latest",
        "platformName": "Windows 11",
    }


def test_what_the_test_says_itself_stays() -> None:
    theirs = {"name": "pays twice", "tags": ["cart"], "build": "mine", "recordVideo": False, "custom-data": {"a": 1}}
    found = asked(Vendor.SAUCE, {}, {"sauce:options": theirs})["alwaysMatch"]["sauce:options"]
    assert (found["name"], found["tags"], found["build"], found["recordVideo"]) == (
        "pays twice",
        ["t", "cart"],
        "b-1",
        False,
    )
    assert found["custom-data"] == {"a": 1}


def test_a_browser_may_be_called_as_the_cloud_calls_it() -> None:
    assert asked(Vendor.SAUCE, {"browser": "googlechrome"}, {"browserName": "chrome"})
    with pytest.raises(Unusable, match="asks for the browser 'chrome'"):
        asked(Vendor.SAUCE, {"browser": "firefox"}, {}, firstMatch=[{"browserName": "chrome"}])


KEYS = st.sampled_from(["browserName", "platformName", "browserVersion", "sauce:options", "goog:chromeOptions", "x:y"])
VALUES = st.sampled_from(["chrome", "Windows 11"]) | st.dictionaries(
    st.sampled_from([*ACCOUNT, "name", "tags"]), st.just("secret-of-theirs"), max_size=3
)
CHOICE = st.dictionaries(KEYS, VALUES, max_size=4)


@given(
    CHOICE,
    st.lists(CHOICE, max_size=3),
    st.dictionaries(st.sampled_from([key for key in CELL if key != "browser"]), st.just("v"), max_size=3),
    st.sampled_from(list(Vendor)),
)
def test_no_key_stands_twice_and_no_account_goes_out(
    always: dict[str, Any], firsts: list[dict[str, Any]], cell: dict[str, str], vendor: Vendor
) -> None:
    own = [{key: value for key, value in choice.items() if key not in always} for choice in firsts]
    found = asked(vendor, cell, dict(always), firstMatch=own)
    for choice in found.get("firstMatch", ()):
        assert not set(choice) & set(found["alwaysMatch"])
    options = NAMESPACES[vendor]
    assert not set(found["alwaysMatch"].get(options, {})) & set(ACCOUNT)


# ---- answers of a hub -----------------------------------------------------------------------------------------------

SAID = b'{"value": {"error": "session not created", "message": "%s"}}'


@pytest.mark.parametrize(
    ("status", "body", "meaning"),
    [
        (200, b'{"value": {"sessionId": "a", "capabilities": {}}}', Meaning.STARTED),
        (200, b'{"sessionId": "a", "value": {}}', Meaning.STARTED),
        (200, b"<html>", Meaning.AGAIN),
        (429, b"", Meaning.WAIT),
        (400, SAID % b"You have reached your concurrency limit", Meaning.WAIT),
        (500, SAID % b"All parallel tests are currently in use", Meaning.WAIT),
        (503, b"<html>", Meaning.AGAIN),
        (500, SAID % b"Chrome failed to start", Meaning.REFUSED),
        (401, b"", Meaning.DENIED),
        (500, SAID % b"Invalid access key", Meaning.DENIED),
        (400, SAID % b"You have no more minutes left", Meaning.SPENT),
        (403, b'{"message": "Account is out of automation minutes"}', Meaning.SPENT),
    ],
)
def test_an_answer_means_one_thing(status: int, body: bytes, meaning: Meaning) -> None:
    assert hub_answers.read(status, body).meaning is meaning


# ---- marks and ignoring ---------------------------------------------------------------------------------------------

NOW = datetime(2026, 5, 1, tzinfo=UTC)


def test_a_living_davys_own_sessions_are_never_left_behind() -> None:
    me = Owner(service="checkout", host="here", process=7)
    tags = session_tags.tags(me, NOW, timedelta(minutes=1))
    assert not session_tags.is_left_behind(tags, me, NOW, lambda _: True)
    assert not session_tags.is_left_behind(tags, me, NOW, lambda _: False)
    assert session_tags.is_left_behind(tags, Owner(service="checkout", host="here", process=8), NOW, lambda _: False)
    assert session_tags.is_left_behind(tags, me, NOW + timedelta(minutes=7), lambda _: True)


@pytest.mark.parametrize(
    ("rules", "kept"),
    [
        ("", ["a.js", "in/a.js", "in/b.env", "node_modules/x/a.js"]),
        ("*.env\nnode_modules/", ["a.js", "in/a.js"]),
        ("/a.js", ["in/a.js", "in/b.env", "node_modules/x/a.js"]),
        ("*\n!a.js", ["a.js"]),
        ("in/*\n!in/b.env", ["a.js", "in/b.env", "node_modules/x/a.js"]),
        ("**/x/**", ["a.js", "in/a.js", "in/b.env"]),
        ("# a note\n\\#b\n[a]*.js\n", ["in/b.env"]),
    ],
)
def test_sauceignore_reads_as_gitignore(rules: str, kept: list[str]) -> None:
    files = ["a.js", "in/a.js", "in/b.env", "node_modules/x/a.js"]
    assert list(ignore_file.kept(files, ignore_file.read(rules))) == kept

"""Vendors: what tells one WebDriver cloud from another, as values: addresses, calls, limits, pages.

Sauce Labs: https://docs.saucelabs.com/dev/api/ and the source of saucectl. BrowserStack and LambdaTest: their public
documentation. Selenium Grid: the W3C protocol alone.
"""

from collections.abc import Mapping
from dataclasses import field
from enum import Enum
from typing import Any, assert_never
from urllib.parse import quote

from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.json import tree as jsontree


class Vendor(Enum):
    """Who runs the browsers."""

    SAUCE = "saucelabs"
    BROWSERSTACK = "browserstack"
    LAMBDATEST = "lambdatest"
    GRID = "grid"


SAUCE_REGIONS = ("us-west-1", "us-east-4", "eu-central-1", "asia-south-2")
ONLY_REAL_DEVICES = ("us-east-4", "asia-south-2")
"""Regions of Sauce Labs without virtual devices and browsers."""
TITLES = {
    Vendor.SAUCE: "Sauce Labs",
    Vendor.BROWSERSTACK: "BrowserStack",
    Vendor.LAMBDATEST: "LambdaTest",
    Vendor.GRID: "the Selenium Grid",
}
ACCOUNTS = {
    Vendor.SAUCE: ("SAUCE_USERNAME", "SAUCE_ACCESS_KEY"),
    Vendor.BROWSERSTACK: ("BROWSERSTACK_USERNAME", "BROWSERSTACK_ACCESS_KEY"),
    Vendor.LAMBDATEST: ("LT_USERNAME", "LT_ACCESS_KEY"),
    Vendor.GRID: ("", ""),
}
"""Variables of the environment that hold the account and its key, as each vendor's own tools have them."""
NAMESPACES = {
    Vendor.SAUCE: "sauce:options",
    Vendor.BROWSERSTACK: "bstack:options",
    Vendor.LAMBDATEST: "LT:Options",
    Vendor.GRID: "",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """Where a cloud is."""

    hub: str
    """The WebDriver endpoint: `/session` comes right behind it."""
    api: str = ""
    """The REST API; empty where there is none."""
    pages: str = ""
    """Where people look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cloud:
    """A cloud and an account on it."""

    vendor: Vendor
    at: Addresses
    region: str = ""
    user: str = ""
    key: str = field(default="", repr=False)

    @property
    def title(self) -> str:
        """For people."""
        return TITLES[self.vendor]

    @property
    def has_virtual(self) -> bool:
        """False where only real devices are to be had."""
        return self.region not in ONLY_REAL_DEVICES


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request to a cloud's REST API, or to its hub."""

    method: str
    url: str
    body: Mapping[str, Any] | None = None


def addresses(vendor: Vendor, region: str = "", *, hub: str = "", api: str = "") -> Addresses:
    """Where the cloud is; `hub` and `api` win over the vendor's own."""
    own = _own(vendor, region)
    return Addresses(hub=(hub or own.hub).rstrip("/"), api=(api or own.api).rstrip("/"), pages=own.pages)


def _own(vendor: Vendor, region: str) -> Addresses:
    match vendor:
        case Vendor.SAUCE:
            # The first region's pages have no region in their name.
            place = "" if region == "us-west-1" else f".{region}"
            return Addresses(
                hub=f"https://ondemand.{region}.saucelabs.com/wd/hub",
                api=f"https://api.{region}.saucelabs.com",
                pages=f"https://app{place}.saucelabs.com",
            )
        case Vendor.BROWSERSTACK:
            return Addresses(
                hub="https://hub-cloud.browserstack.com/wd/hub",
                api="https://api.browserstack.com",
                pages="https://automate.browserstack.com",
            )
        case Vendor.LAMBDATEST:
            return Addresses(
                hub="https://hub.lambdatest.com/wd/hub",
                api="https://api.lambdatest.com",
                pages="https://automation.lambdatest.com",
            )
        case Vendor.GRID:
            return Addresses(hub="")
        case _:
            assert_never(vendor)


def page(cloud: Cloud, session: str) -> str:
    """Where a person looks at a session; empty where there is no such page."""
    if not cloud.at.pages:
        return ""
    match cloud.vendor:
        case Vendor.SAUCE:
            return f"{cloud.at.pages}/tests/{session}"
        case Vendor.BROWSERSTACK:
            return f"{cloud.at.pages}/dashboard/v2/sessions/{session}"
        case Vendor.LAMBDATEST:
            return f"{cloud.at.pages}/test?testID={session}"
        case Vendor.GRID:
            return ""
        case _:
            assert_never(cloud.vendor)


def result_call(cloud: Cloud, session: str, *, passed: bool, because: str) -> Call | None:
    """How a session that has ended is told its result; None where only the session itself can be told."""
    match cloud.vendor:
        case Vendor.SAUCE:
            return Call(method="PUT", url=f"{_jobs(cloud)}/{session}", body={"passed": passed})
        case Vendor.BROWSERSTACK:
            body = {"status": "passed" if passed else "failed", "reason": because[:250]}
            return Call(method="PUT", url=f"{cloud.at.api}/automate/sessions/{session}.json", body=body)
        case Vendor.LAMBDATEST:
            url = f"{cloud.at.api}/automation/api/v1/sessions/{session}"
            return Call(method="PATCH", url=url, body={"status_ind": "passed" if passed else "failed"})
        case Vendor.GRID:
            return None
        case _:
            assert_never(cloud.vendor)


def result_script(cloud: Cloud, *, passed: bool) -> str:
    """The script by which a living session is told its result: on real devices of Sauce Labs there is no other way."""
    return f"sauce:job-result={'passed' if passed else 'failed'}" if cloud.vendor is Vendor.SAUCE else ""


def tells_result(cloud: Cloud, script: str) -> bool:
    """True for a script by which a test sets the result of its session itself."""
    match cloud.vendor:
        case Vendor.SAUCE:
            return script.startswith("sauce:job-result=")
        case Vendor.BROWSERSTACK:
            return script.startswith("browserstack_executor:") and "setSessionStatus" in script
        case Vendor.LAMBDATEST:
            return script.startswith("lambda-status=")
        case Vendor.GRID:
            return False
        case _:
            assert_never(cloud.vendor)


def stop_call(cloud: Cloud, session: str, *, real: bool = False) -> Call:
    """How a session is ended from outside; everywhere but on Sauce Labs that is what its own client would say."""
    if cloud.vendor is Vendor.SAUCE and real:
        return Call(method="PUT", url=f"{cloud.at.api}/v1/rdc/jobs/{session}/stop")
    if cloud.vendor is Vendor.SAUCE:
        return Call(method="PUT", url=f"{_jobs(cloud)}/{session}/stop")
    return Call(method="DELETE", url=f"{cloud.at.hub}/session/{session}")


def slots_call(cloud: Cloud) -> Call | None:
    """How the cloud is asked how many sessions the account may have at once; None where it cannot be asked."""
    match cloud.vendor:
        case Vendor.SAUCE:
            user = quote(cloud.user, safe="")
            return Call(method="GET", url=f"{cloud.at.api}/rest/v1.2/users/{user}/concurrency")
        case Vendor.BROWSERSTACK:
            return Call(method="GET", url=f"{cloud.at.api}/automate/plan.json")
        case Vendor.LAMBDATEST:
            return Call(method="GET", url=f"{cloud.at.api}/automation/api/v1/org/concurrency")
        case Vendor.GRID:
            return Call(method="GET", url=f"{cloud.at.hub}/status")
        case _:
            assert_never(cloud.vendor)


def slots_in(cloud: Cloud, answer: object, *, real: bool = False) -> int | None:
    """How many sessions the answer allows; None where it does not say."""
    match cloud.vendor:
        case Vendor.SAUCE:
            found = inner(answer, "concurrency", "organization", "allowed", "rds" if real else "vms")
        case Vendor.BROWSERSTACK:
            found = inner(answer, "parallel_sessions_max_allowed")
        case Vendor.LAMBDATEST:
            found = inner(answer, "data", "max_concurrency")
        case Vendor.GRID:
            nodes = inner(answer, "value", "nodes")
            found = sum(map(_at_once, nodes)) or None if isinstance(nodes, list) else None
        case _:
            assert_never(cloud.vendor)
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def _at_once(node: object) -> int:
    """A Grid's node has a slot for each browser it could start, and starts fewer."""
    slots, most = inner(node, "slots"), inner(node, "maxSessions")
    there = len(slots) if isinstance(slots, list) else 0
    return min(there, most) if isinstance(most, int) else there


def inner(tree: object, *path: str) -> Any:
    """What lies at the path of keys; None where it does not go so far."""
    for key in path:
        tree = tree.get(key) if isinstance(tree, dict) else None
    return tree


def parsed(text: str | bytes) -> Any:
    """The JSON's value; None where it is none: clouds answer with pages of HTML, too."""
    try:
        return jsontree.parsed(text)
    except ValueError:
        return None


def _jobs(cloud: Cloud) -> str:
    return f"{cloud.at.api}/rest/v1/{quote(cloud.user, safe='')}/jobs"

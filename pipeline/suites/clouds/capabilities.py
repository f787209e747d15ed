"""Capabilities: what a test asks a cloud for, with what davy adds: names, marks, tunnel, browser and platform."""

from collections.abc import Mapping
from dataclasses import field
from typing import Any, assert_never

from davy.pipeline.core.errors import Unusable
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.suites.clouds.vendors import NAMESPACES, Cloud, Vendor

CELL = ("browser", "version", "platform", "platform_version", "device")
"""Keys of a matrix that become capabilities; every other is the test's own affair."""
BROWSERS = {"googlechrome": "chrome", "edge": "microsoftedge", "ie": "internet explorer"}
"""Names by which the clouds know a browser, too."""
ACCOUNT = ("username", "userName", "user", "accessKey", "access_key")
"""Who pays is said by davy in a header, never in a capability: those are shown on the cloud's pages."""
MOBILE = ("android", "ios")
VIRTUAL = ("emulator", "simulator")

Tree = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionWish:
    """What davy adds to every session of a try."""

    name: str
    build: str
    tags: tuple[str, ...] = ()
    notes: Mapping[str, str] = field(default_factory=dict)
    """Kept with the session where the cloud can: the image's digest, the release."""
    tunnel: str = ""
    tunnel_owner: str = ""
    seconds: int = 1800
    """A session that lasts longer is ended by the cloud itself, also when nobody is there any more to end it."""
    app: str = ""
    cell: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    """More of the vendor's own."""


def asked(cloud: Cloud, body: Tree, wish: SessionWish) -> Tree:
    """The body of `POST /session` as the cloud gets it. Raises Unusable: another browser than the cell's is asked."""
    said = body.get("capabilities")
    legacy = body.get("desiredCapabilities")
    said = said if isinstance(said, dict) else {"alwaysMatch": legacy if isinstance(legacy, dict) else {}}
    always, choices = _tree(said.get("alwaysMatch")), said.get("firstMatch")
    firsts = [_tree(choice) for choice in choices if isinstance(choice, dict)] if isinstance(choices, list) else []
    for choice in (always, *firsts):
        _same_browser(choice, wish.cell)
    wanted = _wanted(cloud, wish)
    options = NAMESPACES[cloud.vendor]
    own = [choice.pop(options, None) for choice in (always, *firsts)] if options else []
    firsts = [{key: value for key, value in choice.items() if key not in wanted} for choice in firsts]
    always |= wanted
    if options:
        theirs: Tree = {}
        for part in own:
            theirs |= _tree(part)
        always[options] = merged(_options(cloud, wish, always), theirs)
    # Emulators and simulators of Sauce Labs need the old form, too.
    old = {"desiredCapabilities": always} if legacy is not None or _is_virtual_device(always) else {}
    return {"capabilities": {"alwaysMatch": always, **({"firstMatch": firsts} if firsts else {})}, **old}


def merged(ours: Tree, theirs: Tree) -> Tree:
    """The vendor's options: what the test says stays, but for the account, the build, and tags, which add up."""
    kept = {key: value for key, value in theirs.items() if key not in ACCOUNT}
    result = ours | kept
    for key in ("build", "buildName"):
        if key in ours:
            result[key] = ours[key]
    if isinstance(ours.get("tags"), list):
        more = theirs.get("tags")
        result["tags"] = [*ours["tags"], *(more if isinstance(more, list) else ())]
    notes, own = ours.get("custom-data"), theirs.get("custom-data")
    if isinstance(notes, dict) and isinstance(own, dict):
        result["custom-data"] = own | notes
    return result


def is_real_device(capabilities: Tree) -> bool:
    """True for a phone or tablet that can be touched, as Sauce Labs tells them: by platform and device name."""
    platform = str(capabilities.get("platformName", "")).lower()
    return platform in MOBILE and not _is_virtual_device(capabilities)


def _is_virtual_device(capabilities: Tree) -> bool:
    device = str(capabilities.get("appium:deviceName") or capabilities.get("deviceName") or "").lower()
    return any(word in device for word in VIRTUAL)


def _same_browser(choice: Tree, cell: Mapping[str, str]) -> None:
    asked_for, wanted = choice.get("browserName"), cell.get("browser")
    if wanted and isinstance(asked_for, str) and asked_for and _browser(asked_for) != _browser(wanted):
        raise Unusable(
            f"The test asks for the browser {asked_for!r}, and this part of the suite is for {wanted!r}.",
            remedy="Let the test read $DAVY_BROWSER, or take `browser` out of the suite's matrix.",
        )


def _browser(name: str) -> str:
    return BROWSERS.get(name.lower(), name.lower())


def _wanted(cloud: Cloud, wish: SessionWish) -> Tree:
    """Standard capabilities, from the cell."""
    cell = wish.cell
    device = cell.get("device", "")
    found: Tree = {}
    if cell.get("browser"):
        found["browserName"] = cell["browser"]
    if cell.get("version"):
        found["browserVersion"] = cell["version"]
    # BrowserStack and LambdaTest take platforms in their own options.
    if cell.get("platform") and cloud.vendor in (Vendor.SAUCE, Vendor.GRID):
        found["platformName"] = cell["platform"]
    if device and cloud.vendor is not Vendor.BROWSERSTACK:
        found["appium:deviceName"] = device
        found |= {"appium:platformVersion": cell["platform_version"]} if cell.get("platform_version") else {}
    if wish.app:
        found["appium:app"] = wish.app
    return found


def _options(cloud: Cloud, wish: SessionWish, capabilities: Tree) -> Tree:
    match cloud.vendor:
        case Vendor.SAUCE:
            return _sauce(wish, capabilities) | dict(wish.options)
        case Vendor.BROWSERSTACK:
            return _browserstack(wish) | dict(wish.options)
        case Vendor.LAMBDATEST:
            return _lambdatest(wish) | dict(wish.options)
        case Vendor.GRID:
            return {}
        case _:
            assert_never(cloud.vendor)


def _sauce(wish: SessionWish, capabilities: Tree) -> Tree:
    # Real devices and virtual ones cannot share a build.
    build = f"{wish.build}, real devices" if is_real_device(capabilities) else wish.build
    found: Tree = {"name": wish.name, "build": build, "tags": list(wish.tags), "custom-data": dict(wish.notes)}
    if not is_real_device(capabilities):
        # At most three hours: https://docs.saucelabs.com/dev/test-configuration-options/#maxduration
        found["maxDuration"] = max(60, min(wish.seconds, 10800))
    if wish.tunnel:
        found["tunnelName"] = wish.tunnel
        found |= {"tunnelOwner": wish.tunnel_owner} if wish.tunnel_owner else {}
    return found


def _browserstack(wish: SessionWish) -> Tree:
    found: Tree = {"sessionName": wish.name, "buildName": wish.build, "buildTag": ",".join(wish.tags)}
    platform, _, version = wish.cell.get("platform", "").partition(" ")
    if wish.cell.get("device"):
        found |= {"deviceName": wish.cell["device"], "osVersion": wish.cell.get("platform_version", "")}
    elif platform:
        found |= {"os": platform, "osVersion": version}
    if wish.tunnel:
        found |= {"local": True, "localIdentifier": wish.tunnel}
    return {key: value for key, value in found.items() if value != ""}


def _lambdatest(wish: SessionWish) -> Tree:
    found: Tree = {"name": wish.name, "build": wish.build, "tags": list(wish.tags), "w3c": True}
    if wish.cell.get("platform"):
        found["platformName"] = wish.cell["platform"]
    if wish.tunnel:
        found |= {"tunnel": True, "tunnelName": wish.tunnel}
    return found


def _tree(value: object) -> Tree:
    return dict(value) if isinstance(value, dict) else {}

"""Job request: the requests by which jobs begin on Sauce Labs, and the settings their machines are given."""

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.suites.clouds.capabilities import SessionWish
from davy.pipeline.suites.clouds.saucelabs.cells import SauceJob, with_specs
from davy.pipeline.suites.clouds.saucelabs.config_keys import FRAMEWORKS, FileKind
from davy.pipeline.suites.clouds.vendors import Call, Cloud, inner

LONGEST = 10800
"""Seconds that a job may take: https://docs.saucelabs.com/dev/test-configuration-options/#maxduration"""
IDLE = 9999
BROWSERS = {
    (FileKind.CYPRESS, "chrome"): "googlechrome",
    (FileKind.CYPRESS, "webkit"): "cypress-webkit",
    (FileKind.TESTCAFE, "chrome"): "googlechrome",
    (FileKind.REPLAY, "chrome"): "googlechrome",
    (FileKind.REPLAY, ""): "googlechrome",
    (FileKind.CUCUMBER, ""): "playwright-chromium",
}
PLAYWRIGHT = {"chrome": "googlechrome", "chromium": "playwright-chromium", "firefox": "playwright-firefox"} | {
    "webkit": "playwright-webkit",
}
"""Names by which the hub knows a framework's browsers."""
FRAMEWORK = {FileKind.CUCUMBER: "playwright"}
NOT_FOR_THE_RUNNER = {"shard", "numShards", "mode", "passThreshold", "smartRetry", "shardGrepEnabled"}
RENAMED = {FileKind.PLAYWRIGHT: {"params": "param", "excludedTestFiles": "testIgnore"}}
"""Keys that the runner on the machine calls otherwise than the file."""
NATIVE = {FileKind.ESPRESSO: "ANDROID_INSTRUMENTATION", FileKind.XCUITEST: "XCUITEST"}
SUITE_APPS = ("app", "testApp")


@dataclass(frozen=True, slots=True, kw_only=True)
class Apps:
    """What was uploaded, as `storage:ID`."""

    app: str
    test_app: str = ""
    others: tuple[str, ...] = ()


def framework(kind: FileKind) -> str:
    """Its name to the cloud."""
    return FRAMEWORK.get(kind, kind.value)


def start_call(cloud: Cloud, job: SauceJob, apps: Apps, wish: SessionWish, options: Mapping[str, Any]) -> Call:
    """Begin a job on a virtual machine or device; `options`: of its tests, for devices."""
    suite, project, device = job.suite, job.project, job.device
    batch = {
        "framework": framework(job.kind),
        "frameworkVersion": _version(job),
        "runnerVersion": project.runner_version,
        # What a browser's runner looks up its settings by; on a device, the tests themselves.
        "testFile": job.name if job.kind in FRAMEWORKS else apps.test_app,
        "args": [{"name": name, "value": value} for name, value in args(options).items()],
        # As saucectl has it: fewer lose the film, more lose frames.
        "video_fps": 13,
    }
    sauce = {
        "name": wish.name,
        "build": wish.build,
        "tags": list(wish.tags),
        "tunnelName": wish.tunnel,
        "tunnelOwner": wish.tunnel_owner,
        "screen_resolution": suite.get("screenResolution", ""),
        "timeZone": suite.get("timeZone", ""),
        "public": project.visibility,
        "armRequired": suite.get("armRequired") or "",
        "user_agent": "davy",
        "idleTimeout": IDLE,
        "maxDuration": max(60, min(wish.seconds, LONGEST)),
        "_batch": {key: value for key, value in batch.items() if value != ""},
    }
    always = {
        "app": apps.app,
        "testApp": apps.test_app,
        "otherApps": list(apps.others),
        "browserName": browser(job),
        "browserVersion": suite.get("browserVersion", ""),
        "platformName": device.platform or suite.get("platformName", ""),
        "platformVersion": device.version,
        "deviceName": device.name,
        "deviceOrientation": device.orientation,
        "sauce:options": _filled(sauce),
    }
    asked = _filled(always)
    # Emulators and simulators need the old form beside the new one.
    body = {"capabilities": {"alwaysMatch": asked}, "desiredCapabilities": asked}
    return Call(method="POST", url=f"{cloud.at.hub}/session", body=body)


def device_call(cloud: Cloud, job: SauceJob, apps: Apps, wish: SessionWish, options: Mapping[str, Any]) -> Call:
    """Begin a job on a real device."""
    device, only = job.device, options.get("class")
    if device.id:
        query: dict[str, Any] = {"type": "HardcodedDeviceQuery", "device_descriptor_id": device.id}
    else:
        query = {
            "type": "DynamicDeviceQuery",
            "carrier_connectivity_requested": device.carrier,
            "requested_device_type": device.kind,
            "device_name": device.name,
            "platform_version": device.version,
            "private_devices_only": device.private,
        }
    ios = job.kind is FileKind.XCUITEST
    body = {
        "test_framework": NATIVE[job.kind],
        "app_id": apps.app,
        "test_app_id": apps.test_app,
        "other_apps": list(apps.others),
        "device_query": {key: value for key, value in query.items() if value not in ("", False)},
        "test_options": {} if ios else {k: v for k, v in args(options).items() if k != "useTestOrchestrator"},
        "tests_to_run": list(only or ()) if ios else [],
        "tests_to_skip": list(options.get("notClass") or ()) if ios else [],
        "test_name": wish.name,
        "tunnel_name": wish.tunnel,
        "tunnel_owner": wish.tunnel_owner,
        "use_test_orchestrator": bool(options.get("useTestOrchestrator")),
        "tags": list(wish.tags),
        # Real devices and virtual ones cannot share a build.
        "build": f"{wish.build}, real devices",
        "settings": job.suite.get("appSettings") or {},
    }
    return Call(method="POST", url=f"{cloud.at.api}/v1/rdc/native-composer/tests", body=_filled(body))


def test_options(job: SauceJob, failed: Sequence[str]) -> dict[str, Any]:
    """The tests' own options, for devices; at a second try only what failed, where the file asks for that."""
    said = {**(inner(job.suite, "testOptions") or {}), **job.options}
    if not (failed and job.failed_only):
        return said
    return {**said, "class": [_test(job.kind, job.device.real, case) for case in failed]}


def runner_settings(job: SauceJob, items: Sequence[str], failed: Sequence[str]) -> dict[str, Any]:
    """`sauce-runner.json`: the file with this one suite, as the machine's runner reads it."""
    suite = with_specs(job.kind, job.suite, items) if items else job.suite
    suite = _only_failed(job, suite, failed) if failed and job.failed_only else suite
    renamed = RENAMED.get(job.kind, {})
    own = {renamed.get(key, key): value for key, value in suite.items() if key not in NOT_FOR_THE_RUNNER}
    own |= {"name": job.name, "env": {**(suite.get("env") or {}), **(job.project.tree.get("env") or {})}}
    if job.kind is FileKind.CYPRESS:
        config = own.get("config") or {}
        own["config"] = {"testingType": "e2e", **config, "env": {**(config.get("env") or {}), **own.pop("env")}}
    tree = {
        key: value for key, value in job.project.tree.items() if key not in ("reporters", "notifications", "suites")
    }
    settings: dict[str, Any] = _plain({**tree, "suites": [own]})
    return settings


def browser(job: SauceJob) -> str:
    """The browser as the hub knows it."""
    name = str(
        job.suite.get("browserName") or job.suite.get("browser") or inner(job.suite, "params", "browserName") or ""
    )
    if job.kind in (FileKind.PLAYWRIGHT, FileKind.CUCUMBER):
        return PLAYWRIGHT.get(name, name or "playwright-chromium")
    return BROWSERS.get((job.kind, name.lower()), name) if job.kind in FRAMEWORKS else ""


def args(options: Mapping[str, Any]) -> dict[str, str]:
    """Options as the cloud takes them: texts, lists with commas between, and nothing that is empty."""
    found = {name: ",".join(map(str, value)) if isinstance(value, list) else value for name, value in options.items()}
    return {name: _text(value) for name, value in found.items() if value is not None and value != ""}


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _version(job: SauceJob) -> str:
    if job.kind not in FRAMEWORKS:
        return "1.0.0-stable"
    return str(job.suite.get("playwrightVersion") or job.project.version or "latest").removeprefix("v")


def _test(kind: FileKind, real: bool, case: str) -> str:
    """A case as the frameworks name it: Espresso `class#test`, XCUITest `class/test`, on simulators without dots."""
    classname, _, name = case.partition("::")
    if kind is FileKind.ESPRESSO:
        return f"{classname}#{name}" if name else classname
    return f"{classname if real else classname.replace('.', '/')}/{name}" if name else classname


def _only_failed(job: SauceJob, suite: Mapping[str, Any], failed: Sequence[str]) -> Mapping[str, Any]:
    names = "|".join(re.escape(case.partition("::")[2] or case) for case in failed)
    match job.kind:
        case FileKind.PLAYWRIGHT:
            return {**suite, "params": {**(inner(suite, "params") or {}), "grep": names}}
        case FileKind.TESTCAFE:
            return {**suite, "filter": {**(inner(suite, "filter") or {}), "testGrep": names}}
        case _:
            return suite


def _filled(tree: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in tree.items() if value not in ("", None, [], {})}


def _plain(value: object) -> Any:
    """As JSON has it; spans in nanoseconds, which is how the runner's own language writes them."""
    if isinstance(value, timedelta):
        return int(value.total_seconds() * 1e9)
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value

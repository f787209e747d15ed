"""Config keys: what a `.sauce/config.yml` may say by kind, what is wrong in one, and what davy does another way."""

import re
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any

from davy.pipeline.config.parsing.yaml_tree import Place
from davy.pipeline.suites.clouds.vendors import ONLY_REAL_DEVICES

Finding = tuple[Place, str]


class FileKind(Enum):
    """What a file is for."""

    PLAYWRIGHT = "playwright"
    CYPRESS = "cypress"
    TESTCAFE = "testcafe"
    REPLAY = "puppeteer-replay"
    CUCUMBER = "playwright-cucumberjs"
    ESPRESSO = "espresso"
    XCUITEST = "xcuitest"


FRAMEWORKS = (FileKind.PLAYWRIGHT, FileKind.CYPRESS, FileKind.TESTCAFE, FileKind.REPLAY, FileKind.CUCUMBER)
"""Run in a browser on a machine of Sauce Labs, from the project, which is uploaded."""
NATIVE = (FileKind.ESPRESSO, FileKind.XCUITEST)
"""Run on devices, from two apps."""
OTHERS = ("apitest", "xctest", "imagerunner", "appium")
"""Kinds that saucectl has and davy has not."""
SECTIONS = {FileKind.PLAYWRIGHT: "playwright", FileKind.CUCUMBER: "playwright", FileKind.CYPRESS: "cypress"} | {
    FileKind.TESTCAFE: "testcafe",
    FileKind.ESPRESSO: "espresso",
    FileKind.XCUITEST: "xcuitest",
}
COMMON = {"apiVersion", "kind", "sauce", "suites", "defaults", "artifacts", "reporters", "notifications"} | {
    "showConsoleLog",
}
PROJECT = {"rootDir", "runnerVersion", "npm", "env", "docker", "beforeExec", "nodeVersion"}
SAUCE = {"region", "metadata", "tunnel", "concurrency", "sauceignore", "experiments", "retries", "visibility"} | {
    "launchOrder",
}
OWN = {"name", "timeout", "passThreshold", "smartRetry", "appSettings", "mode"}
WEB = {"env", "platformName", "screenResolution", "preExec", "timeZone", "shard", "headless", "armRequired"}
SUITE = {
    FileKind.PLAYWRIGHT: WEB
    | {"playwrightVersion", "testMatch", "excludedTestFiles", "params", "numShards"}
    | {"shardGrepEnabled"},
    FileKind.CYPRESS: WEB | {"browser", "browserVersion", "config", "shardGrepEnabled"},
    FileKind.TESTCAFE: WEB
    | {"browserName", "browserVersion", "browserArgs", "src", "screenshots", "excludedTestFiles", "tsConfigPath"}
    | {"clientScripts", "skipJsErrors", "quarantineMode", "skipUncaughtErrors", "selectorTimeout", "assertionTimeout"}
    | {"pageLoadTimeout", "speed", "stopOnFirstFail", "disablePageCaching", "disableScreenshots", "filter"}
    | {"disableVideo", "compilerOptions", "simulators", "esm"},
    FileKind.REPLAY: {"recording", "recordings", "browserName", "browserVersion", "platform"},
    FileKind.CUCUMBER: WEB | {"browserName", "browserVersion", "options"},
    FileKind.ESPRESSO: {"testApp", "testAppDescription", "devices", "emulators", "testOptions"},
    FileKind.XCUITEST: {"app", "testApp", "testAppDescription", "devices", "simulators", "testOptions", "shard"}
    | {"testListFile"},
}
NOTED = {
    ("notifications",): "davy sends none; the story of a run goes to its own pagers",
    ("reporters",): "davy writes JUnit and a table of its own; see `--out`",
    ("docker",): "is left out: davy runs these suites on Sauce Labs only",
    ("beforeExec",): "is left out: saucectl runs it for suites in Docker only",
    ("showConsoleLog",): "is left out: the job's log is fetched with the artifacts",
    ("sauce", "launchOrder"): "is left out: davy starts what takes longest first",
    ("sauce", "experiments"): "is left out",
}
WHENS = ("always", "fail", "pass", "never")
VISIBLE = ("public", "public restricted", "team", "share", "private")
SHARDS = ("spec", "concurrency")
PLAYWRIGHT_BROWSERS = ("chromium", "firefox", "webkit", "chrome")
APPS = {FileKind.ESPRESSO: (".apk", ".aab"), FileKind.XCUITEST: (".ipa", ".app", ".zip")}


def kind_of(value: object) -> FileKind | None:
    """The kind that davy runs; None for any other."""
    name = str(value or "").lower()
    return next((kind for kind in FileKind if kind.value == name), FileKind.REPLAY if name == "replay" else None)


def not_supported(value: object) -> str:
    """Why not."""
    known = ", ".join(kind.value for kind in FileKind)
    if str(value).lower() in OTHERS:
        return f"{value!r} runs in saucectl only; davy runs {known}"
    return f"must be one of {known}" + (f", not {value!r}" if value else "; the file names none")


def section(kind: FileKind) -> str:
    """Where the framework's version or the apps are said."""
    return SECTIONS.get(kind, "")


def default_platform(kind: FileKind, suite: Mapping[str, Any]) -> dict[str, str]:
    """The platform that saucectl takes where a suite names none."""
    if kind is FileKind.REPLAY:
        return {"platformName": str(suite.get("platform") or "Windows 10")}
    safari = str(suite.get("browserName", "")).lower() == "safari"
    if kind is FileKind.CUCUMBER:
        return {"platformName": "macOS 12" if safari else "Windows 11"}
    if suite.get("simulators"):
        return {}
    return {"platformName": "macOS 11.00" if safari and kind is FileKind.TESTCAFE else "Windows 10"}


def problems(kind: FileKind, tree: Mapping[str, Any]) -> Iterator[Finding]:
    """Everything in the file that cannot be carried out."""
    yield from _sauce(kind, tree)
    yield from _version(kind, tree)
    if kind in NATIVE:
        yield from _apps(kind, tree)
    yield from _artifacts(tree)
    suites = tree.get("suites")
    if not isinstance(suites, list) or not suites:
        yield ("suites",), "must be a list with a suite at least"
        return
    names: set[str] = set()
    for index, suite in enumerate(suites):
        if not isinstance(suite, dict):
            yield ("suites", index), "must be a mapping"
            continue
        yield from _suite(kind, ("suites", index), suite, names, tree)


def notes(kind: FileKind, tree: Mapping[str, Any]) -> Iterator[Finding]:
    """What davy does another way."""
    yield from _unknown((), tree, COMMON | ({section(kind)} - {""}) | (PROJECT if kind in FRAMEWORKS else set()))
    yield from _unknown(("sauce",), tree.get("sauce") or {}, SAUCE)
    for place, what in NOTED.items():
        if inner(tree, *place) not in (None, False, {}, []):
            yield place, what
    if inner(tree, "npm", "dependencies"):
        yield ("npm", "dependencies"), "davy uploads the whole of node_modules, which has them"
    for index, suite in enumerate(tree.get("suites") or ()):
        yield from _unknown(("suites", index), suite, OWN | SUITE[kind])
        if inner(suite, "shard") == "concurrency":
            yield ("suites", index, "shard"), "davy spreads the files by how long they took, not round-robin"
        only = inner(suite, "smartRetry", "failedOnly")
        if only and kind in (FileKind.CYPRESS, FileKind.REPLAY, FileKind.CUCUMBER):
            yield ("suites", index, "smartRetry"), f"with {kind.value} a retry runs the whole job again"


def inner(tree: object, *path: str) -> Any:
    """What lies at the path of keys; None where it does not go so far."""
    for key in path:
        tree = tree.get(key) if isinstance(tree, Mapping) else None
    return tree


def _unknown(place: Place, tree: Mapping[str, Any], known: set[str]) -> Iterator[Finding]:
    """As saucectl, which warns of such a key and runs."""
    for key in tree:
        if key not in known:
            yield (*place, key), "is a key that davy does not know here; it is left out"


def _sauce(kind: FileKind, tree: Mapping[str, Any]) -> Iterator[Finding]:
    sauce = tree.get("sauce", {})
    if not isinstance(sauce, Mapping):
        yield ("sauce",), "must be a mapping"
        return
    region = str(sauce.get("region") or "")
    if region in ONLY_REAL_DEVICES and kind in FRAMEWORKS:
        yield ("sauce", "region"), f"Sauce Labs has only real devices in {region}, no browsers"
    if sauce.get("visibility") and sauce["visibility"] not in VISIBLE:
        yield ("sauce", "visibility"), f"must be one of {', '.join(VISIBLE)}"
    for key in ("concurrency", "retries"):
        value = sauce.get(key)
        if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 0):
            yield ("sauce", key), "must be a number, 0 or above"


def _version(kind: FileKind, tree: Mapping[str, Any]) -> Iterator[Finding]:
    name = section(kind)
    if kind in FRAMEWORKS and name and not inner(tree, name, "version"):
        yield (name, "version"), f"is needed: the version of {name} to run with"
    if kind is FileKind.CYPRESS and str(tree.get("apiVersion")) != "v1":
        yield ("apiVersion",), "davy reads Cypress files of apiVersion v1, which are for Cypress 10 and later"


def _apps(kind: FileKind, tree: Mapping[str, Any]) -> Iterator[Finding]:
    name = section(kind)
    here = inner(tree, name)
    for key in ("app", "testApp"):
        app = str(inner(here, key) or "")
        each = all(isinstance(suite, dict) and suite.get(key) for suite in tree.get("suites") or [None])
        if not app and not each:
            yield (name, key), "is needed: a file, or storage:…"
        elif app and not app.startswith(("storage:", "http")) and not app.endswith(APPS[kind]):
            yield (name, key), f"must end in {' or '.join(APPS[kind])}, or be storage:…"
        elif app.startswith("http"):
            yield (name, key), "davy fetches no apps; name a file, or storage:…"
        elif app.endswith(".app"):
            yield (name, key), "is a folder of Xcode's; davy uploads files: pack it as .ipa"


def _artifacts(tree: Mapping[str, Any]) -> Iterator[Finding]:
    when = inner(tree, "artifacts", "download", "when")
    if when is not None and when not in WHENS:
        yield ("artifacts", "download", "when"), f"must be one of {', '.join(WHENS)}"


def _suite(
    kind: FileKind, place: Place, suite: Mapping[str, Any], names: set[str], tree: Mapping[str, Any]
) -> Iterator[Finding]:
    name = str(suite.get("name") or "")
    if not name:
        yield (*place, "name"), "is needed"
    elif name in names:
        yield (*place, "name"), f"a second suite {name!r}; each needs its own name"
    names.add(name)
    most = (inner(tree, "sauce", "retries") or 0) + 1
    if _above(suite.get("passThreshold"), most):
        yield (*place, "passThreshold"), f"can never be met: with `sauce.retries` there are at most {most} tries"
    if suite.get("mode") not in (None, "sauce"):
        yield (*place, "mode"), "davy runs these suites on Sauce Labs only; for Docker write a suite `in: image`"
    if suite.get("shard") is not None and suite["shard"] not in SHARDS:
        yield (*place, "shard"), f"must be one of {', '.join(SHARDS)}"
    if suite.get("shard") and suite.get("numShards"):
        yield (*place, "numShards"), "and `shard` are two ways to the same; take one"
    if suite.get("shardGrepEnabled"):
        yield (*place, "shardGrepEnabled"), "davy does not look into spec files; leave it out, or shard by file names"
    yield from _what(kind, place, suite, str(inner(tree, "sauce", "region") or ""))


def _above(value: object, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > most


def _what(kind: FileKind, place: Place, suite: Mapping[str, Any], region: str) -> Iterator[Finding]:
    """What the kind needs of a suite."""
    if kind is FileKind.PLAYWRIGHT:
        browser = inner(suite, "params", "browserName")
        if browser not in PLAYWRIGHT_BROWSERS:
            yield (*place, "params", "browserName"), f"must be one of {', '.join(PLAYWRIGHT_BROWSERS)}"
        yield from _patterns(place, suite)
    if kind is FileKind.CYPRESS and not suite.get("browser"):
        yield (*place, "browser"), "is needed"
    if kind is FileKind.CYPRESS and not inner(suite, "config", "specPattern"):
        yield (*place, "config", "specPattern"), "is needed: which files are tests"
    if kind is FileKind.TESTCAFE and not suite.get("browserName") and not suite.get("simulators"):
        yield (*place, "browserName"), "is needed, or simulators"
    if kind is FileKind.REPLAY and not (suite.get("recording") or suite.get("recordings")):
        yield (*place, "recordings"), "is needed: which recordings to replay"
    if kind is FileKind.XCUITEST and suite.get("testListFile"):
        yield (*place, "testListFile"), "davy does not read lists of tests; name classes under testOptions"
    if kind is FileKind.XCUITEST and suite.get("shard"):
        yield (*place, "shard"), "davy does not shard XCUITest by lists of tests; write a suite for each"
    if kind in NATIVE:
        yield from _devices(place, suite, region)


def _patterns(place: Place, suite: Mapping[str, Any]) -> Iterator[Finding]:
    for key in ("testMatch", "excludedTestFiles"):
        value = suite.get(key)
        rows = value if isinstance(value, list) else [value] if value else []
        for index, pattern in enumerate(rows):
            try:
                re.compile(str(pattern))
            except re.error as error:
                where: Place = (*place, key, index) if isinstance(value, list) else (*place, key)
                yield where, f"is no regular expression: {error}"


def _devices(place: Place, suite: Mapping[str, Any], region: str) -> Iterator[Finding]:
    virtual = "emulators" if "emulators" in suite else "simulators"
    if not suite.get("devices") and not suite.get(virtual):
        yield (*place, "devices"), "is needed, or emulators"
    for index, device in enumerate(suite.get("devices") or ()):
        if not inner(device, "name") and not inner(device, "id"):
            yield (*place, "devices", index), "needs a name or an id"
    if suite.get(virtual) and region in ONLY_REAL_DEVICES:
        yield (*place, virtual), f"Sauce Labs has only real devices in {region}"
    for index, device in enumerate(suite.get(virtual) or ()):
        name = str(inner(device, "name") or "")
        if virtual.rstrip("s") not in name.lower():
            yield (*place, virtual, index, "name"), f"must be the name of one of Sauce Labs' {virtual}"
        if not inner(device, "platformVersions"):
            yield (*place, virtual, index, "platformVersions"), "is needed"

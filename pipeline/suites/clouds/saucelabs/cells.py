"""Cells: the suites of a `.sauce/config.yml` as cells to run: a device each, a shard each, a browser each."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field, replace
from datetime import timedelta
from typing import Any

from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.suites.clouds.saucelabs.config_file import Artifacts, SauceFile, texts
from davy.pipeline.suites.clouds.saucelabs.config_keys import FRAMEWORKS, FileKind, inner
from davy.pipeline.suites.clouds.saucelabs.ignore_file import translated
from davy.pipeline.suites.plan.pieces import Cell, distinct, plain


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A device that a job is for; without a name and id: no device but a browser."""

    name: str = ""
    id: str = ""
    platform: str = ""
    version: str = ""
    orientation: str = ""
    real: bool = False
    kind: str = ""
    """ANY, PHONE or TABLET."""
    private: bool = False
    carrier: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SauceJob:
    """One job on Sauce Labs, but for its test files, which the spread decides."""

    kind: FileKind
    name: str
    """The suite's, as Sauce Labs shows it."""
    project: SauceFile
    suite: Mapping[str, Any]
    device: Device = Device()
    timeout: timedelta = timedelta()
    """0: as the suite in davy.yaml says."""
    artifacts: Artifacts = Artifacts()
    failed_only: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)
    """More test options: the shard."""


def cells(parsed: SauceFile, files: Sequence[str]) -> tuple[Cell, ...]:
    """Every job that the file asks for. `files`: the project's, relative to its root."""
    found: list[Cell] = []
    for suite in parsed.suites:
        for job, own in _jobs(parsed, suite, files):
            needed = threshold(suite)
            found.append(Cell(name=plain(job.name), settings={"job": job}, files=own, pass_threshold=needed))
    names = distinct([cell.name for cell in found])
    return tuple(replace(cell, name=name) for cell, name in zip(found, names, strict=True))


def threshold(suite: Mapping[str, Any]) -> int:
    """How many tries of this suite must pass: its own word, and 1 where it has none."""
    said = suite.get("passThreshold")
    return said if isinstance(said, int) and not isinstance(said, bool) and said > 0 else 1


def empty(parsed: SauceFile, files: Sequence[str]) -> tuple[str, ...]:
    """Names of suites that are to be spread by file and whose patterns name none."""
    asked = [suite for suite in parsed.suites if _spread(parsed.kind, suite) and not specs(parsed.kind, suite, files)]
    return tuple(str(suite["name"]) for suite in asked)


def specs(kind: FileKind, suite: Mapping[str, Any], files: Sequence[str]) -> tuple[str, ...]:
    """The suite's test files. Playwright has regular expressions for them, found anywhere; the others have globs."""
    wanted, unwanted = _patterns(kind, suite)
    if kind is FileKind.PLAYWRIGHT:
        take = [re.compile(pattern).search for pattern in wanted]
        leave = [re.compile(pattern).search for pattern in unwanted]
    else:
        take = [re.compile(translated(pattern.removeprefix("./"))).fullmatch for pattern in wanted]
        leave = [re.compile(translated(pattern.removeprefix("./"))).fullmatch for pattern in unwanted]
    return tuple(
        path for path in sorted(files) if any(fit(path) for fit in take) and not any(fit(path) for fit in leave)
    )


def with_specs(kind: FileKind, suite: Mapping[str, Any], items: Sequence[str]) -> Mapping[str, Any]:
    """The suite for these test files alone."""
    match kind:
        case FileKind.PLAYWRIGHT:
            return {**suite, "testMatch": list(items)}
        case FileKind.CYPRESS:
            return {**suite, "config": {**(inner(suite, "config") or {}), "specPattern": list(items)}}
        case FileKind.TESTCAFE:
            return {**suite, "src": list(items)}
        case FileKind.CUCUMBER:
            return {**suite, "options": {**(inner(suite, "options") or {}), "paths": list(items)}}
        case FileKind.REPLAY:
            return {**suite, "recording": items[0]}
        case FileKind.ESPRESSO | FileKind.XCUITEST:
            return suite


def _patterns(kind: FileKind, suite: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if kind is FileKind.CYPRESS:
        return texts(inner(suite, "config", "specPattern")), texts(inner(suite, "config", "excludeSpecPattern"))
    if kind is FileKind.CUCUMBER:
        return texts(inner(suite, "options", "paths")), texts(inner(suite, "options", "excludedTestFiles"))
    if kind is FileKind.REPLAY:
        return texts(suite.get("recordings") or suite.get("recording")), ()
    key = "testMatch" if kind is FileKind.PLAYWRIGHT else "src"
    return texts(suite.get(key)), texts(suite.get("excludedTestFiles"))


def _spread(kind: FileKind, suite: Mapping[str, Any]) -> bool:
    return bool(suite.get("shard")) or kind is FileKind.REPLAY


def _jobs(
    parsed: SauceFile, suite: Mapping[str, Any], files: Sequence[str]
) -> Iterator[tuple[SauceJob, tuple[str, ...]]]:
    """Jobs, with the files that are to be spread over several such; none: what it runs is settled."""
    kind = parsed.kind
    if kind not in FRAMEWORKS or suite.get("simulators"):
        for job in _on_devices(parsed, suite):
            yield job, ()
        return
    name, own = str(suite["name"]), specs(kind, suite, files) if _spread(kind, suite) else ()
    if suite.get("shard") == "spec" or kind is FileKind.REPLAY:
        for path in own:
            yield _job(parsed, with_specs(kind, suite, (path,)), f"{name} · {path}"), ()
    elif suite.get("shard") == "concurrency":
        yield _job(parsed, suite, name), own
    elif _count(suite.get("numShards")) > 1:
        for shard, of in _numbered(suite["numShards"]):
            params = {**(inner(suite, "params") or {}), "shard": f"{shard}/{of}"}
            yield _job(parsed, {**suite, "params": params}, f"{name} · {shard} of {of}"), ()
    else:
        yield _job(parsed, suite, name), ()


def _on_devices(parsed: SauceFile, suite: Mapping[str, Any]) -> Iterator[SauceJob]:
    options = inner(suite, "testOptions") or {}
    shards = _numbered(options.get("numShards")) if _count(options.get("numShards")) > 1 else [(1, 1)]
    for device in _devices(parsed.kind, suite):
        where = device.name or device.id
        name = " · ".join(part for part in (str(suite["name"]), f"{where} {device.version}".strip()) if part)
        for shard, of in shards:
            more = {"shardIndex": shard - 1, "numShards": of} if of > 1 else {}
            number = f" · {shard} of {of}" if of > 1 else ""
            yield _job(parsed, suite, f"{name}{number}", device=device, options=more)


def _devices(kind: FileKind, suite: Mapping[str, Any]) -> Iterator[Device]:
    platform = "Android" if kind is FileKind.ESPRESSO else "iOS"
    for row in suite.get("emulators") or suite.get("simulators") or ():
        for version in texts(row.get("platformVersions")):
            yield Device(
                name=str(row.get("name") or ""),
                platform=str(row.get("platformName") or platform),
                version=version,
                orientation=str(row.get("orientation") or ""),
            )
    for row in suite.get("devices") or ():
        said = row.get("options") or {}
        yield Device(
            name=str(row.get("name") or ""),
            id=str(row.get("id") or ""),
            platform=platform,
            version=str(row.get("platformVersion") or ""),
            real=True,
            kind=str(said.get("deviceType") or "").upper(),
            private=bool(said.get("private")),
            carrier=bool(said.get("carrierConnectivity")),
        )


def _job(
    parsed: SauceFile,
    suite: Mapping[str, Any],
    name: str,
    *,
    device: Device | None = None,
    options: Mapping[str, Any] | None = None,
) -> SauceJob:
    return SauceJob(
        kind=parsed.kind,
        name=name,
        project=parsed,
        suite=suite,
        device=device or Device(),
        timeout=suite["timeout"],
        artifacts=parsed.artifacts,
        failed_only=bool(inner(suite, "smartRetry", "failedOnly")),
        options=options or {},
    )


def _count(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _numbered(value: object) -> list[tuple[int, int]]:
    of = _count(value)
    return [(number, of) for number in range(1, of + 1)]

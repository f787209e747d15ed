"""Config file: a `.sauce/config.yml` as it is, read into values. Nothing in it is dropped without a word.

The form is that of saucectl: https://docs.saucelabs.com/dev/cli/saucectl/
"""

import re
from collections.abc import Mapping
from dataclasses import field, replace
from datetime import timedelta
from typing import Any

from davy.pipeline.config.parsing import yaml_tree
from davy.pipeline.config.parsing.yaml_tree import Place, Tree, YamlReading
from davy.pipeline.core.errors import Problem, Unusable
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.text import nouns, time_text
from davy.pipeline.suites.clouds.saucelabs import config_keys
from davy.pipeline.suites.clouds.saucelabs.config_keys import FRAMEWORKS, FileKind

VARIABLE = re.compile(r"\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))")
REMEDY = "Mend the file, or run these suites with saucectl."


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifacts:
    """What is fetched of a job."""

    when: str = "never"
    match: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SauceFile:
    """The file, with its variables put in."""

    kind: FileKind
    tree: Mapping[str, Any]
    """All of it, as plain values."""
    suites: tuple[Mapping[str, Any], ...]
    version: str = ""
    """Of the framework; or the package.json that says which are allowed, relative to the root."""
    version_line: int | None = None
    allowed: str = ""
    """The range of versions, where a package.json says it."""
    runner_version: str = ""
    region: str = ""
    concurrency: int = 2
    retries: int = 0
    build: str = ""
    tags: tuple[str, ...] = ()
    visibility: str = ""
    tunnel: str = ""
    tunnel_owner: str = ""
    root: str = "."
    ignore_file: str = ""
    artifacts: Artifacts = Artifacts()
    notes: tuple[Problem, ...] = field(default=())
    """What davy does another way, or leaves out, each with its line."""

    @property
    def package(self) -> str:
        """The package.json that the version is left to; empty where the file says the version."""
        return self.version if "package.json" in self.version else ""

    def with_version(self, version: str, runner_version: str) -> "SauceFile":
        """With this version of the framework, in the tree, too: the runner reads it there."""
        name = config_keys.section(self.kind)
        tree = {**self.tree, name: {**_dict(self.tree, name), "version": version}} if name else self.tree
        return replace(self, version=version, runner_version=runner_version, tree=tree)


def read(text: str, file: str, environment: Mapping[str, str]) -> SauceFile:
    """The file's values. Raises Unusable with every problem and its line."""
    reading = yaml_tree.read(text, file, environment, raw=lambda _: True)
    notes: list[Problem] = []
    if not reading.problems and not isinstance(reading.value, dict):
        reading.refuse((), "is no mapping; a .sauce/config.yml begins with apiVersion and kind")
    if reading.problems:
        raise _unusable(file, reading.problems)
    tree = _expanded(reading, reading.value, (), environment, notes)
    assert isinstance(tree, dict)  # noqa: S101 - asked above
    kind = config_keys.kind_of(tree.get("kind"))
    if kind is None:
        reading.refuse(("kind",), config_keys.not_supported(tree.get("kind")))
        raise _unusable(file, reading.problems)
    for place, what in config_keys.problems(kind, tree):
        reading.refuse(place, what)
    parsed = _parsed(reading, kind, tree)
    if reading.problems:
        # What a variable left empty is often why something is needed.
        raise _unusable(file, [*reading.problems, *notes])
    notes += [reading.problem(place, what) for place, what in config_keys.notes(kind, tree)]
    return replace(parsed, notes=tuple(notes))


def _parsed(reading: YamlReading, kind: FileKind, tree: dict[str, Tree]) -> SauceFile:
    sauce, defaults = _dict(tree, "sauce"), _dict(tree, "defaults")
    metadata, tunnel = _dict(sauce, "metadata"), _dict(sauce, "tunnel")
    download = _dict(_dict(tree, "artifacts"), "download")
    suites = tuple(_suite(reading, kind, index, suite, defaults) for index, suite in enumerate(_rows(tree, "suites")))
    return SauceFile(
        kind=kind,
        tree=tree,
        suites=suites,
        version=str(_dict(tree, config_keys.section(kind)).get("version") or "").removeprefix("v"),
        version_line=reading.problem((config_keys.section(kind), "version"), "").line,
        runner_version=str(tree.get("runnerVersion") or ""),
        region=str(sauce.get("region") or ""),
        concurrency=_number(sauce.get("concurrency"), 2),
        retries=_number(sauce.get("retries"), 0),
        build=str(metadata.get("build") or ""),
        tags=texts(metadata.get("tags")),
        visibility=str(sauce.get("visibility") or ""),
        tunnel=str(tunnel.get("name") or tunnel.get("id") or ""),
        tunnel_owner=str(tunnel.get("owner") or tunnel.get("parent") or ""),
        root=str(tree.get("rootDir") or "."),
        ignore_file=str(sauce.get("sauceignore") or ""),
        artifacts=Artifacts(when=str(download.get("when") or "never"), match=texts(download.get("match"))),
    )


def _suite(
    reading: YamlReading, kind: FileKind, index: int, suite: Mapping[str, Any], defaults: Mapping[str, Any]
) -> Mapping[str, Any]:
    """The suite with its time limit as a timedelta, under `timeout`; none where the file says none."""
    said = suite.get("timeout")
    place: Place = ("suites", index, "timeout") if said is not None else ("defaults", "timeout")
    said = defaults.get("timeout") if said is None else said
    try:
        limit = time_text.parsed(str(said)) if said not in (None, 0, "0") else timedelta()
    except ValueError as error:
        reading.refuse(place, str(error))
        limit = timedelta()
    platform = {} if suite.get("platformName") or kind not in FRAMEWORKS else config_keys.default_platform(kind, suite)
    return {**suite, **platform, "timeout": limit}


def _expanded(
    reading: YamlReading, value: Tree, place: Place, environment: Mapping[str, str], notes: list[Problem]
) -> Tree:
    """Variables as saucectl puts them in: `$NAME` and `${NAME}`; one that is not set is empty, and here noted."""
    if isinstance(value, dict):
        return {key: _expanded(reading, item, (*place, key), environment, notes) for key, item in value.items()}
    if isinstance(value, list):
        return [_expanded(reading, item, (*place, index), environment, notes) for index, item in enumerate(value)]
    if not isinstance(value, str):
        return value

    def put(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        if name not in environment:
            notes.append(reading.problem(place, f"${name} is not set, and so it is empty"))
        return environment.get(name, "")

    return VARIABLE.sub(put, value)


def texts(value: object) -> tuple[str, ...]:
    """A list of texts; one text stands for several, with commas between, as saucectl reads it."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return tuple(str(item) for item in value) if isinstance(value, list) else ()


def _dict(tree: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = tree.get(key)
    return value if isinstance(value, dict) else {}


def _rows(tree: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    value = tree.get(key)
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def _number(value: object, default: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else default


def _unusable(file: str, problems: list[Problem]) -> Unusable:
    ordered = tuple(sorted(problems, key=lambda problem: problem.line or 0))
    return Unusable(f"{file} has {nouns.problems(len(ordered))}.", problems=ordered, remedy=REMEDY)

"""Sauce config: suites that a `.sauce/config.yml` says, as it is, with its retries, tunnels and builds."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from davy.pipeline.config.sections.suites import CloudConfig, SuiteConfig
from davy.pipeline.core.errors import Problem, Unusable
from davy.pipeline.files import plain_file
from davy.pipeline.suites.clouds.saucelabs import cells as saucecells
from davy.pipeline.suites.clouds.saucelabs import config_file, config_keys, package
from davy.pipeline.suites.clouds.saucelabs.config_file import SauceFile
from davy.pipeline.suites.clouds.saucelabs.config_keys import FRAMEWORKS
from davy.pipeline.suites.plan.pieces import PlannedSuite
from davy.workflows import wiring

MOST_BYTES = 2**20


def asked(
    asks: Sequence[PlannedSuite], folder: Path, environment: Mapping[str, str]
) -> tuple[tuple[PlannedSuite, ...], tuple[Problem, ...]]:
    """The suites, those with a `config` as their file has them; and what davy does another way than saucectl.

    `folder`: of davy.yaml. Raises Unusable with every problem of the first file that has one.
    """
    made: list[PlannedSuite] = []
    notes: list[Problem] = []
    for ask in asks:
        if not ask.suite.config:
            made.append(ask)
            continue
        if ask.suite.matrix:
            what = "belongs to `run`; browsers and devices of a `config` are said in its file"
            problem = Problem(what=what, path=f"tests.{ask.suite.name}.matrix")
            raise Unusable("A matrix has no use.", problems=(problem,))
        parsed = config_file.read(_text(folder, ask.suite), str(folder / ask.suite.config), environment)
        if parsed.package:
            parsed = replace(parsed, allowed=_allowed(parsed, folder, folder / ask.suite.config))
        made.append(_one(ask, parsed, folder))
        notes += parsed.notes
    return tuple(made), tuple(notes)


def _one(ask: PlannedSuite, parsed: SauceFile, folder: Path) -> PlannedSuite:
    files = wiring.project_files(folder / parsed.root, parsed.ignore_file) if parsed.kind in FRAMEWORKS else ()
    nothing = saucecells.empty(parsed, files)
    if nothing:
        what = f"suites whose patterns name no file below {parsed.root}: {', '.join(nothing)}"
        raise Unusable("A suite has no tests.", problems=(Problem(what=what, path=f"tests.{ask.suite.name}.config"),))
    cells = saucecells.cells(parsed, files)
    if "pass_threshold" in ask.suite.said:
        cells = tuple(replace(cell, pass_threshold=None) for cell in cells)
    return replace(ask, suite=adopted(ask.suite, parsed), cells=cells)


def adopted(suite: SuiteConfig, parsed: SauceFile) -> SuiteConfig:
    """The suite with what the file says, where davy.yaml does not say it itself."""
    said = suite.cloud or CloudConfig()
    own = {
        "region": parsed.region or None,
        "tunnel": parsed.tunnel or None,
        "tunnel_owner": parsed.tunnel_owner or None,
        "build": parsed.build or None,
        "tags": parsed.tags,
        "concurrency": parsed.concurrency,
    }
    cloud = said.copied(**{key: value for key, value in own.items() if key not in said.said})
    mine: dict[str, object] = {
        "retries": parsed.retries,
        "shards": cloud.concurrency or parsed.concurrency,
    }
    return suite.copied(cloud=cloud, **{key: value for key, value in mine.items() if key not in suite.said})


def _allowed(parsed: SauceFile, folder: Path, file: Path) -> str:
    """What the package.json allows that the version is left to. Raises Unusable."""
    try:
        said, wrong = package.allowed(plain_file.text(folder / parsed.root / parsed.package, MOST_BYTES), parsed.kind)
    except (OSError, UnicodeDecodeError) as error:
        said, wrong = "", plain_file.why(error)
    if wrong:
        what = f"is left to {parsed.package}, and that {wrong}"
        place = f"{config_keys.section(parsed.kind)}.version"
        problem = Problem(what=what, path=place, file=str(file), line=parsed.version_line)
        raise Unusable("A version is not known.", problems=(problem,), remedy=f"Write the version as {place}.")
    return said


def _text(folder: Path, suite: SuiteConfig) -> str:
    path = folder / (suite.config or "")
    try:
        return plain_file.text(path, MOST_BYTES)
    except (OSError, UnicodeDecodeError) as error:
        problem = Problem(path=f"tests.{suite.name}.config", what=plain_file.why(error), file=str(path))
        remedy = "Name it relative to davy.yaml."
        raise Unusable(f"{path} cannot be read.", problems=(problem,), remedy=remedy) from error

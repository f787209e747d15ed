"""Validate: what is said of a davy.yaml and of every file it names, by nobody asked."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from davy.checks.preflight import lint
from davy.checks.preflight.remark import RemarkSeverity
from davy.pipeline.config import file as configfile
from davy.pipeline.config.document import Config, DeliveryConfig
from davy.pipeline.config.parsing.yaml_tree import YamlReading
from davy.pipeline.core.errors import Problem, Unusable
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.text.nouns import counted
from davy.pipeline.suites.plan import order
from davy.workflows import wiring
from davy.workflows.config import load
from davy.workflows.suites import testfiles
from davy.workflows.wiring import kayenta_file

if TYPE_CHECKING:
    from davy.checks.judges.kayenta.config_file import Analysis

REMEDY = "Correct the query, or add the rule's name to the threshold's `accept` where you know better."


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidateOptions:
    """What the command line of `davy validate` says."""

    file: Path
    output: str


def loaded(
    file: Path, environment: Mapping[str, str], written: YamlReading
) -> tuple[Config, tuple[Problem, ...], tuple[Problem, ...]]:
    """The Config, the linter's warnings, and what of SLO files is not carried over.

    Raises Unusable with every problem, and the linter's errors.
    """
    config, notes = load.read(file, environment, written)
    found = [
        (remark.severity, load.placed(written.problem(remark.place, str(remark)), config))
        for remark in lint.remarks(config.checks)
    ]
    errors = tuple(problem for severity, problem in found if severity is RemarkSeverity.ERROR)
    if errors:
        raise Unusable(f"{file} has queries that cannot judge a canary.", problems=errors, remedy=REMEDY)
    return config, tuple(problem for _, problem in found), notes


RELEASES = ("deploy", "checks", "canary")
"""Keys that only a release needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Validated:
    """A file that is good, and what it is good for."""

    service: str
    good_for: str
    warnings: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()


def validated(file: Path, environment: Mapping[str, str]) -> Validated:
    """What the file is good for. Raises Unusable with every problem of the first file that has one."""
    folder = file.resolve().parent
    written = configfile.reading(file, environment)
    if isinstance(written.value, dict) and not any(key in written.value for key in RELEASES):
        config = configfile.delivery_of(written, environment)
        notes = _of_tests(config, folder, environment)
        return Validated(service=config.service, good_for=_delivery(config), notes=notes)
    whole, warnings, found = loaded(file, environment, written)
    notes = _of_tests(whole, folder, environment)
    analysis = kayenta_file.read(whole.checks, file.parent)
    notes = (*map(str, found), *(map(str, analysis.notes) if analysis else ()), *notes)
    return Validated(service=whole.service, good_for=_release(whole, analysis), warnings=warnings, notes=notes)


def _of_tests(config: DeliveryConfig, folder: Path, environment: Mapping[str, str]) -> tuple[str, ...]:
    """Reads the files that suites name, and says what of them is done another way."""
    wiring.quarantine(config, folder)
    filed = [suite for suite in config.tests if suite.config]
    if not filed:
        return ()
    from davy.workflows.suites import sauce_config  # noqa: PLC0415 - few have such a file

    asks = order.asks(filed, lambda suite: testfiles.listed(folder, suite))
    return tuple(map(str, sauce_config.asked(asks, folder, environment)[1]))


def _delivery(config: DeliveryConfig) -> str:
    counts = f"{counted(len(config.images), 'image')}, {counted(len(config.tests), 'suite')}"
    return f"{counts}. It builds and tests; a release needs `deploy` and `checks`, too."


def _release(config: Config, analysis: "Analysis | None") -> str:
    checks = len(config.checks.slos) + len(config.checks.thresholds) + len(analysis.metrics if analysis else ())
    return f"{counted(len(config.canary.steps), 'step')}, {counted(checks, 'check')}."

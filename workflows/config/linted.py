"""Linted: what the query linter says of a file, each with its line."""

from collections.abc import Mapping
from pathlib import Path

from davy.checks.preflight import lint as linting
from davy.checks.preflight.remark import Severity
from davy.pipeline.config import file as configfile
from davy.pipeline.config.document import Config
from davy.pipeline.core.errors import Problem, Unusable
from davy.workflows.config import load as configured

REMEDY = "Correct the query, or add the rule's name to the threshold's `accept` where you know better."


def loaded(file: Path, environment: Mapping[str, str]) -> tuple[Config, tuple[Problem, ...], tuple[Problem, ...]]:
    """The Config, the linter's warnings, and what of SLO files is not carried over.

    Raises Unusable with every problem, and the linter's errors.
    """
    config, notes = configured.read(file, environment)
    place = configfile.places(file, environment)
    found = [
        (remark.severity, configured.placed(place(remark.place, str(remark)), config))
        for remark in linting.remarks(config.checks)
    ]
    errors = tuple(problem for severity, problem in found if severity is Severity.ERROR)
    if errors:
        raise Unusable(f"{file} has queries that cannot judge a canary.", problems=errors, remedy=REMEDY)
    return config, tuple(problem for _, problem in found), notes

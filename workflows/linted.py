"""Linted: what the query linter says of a file, each with its line."""

from collections.abc import Mapping
from pathlib import Path

from davy.checks import linting
from davy.pipeline import configfile
from davy.pipeline.config import Config
from davy.pipeline.errors import Problem, Unusable

REMEDY = "Correct the query, or add the rule's name to the threshold's `accept` where you know better."


def loaded(file: Path, environment: Mapping[str, str]) -> tuple[Config, tuple[Problem, ...]]:
    """The file's Config and the linter's warnings. Raises Unusable with every problem, and the linter's errors."""
    config = configfile.loaded(file, environment)
    place = configfile.places(file, environment)
    found = [(remark.severity, place(remark.place, str(remark))) for remark in linting.remarks(config.checks)]
    errors = tuple(problem for severity, problem in found if severity is linting.Severity.ERROR)
    if errors:
        raise Unusable(f"{file} has queries that cannot judge a canary.", problems=errors, remedy=REMEDY)
    return config, tuple(problem for _, problem in found)

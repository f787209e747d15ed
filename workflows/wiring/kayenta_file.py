"""Kayenta file: the Kayenta canary config that davy.yaml names, read."""

from pathlib import Path
from typing import TYPE_CHECKING

from davy.pipeline.core.errors import Problem, Unusable
from davy.pipeline.files import plain_file

if TYPE_CHECKING:
    from davy.checks.judges.kayenta.config_file import Analysis
    from davy.pipeline.config.sections.checks import ChecksConfig

PATH = "checks.kayenta.config"
MOST_BYTES = 2**20


def read(checks: "ChecksConfig", folder: Path) -> "Analysis | None":
    """What it says; None where another judge is asked for. `folder`: of davy.yaml. Raises Unusable."""
    if checks.judge != "mannwhitney" or checks.kayenta is None:
        return None
    from davy.checks.judges.kayenta import config_file  # noqa: PLC0415 - only this judge needs it

    path = folder / checks.kayenta.config
    return config_file.read(_text(path), str(path), checks.kayenta)


def _text(path: Path) -> str:
    try:
        return plain_file.text(path, MOST_BYTES)
    except (OSError, UnicodeDecodeError) as error:
        problem = Problem(path=PATH, what=plain_file.why(error), file=str(path))
        remedy = "Name Kayenta's canary config, as JSON, relative to davy.yaml."
        raise Unusable(f"{path} cannot be read.", problems=(problem,), remedy=remedy) from error

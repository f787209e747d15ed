"""Command line: what a person said, and what is a default."""

from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

if TYPE_CHECKING:
    pass


def was_said(name: str) -> bool:
    """Whether a person said this option, on the command line or in the environment."""
    return click.get_current_context().get_parameter_source(name) not in (ParameterSource.DEFAULT, None)

"""`davy version`."""

import click

from davy.pipeline import __version__
from davy.workflows.cli import options


@click.command()
@options.output
def command(output: str) -> None:
    """Print davy's version.

    Changes nothing and asks nothing.
    """
    click.echo(f'{{"davy_version": 1, "version": "{__version__}"}}' if output == "json" else f"davy {__version__}")

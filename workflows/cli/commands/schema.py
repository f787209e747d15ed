"""`davy schema`."""

import json

import click


@click.command()
def schema() -> None:
    """Print the JSON Schema of davy.yaml, for editors. Changes nothing."""
    from davy.pipeline.config.json_schema import schema  # noqa: PLC0415 - only when it is run

    click.echo(json.dumps(schema(), indent=2))

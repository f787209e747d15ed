"""Options: what several commands share. Each names its environment twin in the help."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def option(*names: str, **settings: Any) -> Callable[[F], F]:
    """`click.option` that shows its environment twin, `DAVY_COMMAND_OPTION` unless `envvar` names another."""
    return click.option(*names, show_envvar=True, **settings)


def file(command: F) -> F:
    """`-f davy.yaml`."""
    return option(
        "-f",
        "--file",
        "file",
        envvar="DAVY_FILE",
        type=click.Path(path_type=Path),
        default=Path("davy.yaml"),
        show_default=True,
        help="The configuration.",
    )(command)


def output(command: F) -> F:
    """`--output text|json`."""
    return option(
        "-o",
        "--output",
        envvar="DAVY_OUTPUT",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        help="text: the result on stdout, progress on stderr. json: JSON on stdout; what runs writes an event a line.",
    )(command)


def view(command: F) -> F:
    """`--plain` and `--no-color`."""
    command = option(
        "--plain",
        envvar="DAVY_PLAIN",
        is_flag=True,
        help="Plain lines instead of the live view, also on a terminal.",
    )(command)
    return option(
        "--no-color", envvar="DAVY_NO_COLOR", is_flag=True, help="No colour; NO_COLOR does the same."
    )(command)  # fmt: skip


def dry_run(command: F) -> F:
    """`--dry-run`."""
    return option("--dry-run", is_flag=True, help="Say what would be done, and stop.")(command)


def out(command: F) -> F:
    """`--out davy-out`."""
    return option(
        "--out",
        envvar="DAVY_OUT",
        type=click.Path(path_type=Path, file_okay=False),
        default=Path("davy-out"),
        show_default=True,
        help="Folder for the report, the events, JUnit and logs.",
    )(command)


def target(command: F) -> F:
    """`-f`, `--namespace` and `--deployment`: for commands that need only to find the Deployment."""
    command = option(
        "--deployment", envvar="DAVY_DEPLOYMENT", help="The Deployment, over the file's; no file is needed then."
    )(command)
    command = option("-n", "--namespace", envvar="DAVY_NAMESPACE", help="Its namespace, over the file's.")(command)
    return file(command)


def word(command: F) -> F:
    """`--why`, and `--by`."""
    command = option(
        "--by", envvar="DAVY_BY", help="Your name; by default $DAVY_RUNNER, the CI job's link, or user@host."
    )(command)
    return option("--why", default="", help="Your reason, kept in the journal and the report.")(command)


def accept_budget(command: F) -> F:
    """`--accept-budget WHY`."""
    return option(
        "--accept-budget",
        metavar="WHY",
        default="",
        help="Go on where `checks.gate` says no. Your name and reason are kept in the report.",
    )(command)

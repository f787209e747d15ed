"""Errors: the one place where an error becomes words, or JSON, and an ending."""

import traceback
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path

import click

from davy.pipeline.core.endings import Ending
from davy.pipeline.core.errors import DavyError, Problem, Unusable
from davy.pipeline.core.text.sanitize import harmless, one_line
from davy.workflows.cli.arguments import wants_json
from davy.workflows.render.json_text import json_text

VERSION = 1
ABSENT = "is not there"
REPORT = "This is a defect of davy's own. Please report it with the lines above."


def told(error: BaseException, arguments: Sequence[str], environment: Mapping[str, str]) -> Ending:
    """Say the error where it belongs, and how the command ends."""
    ending, what, remedy, problems = _read(error)
    if ending is Ending.DEFECT:
        click.echo(harmless("".join(traceback.format_exception(error))), err=True)
    if ending is not Ending.INTERRUPTED:
        annotate(what, problems, environment)
    if wants_json(arguments, environment):
        click.echo(json_text(document(ending, what, remedy, problems)))
        return ending
    if isinstance(error, click.UsageError) and error.ctx is not None:
        click.echo(error.ctx.get_usage(), err=True)
    click.echo(text(what, remedy, problems), err=True)
    return ending


def annotate(what: str, problems: Sequence[Problem], environment: Mapping[str, str], kind: str = "error") -> None:
    """In GitHub Actions, each problem at its line in the pull request's files."""
    if environment.get("GITHUB_ACTIONS") != "true":
        return
    from davy.workflows.ci import github  # noqa: PLC0415 - in its jobs alone

    workspace = environment.get("GITHUB_WORKSPACE", "")
    for line in github.of_problems(what, problems, root=Path.cwd(), workspace=workspace, kind=kind):
        click.echo(line, err=True)


def _read(error: BaseException) -> tuple[Ending, str, str, tuple[Problem, ...]]:
    match error:
        case Unusable():
            return error.ending, error.what, error.remedy, error.problems
        case DavyError():
            return error.ending, error.what, error.remedy, ()
        case click.ClickException():
            hint = (
                f"Try '{error.ctx.command_path} --help'." if isinstance(error, click.UsageError) and error.ctx else ""
            )
            return Ending.UNUSABLE, error.format_message(), hint, ()
        case KeyboardInterrupt() | click.Abort():
            return Ending.INTERRUPTED, "Interrupted.", "", ()
        case _:
            return Ending.DEFECT, f"{type(error).__name__}: {error}", REPORT, ()


def document(ending: Ending, what: str, remedy: str, problems: tuple[Problem, ...]) -> dict[str, object]:
    """`{"davy_error": 1, "ending": "UNUSABLE", "exit_code": 2, "what": …, "remedy": …, "problems": […]}`."""
    return {
        "davy_error": VERSION,
        "ending": ending.name.lower(),
        "exit_code": int(ending),
        "what": what,
        "remedy": remedy,
        "problems": [{part.name: getattr(problem, part.name) for part in fields(Problem)} for problem in problems],
    }


def text(what: str, remedy: str, problems: tuple[Problem, ...]) -> str:
    """The error, each problem on a line of its own as `file:line: path: what`, then what to do next."""
    # "davy.yaml is not there." needs no second line that says so.
    lines = [f"Error: {harmless(what)}"]
    lines += [one_line(str(one)) for one in problems if (what, one.what) != (f"{one.file} {ABSENT}.", ABSENT)]
    return "\n".join([*lines, *([f"Next: {harmless(remedy)}"] if remedy else [])])

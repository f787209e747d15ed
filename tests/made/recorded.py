"""tests/recorded/: what others read and keep (help, events, journals, reports), byte for byte.

A change that is to change nothing leaves them as they are; any other shows there what it changes.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import click
from click.testing import CliRunner

import sample_events
from davy.canary.platforms.kubernetes.journal.text import Ledger, data_of, written
from davy.pipeline.config.file import loaded
from davy.pipeline.core.events import Event
from davy.pipeline.core.json.codec import encode
from davy.workflows.cli.main import davy
from davy.workflows.release.rehearsal.run import Fault, Rehearsal, Wish
from davy.workflows.render.markdown import markdown, summarized

ROOT = Path(__file__).parents[2]
CONFIGURATION = ROOT / "examples" / "checkout" / "davy.yaml"
PLAYS: Mapping[str, Wish] = {
    "good": Wish(),
    "worse": Wish(times=8),
    "slower": Wish(latency_times=9, seed=3),
    **{fault.value: Wish(fault=fault) for fault in Fault if fault is not Fault.NONE},
}
"""Rehearsals by name: every way in which a rollout ends without a person."""


def help_text() -> str:
    """Every command's `--help`, at 80 columns."""
    asked = [CliRunner().invoke(davy, [*words, "--help"], prog_name="davy", terminal_width=80) for words in _commands()]
    text = "\n\n".join(one.output.rstrip("\n") for one in asked) + "\n"
    # Some versions of Click say that a group's command may be left out, others do not.
    return text.replace("[COMMAND]", "COMMAND")


def events_text() -> str:
    """An event of every kind as its JSON line."""
    return _lines(sample_events.every_event())


def report_text() -> str:
    """The Markdown report of the sample release."""
    return markdown(summarized(sample_events.every_event()))


def rehearsals_text() -> str:
    """Every event of every rehearsal."""
    return "".join(f"# {name}\n{_lines(_played(wish))}" for name, wish in PLAYS.items())


def journals_text() -> str:
    """What the cluster keeps of each of them."""
    kept = {name: data_of(written(Ledger(), _played(wish))) for name, wish in PLAYS.items()}
    return json.dumps(kept, indent=1) + "\n"


def _played(wish: Wish) -> list[Event]:
    return list(Rehearsal(loaded(CONFIGURATION, {}), wish).events())


def _lines(events: list[Event]) -> str:
    return "".join(json.dumps(_rounded(encode(event))) + "\n" for event in events)


def _rounded(value: object) -> object:
    """Numbers to nine digits: Python's versions add floats up in different ways."""
    match value:
        case float():
            return float(f"{value:.9g}")
        case dict():
            return {key: _rounded(held) for key, held in value.items()}
        case list():
            return [_rounded(held) for held in value]
    return value


def _commands(group: click.Command = davy, *words: str) -> Iterator[list[str]]:
    yield list(words)
    if isinstance(group, click.Group):
        context = click.Context(group)
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            if command is not None:
                yield from _commands(command, *words, name)

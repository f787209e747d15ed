"""Importer: another tool's objectives and checks, printed as the part of davy.yaml that means the same."""

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
import yaml

from davy.checks import slo_formats
from davy.checks.preflight import lint
from davy.checks.preflight.remark import Remark, RemarkSeverity
from davy.checks.slo_formats import FileContents
from davy.pipeline.config import file
from davy.pipeline.config.parsing.section import default_of, keys
from davy.pipeline.config.sections.objectives import FiledSlo
from davy.pipeline.config.sections.thresholds import ThresholdConfig
from davy.pipeline.core.endings import Ending
from davy.pipeline.core.errors import Problem, Unusable
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.text.sanitize import one_line
from davy.workflows.render.json_text import json_text

VERSION = 1
NOT_WRITTEN = ("file", "line")
"""Where an objective stands is no key of davy.yaml."""
ITEM = re.compile(r"checks\.(slos|thresholds)\[(\d+)\]")
KEPT = {"slos": "objectives", "thresholds": "thresholds"}
AROUND = {
    "service": "service",
    "images": [{"name": "registry.example.com/service"}],
    "deploy": {"kubernetes": {"namespace": "default", "deployment": "service"}},
}
"""What a davy.yaml needs beside `checks`."""
REMEDY = (
    "davy reads OpenSLO v1, Sloth, Pyrra v1alpha1, Keptn, AnalysisTemplates of Argo Rollouts and Canaries of Flagger."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOptions:
    """What the command line of `davy slo import` says."""

    files: tuple[Path, ...]
    output: str


def print_checks(options: ImportOptions) -> Ending:
    """Read the files and print. Raises Unusable where one is of no known kind, or nothing could be carried over."""
    found = slo_formats.read(_texts(options.files), thresholds=True)
    if found.problems:
        raise Unusable("The files cannot be imported.", problems=tuple(found.problems), remedy=REMEDY)
    settle(found)
    if not found.objectives and not found.thresholds:
        raise Unusable("Nothing in the files can be carried over.", problems=(*found.refused, *found.notes))
    if options.output == "json":
        click.echo(json_text(document(found)))
        return Ending.DONE
    click.echo(_yaml({"checks": checks(found)}), nl=False)
    for refused in found.refused:
        click.echo(f"left out: {one_line(str(refused))}", err=True)
    for note in found.notes:
        click.echo(f"note: {one_line(str(note))}", err=True)
    return Ending.DONE


def _texts(files: Sequence[Path]) -> list[tuple[str, str]]:
    texts: list[tuple[str, str]] = []
    problems: list[Problem] = []
    for path in files:
        try:
            texts.append((str(path), file.text(path, kind="an SLO file")))
        except Unusable as error:
            problems += error.problems
    if problems:
        raise Unusable("The files cannot be read.", problems=tuple(problems))
    return texts


def settle(found: FileContents) -> None:
    """Leave out what davy.yaml would refuse, with its words: what is printed can be pasted and validates."""
    while found.objectives or found.thresholds:
        try:
            config = file.parsed(_pasted(found), "davy.yaml", {})
        except Unusable as error:
            if not _leave_out(found, error.problems):
                raise
            continue
        for remark in lint.remarks(config.checks):
            if remark.severity is RemarkSeverity.ERROR and remark.place[1] == "thresholds":
                _accept(found, int(remark.place[2]), remark)
        break
    found.ordered()


def _pasted(found: FileContents) -> str:
    return _yaml({**AROUND, "checks": {"prometheus": "http://prometheus:9090", **checks(found)}})


def _leave_out(found: FileContents, problems: Sequence[Problem]) -> bool:
    """True where there was something to leave out."""
    wrong: dict[str, Problem] = {}
    for problem in problems:
        place = ITEM.match(problem.path)
        if place:
            items: Sequence[FiledSlo | ThresholdConfig] = getattr(found, KEPT[place[1]])
            wrong.setdefault(items[int(place[2])].name, problem)
        elif problem.path.startswith("checks.flagger"):
            wrong |= {one.name: problem for one in found.thresholds if one.style == "flagger"}
    for name, problem in wrong.items():
        key = problem.path.rpartition(".")[2]
        found.refused.append(found.about(name, f"davy.yaml cannot say it: `{key}` {problem.what}"))
    found.objectives[:] = [one for one in found.objectives if one.name not in wrong]
    found.thresholds[:] = [one for one in found.thresholds if one.name not in wrong]
    return bool(wrong)


def _accept(found: FileContents, index: int, remark: Remark) -> None:
    """A query that the linter refuses is kept as it is, with the rule accepted and told."""
    one = found.thresholds[index]
    found.thresholds[index] = one.copied(accept=tuple(dict.fromkeys((*one.accept, remark.rule))))
    found.notes.append(found.about(one.name, f"is kept with `accept: [{remark.rule}]`: {remark}"))


def checks(found: FileContents) -> dict[str, Any]:
    """What `checks` of davy.yaml says, without what is the default."""
    said: dict[str, Any] = {}
    if found.thresholds and not found.objectives:
        said["judge"] = "threshold"
    if found.objectives:
        said["slos"] = [_plain(slo) for slo in found.objectives]
    if found.thresholds:
        said["thresholds"] = [_plain(threshold) for threshold in found.thresholds]
    if found.flagger is not None and any(threshold.style == "flagger" for threshold in found.thresholds):
        said["flagger"] = {key: _written(value) for key, value in found.flagger.items()}
    return said


def _plain(part: FiledSlo | ThresholdConfig) -> dict[str, Any]:
    found = ((key, getattr(part, field.name), default_of(field)) for key, field in keys(type(part)).items())
    return {key: _written(value) for key, value, default in found if value != default and key not in NOT_WRITTEN}


def _written(value: Any) -> Any:
    """A duration as short as it can be said exactly."""
    if isinstance(value, tuple):
        return [_written(item) for item in value]
    if isinstance(value, str):
        # A plain `${` is a variable to davy.yaml.
        return value.replace("${", "$${")
    if not isinstance(value, timedelta):
        return int(value) if isinstance(value, float) and value.is_integer() else value
    seconds = value.total_seconds()
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        if seconds >= length and seconds % length == 0:
            return f"{seconds / length:.0f}{unit}"
    return f"{seconds:.6f}".rstrip("0") + "s" if seconds > 1 else f"{seconds * 1000:.3f}".rstrip("0").rstrip(".") + "ms"


def _yaml(document: Mapping[str, Any]) -> str:
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10**6)


def document(found: FileContents) -> dict[str, Any]:
    """`{"davy_slo_import": 1, …}`: what davy.yaml would say, and what it could not."""
    return {
        "davy_slo_import": VERSION,
        "checks": checks(found),
        "left_out": [_place(problem) for problem in found.refused],
        "notes": [_place(note) for note in found.notes],
    }


def _place(problem: Problem) -> dict[str, Any]:
    return {"file": problem.file, "line": problem.line, "path": problem.path, "what": problem.what}


class _Dumper(yaml.SafeDumper):
    """Queries of several lines as they are written."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Dumper.add_representer(str, _text)

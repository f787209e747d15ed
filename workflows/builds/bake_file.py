"""Bake file: its targets as the images of davy.yaml, printed."""

import re
import sys
from collections.abc import Mapping
from json import JSONDecodeError
from pathlib import Path
from typing import Any

import click
import yaml

from davy.pipeline.config import file as configfile
from davy.pipeline.config.bake import Carried, carried
from davy.pipeline.core.endings import Ending
from davy.pipeline.core.errors import Problem, Unusable
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.json import tree
from davy.pipeline.core.text.sanitize import one_line
from davy.workflows.render.json_text import json_text

VERSION = 1
ITEM = re.compile(r"images\[(\d+)\](?:\.(.*))?")
REMEDY = (
    "Bake reads its files and Compose's by itself: `docker buildx bake -f FILE --print TARGET… | davy build import -`."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BakeImportOptions:
    """What the command line of `davy build import` says."""

    file: Path
    output: str


def print_images(options: BakeImportOptions) -> Ending:
    """Read it and print. Raises Unusable where it is no output of bake, or nothing could be carried over."""
    file = options.file
    name = "standard input" if str(file) == "-" else str(file)
    found = _read(_text(file), name)
    images, refused = _usable(found, name)
    left_out = (*found.left_out, *refused)
    if not images:
        raise Unusable("No target can be carried over.", problems=left_out)
    if options.output == "json":
        told = {"images": list(images.values()), "left_out": list(map(_said, left_out))}
        click.echo(json_text({"davy_build_import": VERSION, **told, "notes": list(map(_said, found.notes))}))
        return Ending.DONE
    click.echo(
        yaml.safe_dump({"images": list(images.values())}, sort_keys=False, allow_unicode=True, width=10**6), nl=False
    )
    for kind, words in (("left out", left_out), ("note", found.notes)):
        for one in words:
            click.echo(f"{kind}: {one_line(str(one))}", err=True)
    return Ending.DONE


def _text(file: Path) -> str:
    if str(file) != "-":
        return configfile.text(file, kind="bake's output")
    text = sys.stdin.buffer.read(configfile.MOST_BYTES + 1)
    if len(text) > configfile.MOST_BYTES:
        raise Unusable("Standard input is longer than bake's output can be.", remedy=REMEDY)
    return text.decode(errors="replace")


def _read(text: str, name: str) -> Carried:
    try:
        found = carried(tree.parsed(text), name)
    except (JSONDecodeError, AttributeError, TypeError, ValueError) as error:
        raise Unusable(f"{name} is no output of `docker buildx bake --print`.", remedy=REMEDY) from error
    if found is None:
        raise Unusable(f"{name} says no targets, as `docker buildx bake --print` does.", remedy=REMEDY)
    return found


def _usable(found: Carried, name: str) -> tuple[dict[str, Any], tuple[Problem, ...]]:
    """The images that davy.yaml takes: what is printed can be pasted and validates. And why others are left out."""
    images = {target: _written(image) for target, image in found.images.items()}
    refused: list[Problem] = []
    while images:
        said = yaml.safe_dump({"service": "service", "images": list(images.values())})
        try:
            configfile.parsed_delivery(said, "davy.yaml", {})
            break
        except Unusable as error:
            wrong = {match[1]: (match[2], one.what) for one in error.problems if (match := ITEM.match(one.path))}
            if not wrong:
                raise
            for index, (key, what) in wrong.items():
                target = list(images)[int(index)]
                refused.append(
                    Problem(what=f"davy.yaml cannot say it: `{key}` {what}", path=f"target.{target}", file=name)
                )
            gone = {list(images)[int(index)] for index in wrong}
            images = {target: image for target, image in images.items() if target not in gone}
    return images, tuple(refused)


def _written(value: Any) -> Any:
    """A plain `${` is a variable to davy.yaml."""
    match value:
        case str():
            return value.replace("${", "$${")
        case Mapping():
            return {key: _written(one) for key, one in value.items()}
        case list():
            return [_written(one) for one in value]
        case _:
            return value


def _said(problem: Problem) -> dict[str, str]:
    return {"path": problem.path, "what": problem.what}

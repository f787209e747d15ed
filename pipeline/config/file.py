"""File: the text of a `davy.yaml` to a Config, with every problem at once, each with its path and line."""

import errno
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from davy.pipeline.config import messages
from davy.pipeline.config.document import Config, DeliveryConfig
from davy.pipeline.config.parsing import yaml_tree
from davy.pipeline.config.parsing.reader import Misfits, made
from davy.pipeline.config.parsing.section import remember
from davy.pipeline.config.parsing.substitution import substituted
from davy.pipeline.config.parsing.yaml_tree import Place, Tree, YamlReading
from davy.pipeline.config.rules import Finding, broken
from davy.pipeline.config.sections.images.keys import ImageConfig
from davy.pipeline.core.errors import Problem, Unusable
from davy.pipeline.core.text import nouns
from davy.pipeline.files import plain_file

C = TypeVar("C", bound=DeliveryConfig)

MOST_BYTES = 2**20
TOO_LARGE = "is larger than 1 MiB; this is no davy.yaml"
REMEDY = "`davy schema` prints the JSON Schema, which editors can check the file with as you type."


def loaded(path: Path, environment: Mapping[str, str]) -> Config:
    """The file's Config. Raises Unusable with every problem, also where the file cannot be read."""
    return parsed(text(path), str(path), environment)


def delivery(path: Path, environment: Mapping[str, str]) -> DeliveryConfig:
    """As much as builds and suites need: `deploy` and `checks` may be missing. Raises Unusable as `loaded` does."""
    return _parsed(text(path), str(path), environment, DeliveryConfig)


def parsed_delivery(text: str, file: str, environment: Mapping[str, str]) -> DeliveryConfig:
    """The same of a text; `file` is its name, for problems."""
    return _parsed(text, file, environment, DeliveryConfig)


def reading(path: Path, environment: Mapping[str, str]) -> YamlReading:
    """The file as it is written, with its lines, whatever is wrong with it. Raises Unusable where it is not there."""
    return yaml_tree.read(text(path), str(path), environment, raw=_is_command)


def config_of(reading: YamlReading, environment: Mapping[str, str]) -> Config:
    """The Config of a file that was read. Raises Unusable as `loaded` does."""
    return _made(reading, environment, Config)


def delivery_of(reading: YamlReading, environment: Mapping[str, str]) -> DeliveryConfig:
    """The same as `delivery`, of a file that was read."""
    return _made(reading, environment, DeliveryConfig)


def parsed(written: str, file: str, environment: Mapping[str, str]) -> Config:
    """The text's Config. `environment` fills `${NAME}`. Raises Unusable with every problem at once."""
    return _parsed(written, file, environment, Config)


def _parsed(written: str, file: str, environment: Mapping[str, str], model: type[C]) -> C:
    if len(written) > MOST_BYTES:
        raise _unusable(file, [Problem(what=TOO_LARGE, file=file)])
    return _made(yaml_tree.read(written, file, environment, raw=_is_command), environment, model)


def _made(reading: YamlReading, environment: Mapping[str, str], model: type[C]) -> C:
    file = reading.file
    if not isinstance(reading.value, dict):
        what = "is empty" if reading.value is None else "must be a mapping of keys at its top"
        raise _unusable(file, reading.problems or [Problem(what=f"{what}; it needs `service`, `images`, …", file=file)])
    config, found = _validated(reading.value, model)
    noted = {problem.path for problem in reading.problems}
    for place, what in found:
        if yaml_tree.shown(place) not in noted:
            reading.refuse(place, _hidden(reading, place, what))
    if reading.problems or config is None:
        raise _unusable(file, reading.problems)
    given = frozenset(substituted(text, environment)[0] for text in reading.written.values())
    for image in config.images if given else ():
        remember(image, image.said, given & _values(image))
    return config


def _values(image: ImageConfig) -> frozenset[str]:
    return frozenset(image.args.values()).union(*image.matrix.values())


def text(path: Path, *, kind: str = "") -> str:
    """What the file says; `kind`: whose file it is, where it is no davy.yaml. Raises Unusable where it is no text."""
    try:
        return plain_file.text(path, MOST_BYTES)
    except FileNotFoundError:
        what, remedy = "is not there", "Write one (`davy schema` has every key), or name another with --file."
    except IsADirectoryError:
        what, remedy = "is a folder, not a file", "Name the file itself."
    except UnicodeDecodeError as error:
        what, remedy = f"is not UTF-8 text (byte {error.start})", "Save it as UTF-8."
    except OSError as error:
        is_other = error.errno in plain_file.NO_SUCH
        what, remedy = plain_file.why(error), "Name the file itself." if is_other else "Check its owner and mode."
        if error.errno == errno.EFBIG and kind:
            what += f", the most that davy reads of {kind}"
    raise Unusable(f"{path} {what}.", problems=(Problem(what=what, file=str(path)),), remedy=remedy)


def _unusable(file: str, problems: list[Problem]) -> Unusable:
    ordered = sorted(problems, key=lambda problem: (problem.line or 0, problem.path))
    return Unusable(f"{file} has {nouns.problems(len(ordered))}.", problems=tuple(ordered), remedy=REMEDY)


def _is_command(place: Place) -> bool:
    """`$JUNIT` and `${…}` in a suite's or a scanner's command belong to the shell."""
    return place == ("build", "scan", "run") or (len(place) == 3 and place[0] == "tests" and place[2] == "run")


def _validated(tree: dict[str, Tree], model: type[C]) -> tuple[C | None, list[Finding]]:
    found: dict[Place, str] = {}
    config = None
    try:
        config = made(model, tree)
    except Misfits as misfits:
        for item in misfits.errors:
            place = _as_written(tuple(item["loc"]), tree)
            found.setdefault(place, messages.sentence(item, place))
    for place, what in broken(tree):
        found.setdefault(place, what)
    return config, list(found.items())


def _as_written(place: Place, tree: Tree) -> Place:
    """The place without the index that pydantic gives to one that stands for a list of one."""
    kept: list[str | int] = []
    value: Tree = tree
    for part in place:
        if isinstance(part, int) and isinstance(value, dict | str | int | float):
            continue
        kept.append(part)
        if isinstance(value, dict) and isinstance(part, str):
            value = value.get(part)
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            value = value[part]
        else:
            value = None
    return tuple(kept)


def _hidden(reading: YamlReading, place: Place, what: str) -> str:
    """The sentence with the file's own text in place of what the environment put there: it may be a secret."""
    value: Tree = reading.value
    for part in place:
        if isinstance(value, dict) and isinstance(part, str):
            value = value.get(part)
        elif isinstance(value, list) and isinstance(part, int):
            value = value[part]
    written = reading.written.get(place)
    if written is None or not isinstance(value, str) or not value:
        return what
    # As a word of its own: the 2m in a sentence's 2m00s is nobody's value.
    return re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", lambda _: written, what.replace(repr(value), repr(written)))

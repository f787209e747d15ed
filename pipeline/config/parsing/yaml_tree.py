"""YAML tree: a text as plain values that know their lines, with every problem of form found on the way."""

import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

import yaml

from davy.pipeline.config.parsing.substitution import substituted
from davy.pipeline.core.errors import Problem
from davy.pipeline.core.text.excerpt import excerpt

STANDARD = "tag:yaml.org,2002:"
PLAIN = {f"{STANDARD}{name}" for name in ("int", "float", "bool", "null")}
TEXT = {f"{STANDARD}{name}" for name in ("str", "timestamp", "value")}
MERGE = f"{STANDARD}merge"
MOST_NODES = 20_000
"""More than any real file has; what aliases of aliases blow up to is stopped here."""
MOST_DEPTH = 50
LONGEST_NUMBER = 1000
"""Characters of a scalar that is read as a number; more take time that grows with their square."""
FAST = getattr(yaml, "CSafeLoader", None)
"""libyaml's; None where PyYAML was made without it."""

Place = tuple[str | int, ...]
"""Where in the tree: `("canary", "steps", 2, "weight")`."""
Tree = None | bool | int | float | str | list["Tree"] | dict[str, "Tree"]


def shown(place: Place) -> str:
    """`canary.steps[2].weight`."""
    text = ""
    for part in place:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".")


@dataclass(slots=True, kw_only=True)
class YamlReading:
    """What came of a text. Filled while the nodes are walked, read-only from then on."""

    file: str
    environment: Mapping[str, str]
    raw: Callable[[Place], bool]
    """True for a place whose text belongs to somebody else, and is not substituted."""
    value: Tree = None
    lines: dict[Place, int] = field(default_factory=dict)
    written: dict[Place, str] = field(default_factory=dict)
    """As the file has it, where variables were put in: a message must not print their values."""
    problems: list[Problem] = field(default_factory=list)
    nodes: int = 0
    most: int = MOST_NODES

    def line(self, place: Place) -> int | None:
        """The line of the place, or of the nearest thing around it."""
        for length in range(len(place), -1, -1):
            if place[:length] in self.lines:
                return self.lines[place[:length]]
        return None

    def problem(self, place: Place, what: str) -> Problem:
        """A problem at the place."""
        return Problem(what=what, path=shown(place), file=self.file, line=self.line(place))

    def refuse(self, place: Place, what: str) -> None:
        """Note a problem at the place."""
        self.problems.append(self.problem(place, what))


def read_all(text: str, file: str) -> YamlReading:
    """Every document of somebody else's file, as a list; `${…}` is theirs and stays. Problems as `read` has them."""
    reading = YamlReading(file=file, environment={}, raw=lambda _: True)
    _filled(reading, text, lambda: _documents(reading, text))
    return reading


def _documents(reading: YamlReading, text: str) -> Tree:
    nodes = [node for node in _composed_all(text) if node is not None]
    return [_value(reading, node, (index,)) for index, node in enumerate(nodes)]


class _TooMuch(Exception):
    """The tree is larger than any real file's; `line`: where that showed."""

    def __init__(self, line: int | None = None) -> None:
        super().__init__()
        self.line = line


def read(
    text: str,
    file: str,
    environment: Mapping[str, str],
    raw: Callable[[Place], bool] = lambda _: False,
    most: int = MOST_NODES,
) -> YamlReading:
    """The text's values and lines. Problems are collected, never raised; with one of syntax, the value is None."""
    reading = YamlReading(file=file, environment=environment, raw=raw, most=most)
    _filled(reading, text, lambda: _one(reading, text))
    return reading


def _one(reading: YamlReading, text: str) -> Tree:
    node = _composed(text)
    return None if node is None else _value(reading, node, ())


def _composed(text: str) -> yaml.Node | None:
    """By libyaml where it is there, in a fifth of the time; what it does not like the other tells in its words."""
    if FAST is not None:
        with suppress(yaml.YAMLError):
            _measured(text)
            return yaml.compose(text, Loader=FAST)
    return yaml.compose(text, Loader=yaml.SafeLoader)


def _composed_all(text: str) -> list[yaml.Node | None]:
    """Every document, in the same way."""
    if FAST is not None:
        with suppress(yaml.YAMLError):
            _measured(text)
            return list(yaml.compose_all(text, Loader=FAST))
    return list(yaml.compose_all(text, Loader=yaml.SafeLoader))


def _measured(text: str) -> None:
    """Raises _TooMuch: libyaml's composer calls itself for each level and knows no end of it, so its parser counts."""
    assert FAST is not None  # noqa: S101 - whoever asks has looked
    depth = 0
    for event in yaml.parse(text, Loader=FAST):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MOST_DEPTH:
            raise _TooMuch(event.start_mark.line + 1 if event.start_mark else None)


def _filled(reading: YamlReading, text: str, walk: Callable[[], Tree]) -> None:
    try:
        reading.value = walk()
    except yaml.YAMLError as error:
        reading.problems.append(_syntax(error, text, reading.file))
    except (RecursionError, _TooMuch) as error:
        what = "nests too deep, or its aliases unfold to too much; write it out without them"
        reading.problems = [Problem(what=what, file=reading.file, line=getattr(error, "line", None))]


def _syntax(error: yaml.YAMLError, text: str, file: str) -> Problem:
    if isinstance(error, yaml.reader.ReaderError):
        line = text.count("\n", 0, error.position) + 1
        return Problem(
            what=f"is no YAML: a character that no text may hold ({error.character!r})", file=file, line=line
        )
    if not isinstance(error, yaml.MarkedYAMLError):
        return Problem(what=f"is no YAML: {error}", file=file)
    mark = error.problem_mark or error.context_mark
    said, hint = error.problem or "it cannot be read", ""
    if "\\t" in said:
        hint = "; indent with spaces, not tabs"
    elif "mapping values are not allowed" in said:
        hint = "; a text that holds `: ` needs quotes, or the indentation is off"
    elif "but found another document" in said:
        said = "two documents (`---`) where one is wanted"
    elif mark and "${" in "".join(text.splitlines()[mark.line : mark.line + 1]):
        hint = "; between { } or [ ], put `${…}` in quotes"
    context = f" {error.context}" if error.context and "expected a single" not in error.context else ""
    return Problem(what=f"is no YAML: {said}{context}{hint}", file=file, line=mark.line + 1 if mark else None)


def _value(reading: YamlReading, node: yaml.Node, place: Place) -> Tree:
    reading.nodes += 1
    if reading.nodes > reading.most or len(place) > MOST_DEPTH:
        raise _TooMuch(node.start_mark.line + 1)
    reading.lines.setdefault(place, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        return _mapping(reading, node, place)
    if isinstance(node, yaml.SequenceNode):
        return [_value(reading, item, (*place, index)) for index, item in enumerate(node.value)]
    assert isinstance(node, yaml.ScalarNode)  # noqa: S101 - YAML has these three kinds of node
    return _scalar(reading, node, place)


def _mapping(reading: YamlReading, node: yaml.MappingNode, place: Place) -> dict[str, Tree]:
    own: dict[str, Tree] = {}
    merged: dict[str, Tree] = {}
    for key, item in node.value:
        if key.tag == MERGE:
            merged |= _merged(reading, item, place)
            continue
        if not isinstance(key, yaml.ScalarNode):
            reading.refuse((*place,), f"line {key.start_mark.line + 1}: a key must be a plain text")
            continue
        # The key's own text: `on` and `yes` are texts here, not truth values.
        name = str(key.value)
        if name in own:
            first = reading.lines[(*place, name)]
            line = key.start_mark.line + 1
            what = f"is there twice; the first one is on line {first}"
            reading.problems.append(Problem(what=what, path=shown((*place, name)), file=reading.file, line=line))
            continue
        reading.lines[(*place, name)] = key.start_mark.line + 1
        own[name] = _value(reading, item, (*place, name))
    return merged | own


def _merged(reading: YamlReading, node: yaml.Node, place: Place) -> dict[str, Tree]:
    found: dict[str, Tree] = {}
    for part in reversed(node.value if isinstance(node, yaml.SequenceNode) else [node]):
        value = _value(reading, part, place)
        if isinstance(value, dict):
            found |= value
        else:
            reading.refuse(place, "`<<` takes a mapping")
    return found


def _scalar(reading: YamlReading, node: yaml.ScalarNode, place: Place) -> Tree:
    if node.tag in PLAIN:
        return _plain(reading, node, place)
    text = str(node.value)
    if node.tag not in TEXT:
        reading.refuse(place, f"has a tag that means nothing here: {node.tag.replace(STANDARD, '!!')}")
        return text
    if "${" not in text or reading.raw(place):
        return text
    value, wrong = substituted(text, reading.environment)
    reading.written[place] = text
    for what in wrong:
        reading.refuse(place, what)
    return value


def _plain(reading: YamlReading, node: yaml.ScalarNode, place: Place) -> Tree:
    if len(node.value) > LONGEST_NUMBER:
        reading.refuse(place, f"is a number of {len(node.value):,} characters; put a text in quotes")
        return ""
    try:
        value: Tree = yaml.constructor.SafeConstructor().construct_object(node)
    except (ValueError, OverflowError, yaml.YAMLError):
        reading.refuse(place, f"{excerpt(str(node.value), 60)!r} is no number; put a text in quotes")
        return str(node.value)
    if isinstance(value, float) and not math.isfinite(value):
        reading.refuse(place, "must be a finite number")
        return 1.0
    return value

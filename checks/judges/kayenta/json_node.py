"""JSON node: a place in a JSON document that knows its path, and says what is wrong or not read there. Pure."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

from davy.checks.judges.kayenta.json_places import Places
from davy.pipeline.core.errors import Problem

E = TypeVar("E", bound=StrEnum)


@dataclass(slots=True)
class Notebook:
    """What was found on the way."""

    file: str
    places: Places = field(default_factory=Places)
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def refuse(self, path: str, what: str) -> None:
        """A problem, once."""
        problem = Problem(what=what, path=path, file=self.file, line=self.places.line(path))
        if problem not in self.problems:
            self.problems.append(problem)

    def note(self, path: str, what: str) -> None:
        """A note, once."""
        line = self.places.line(path)
        where = self.file if line is None else f"{self.file}:{line}"
        note = f"{where}: {path}: {what}" if path else f"{where}: {what}"
        if note not in self.notes:
            self.notes.append(note)


@dataclass(frozen=True, slots=True)
class JsonNode:
    """A value and where it stands; one that is not there is None."""

    value: Any
    path: str
    book: Notebook

    def at(self, *keys: str) -> "JsonNode":
        """What stands deeper."""
        node = self
        for key in keys:
            held = node.value
            if held is not None and not isinstance(held, Mapping):
                node.refuse("must be an object")
                held = None
            node = JsonNode(held.get(key) if held else None, f"{node.path}.{key}".lstrip("."), self.book)
        return node

    def refuse(self, what: str) -> None:
        """A problem here."""
        self.book.refuse(self.path, what)

    def note(self, what: str) -> None:
        """A note here."""
        self.book.note(self.path, what)

    def known(self, keys: Sequence[str], left: Sequence[str] = ()) -> None:
        """Every other key is noted; those of `left` mean nothing here."""
        if self.value is not None and not isinstance(self.value, Mapping):
            self.refuse("must be an object")
            return
        for key in self.value or ():
            if key not in keys and key not in left:
                self.at(key).note("is not read")

    def mapping(self) -> Mapping[str, Any]:
        """An object; empty where there is none."""
        if isinstance(self.value, Mapping):
            return self.value
        if self.value is not None:
            self.refuse("must be an object")
        return {}

    def listed(self) -> list[Any]:
        """A list; empty where there is none."""
        if isinstance(self.value, list):
            return self.value
        if self.value is not None:
            self.refuse("must be a list")
        return []

    def items(self) -> Iterator["JsonNode"]:
        """The list's, each at its place; none at all is a problem."""
        items = self.listed()
        if not items and (self.value is None or isinstance(self.value, list)):
            self.refuse("must be a list with something in it")
        for index, value in enumerate(items):
            yield JsonNode(value, f"{self.path}[{index}]", self.book)

    def text(self, otherwise: str) -> str:
        """A text, or what stands for none."""
        if isinstance(self.value, str):
            return self.value
        if self.value is not None:
            self.refuse("must be a text")
        return otherwise

    def needed(self) -> str:
        """A text that must be there."""
        if self.value in (None, ""):
            self.refuse("is missing")
        return self.text("")

    def number(self, otherwise: float) -> float:
        """A number, also one written as text, as Kayenta takes it."""
        if self.value is None:
            return otherwise
        try:
            value = math.nan if isinstance(self.value, bool) else float(self.value)
        except (TypeError, ValueError):
            value = math.nan
        if not math.isfinite(value):
            self.refuse("must be a number")
            return otherwise
        return value

    def truth(self) -> bool:
        """True or false, also written as text; false where it is not there."""
        if isinstance(self.value, bool):
            return self.value
        if self.value is None or self.value in ("true", "false"):
            return bool(self.value == "true")
        self.refuse("must be true or false")
        return False

    def choice(self, kinds: type[E], otherwise: E) -> E:
        """One of a few words; another is noted, and taken for the usual one as Kayenta takes it."""
        said = self.text(otherwise.value)
        for kind in kinds:
            if kind.value.lower() == said.lower():
                return kind
        known = ", ".join(kind.value for kind in kinds)
        self.note(f"{said!r} is none of {known}; like Kayenta, davy takes it for {otherwise.value}")
        return otherwise

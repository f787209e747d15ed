"""YAML node: a place in somebody else's file, which knows its line, and where what was found there is put down."""

import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

from davy.pipeline.config.parsing.yaml_tree import Place, Tree, YamlReading, shown
from davy.pipeline.config.sections.objectives import FiledSlo
from davy.pipeline.config.sections.thresholds import ThresholdConfig
from davy.pipeline.core.errors import Problem

Note = Problem
"""A remark at a place: what it says there is not carried over, or means a little less."""

WORDS = frozenset({"description", "displayName", "name", "service", "labels", "annotations", "namespace"})
"""What only names and describes: nothing is lost where it is left out."""
LONGEST = 63
SPAN = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w|M|Q|y|Y)")
SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400, "M": 30 * 86400, "Q": 90 * 86400}
SECONDS |= {"y": 365 * 86400, "Y": 365 * 86400}


@dataclass(slots=True, kw_only=True)
class FileContents:
    """What files hold. Filled while they are read, read-only from then on."""

    objectives: list[FiledSlo] = field(default_factory=list)
    thresholds: list[ThresholdConfig] = field(default_factory=list)
    places: dict[str, tuple[str, int]] = field(default_factory=dict)
    """By threshold, its file and line."""
    flagger: dict[str, object] | None = None
    """How the thresholds of `style: flagger` are counted, as far as a Canary says it."""
    refused: list[Problem] = field(default_factory=list)
    """What davy cannot say, each with the reason and what to write instead."""
    notes: list[Note] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    """What is no file of a known kind at all."""

    def place(self, name: str) -> tuple[str, int] | None:
        """File and line of the check of this name; None where there is none."""
        filed = ((one.file, one.line) for one in self.objectives if one.name == name)
        return next(filed, None) or self.places.get(name)

    def about(self, name: str, what: str) -> Problem:
        """A problem of the check of this name, at its place."""
        file, line = self.place(name) or ("", 0)
        return Problem(what=what, path=name, file=file, line=line)

    def ordered(self) -> "FileContents":
        """The same by file and line, each remark once."""
        for group in (self.refused, self.notes, self.problems):
            group[:] = sorted(dict.fromkeys(group), key=lambda one: (one.file, one.line or 0, one.path))
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class YamlNode:
    """A place, and the value there; None where there is none."""

    found: FileContents
    reading: YamlReading
    place: Place
    value: Tree

    @property
    def file(self) -> str:
        """The file's path."""
        return self.reading.file

    @property
    def line(self) -> int:
        """The line, or that of the nearest thing around it."""
        return self.reading.line(self.place) or 1

    @property
    def there(self) -> bool:
        """True where something is written."""
        return self.value is not None

    def at(self, *keys: str | int) -> "YamlNode":
        """The place below."""
        value: Tree = self.value
        for key in keys:
            if isinstance(value, dict) and isinstance(key, str):
                value = value.get(key)
            elif isinstance(value, list) and isinstance(key, int):
                value = value[key] if key < len(value) else None
            else:
                value = None
        return replace(self, place=(*self.place, *keys), value=value)

    def each(self) -> "list[YamlNode]":
        """The items of a list; none where it is no list, which is noted."""
        if isinstance(self.value, list):
            return [self.at(index) for index in range(len(self.value))]
        if self.value is not None:
            self.refuse("must be a list")
        return []

    def text(self) -> str:
        """The text; empty where there is none, which is noted. A number is the text it is written as."""
        if isinstance(self.value, str) and self.value.strip():
            return self.value.strip()
        if isinstance(self.value, int | float) and not isinstance(self.value, bool):
            return f"{self.value}"
        quotes = (
            "; write it in quotes: without them YAML takes it for a truth value" if self.value in (True, False) else ""
        )
        self.refuse("is missing" if self.value in (None, "") else f"must be a text{quotes}")
        return ""

    def number(self) -> float | None:
        """The number, also one in quotes; None where there is none, which is noted."""
        if isinstance(self.value, bool) or not isinstance(self.value, int | float | str):
            self.refuse("is missing" if self.value is None else "must be a number")
            return None
        text = self.value.strip().removesuffix("%") if isinstance(self.value, str) else self.value
        try:
            number = float(text)
        except (ValueError, OverflowError):
            number = math.nan
        if math.isfinite(number):
            return number
        self.refuse(f"{self.value!r} is no number")
        return None

    def span(self) -> timedelta | None:
        """A duration in the words of Prometheus or OpenSLO (`30d`, `4w`, `1M`); None where it is none, noted."""
        text = self.text()
        parts = SPAN.findall(text)
        if text and "".join(number + unit for number, unit in parts) == text:
            return timedelta(seconds=sum(float(number) * SECONDS[unit] for number, unit in parts))
        if text:
            self.refuse(f"{text!r} is no duration; write it like 30d or 4w")
        return None

    def replaced(self, value: Tree) -> "YamlNode":
        """The same place with another value."""
        return replace(self, value=value)

    def refuse(self, what: str) -> None:
        """What stands here cannot be said by davy."""
        self.found.refused.append(self.problem(what))

    def note(self, what: str) -> None:
        """What stands here is not, or not wholly, carried over."""
        self.found.notes.append(self.problem(what))

    def problem(self, what: str) -> Problem:
        """A problem at this place; the number of the document says nothing beside the line."""
        return Problem(what=what, path=shown(self.place[1:]), file=self.file, line=self.line)

    def left(self, known: Collection[str], why: Mapping[str, str] | None = None) -> None:
        """Note every key that was not read; `why` gives the reason for some."""
        if not isinstance(self.value, dict):
            return
        for key in self.value:
            if key in WORDS or key in known:
                continue
            reason = (why or {}).get(key, "")
            self.at(key).note("is not carried over" + (f": {reason}" if reason else ""))


def name_of(*parts: str) -> str:
    """A name that davy.yaml takes, out of words."""
    text = "-".join(re.sub(r"[^A-Za-z0-9_.]+", "-", part).strip("-_.") for part in parts if part)
    return text[:LONGEST].strip("-_.")

"""Masks: secrets found in texts, values and streams, in every form that logs, headers and files give them."""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from enum import Enum
from typing import Any, TypeVar

MASK = "***"
SHORTEST, SURE = 4, 12
"""Characters. What is shorter are words like `on`; masking them would eat the log and tell the value. From the second
on a match is no chance, wherever it stands."""
DIGEST = re.compile(r"(?<![0-9A-Za-z])[0-9a-f]{32,}(?![0-9A-Za-z])")
"""Hexadecimal that davy, git or a registry computed: a short secret in the middle of it is chance."""
T = TypeVar("T")


class Masks:
    """Knows the forms of some secrets. Safe for several threads."""

    __slots__ = ("_forms", "_within", "secrets")

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        """`secrets`: their values; what is shorter than four characters is no secret that could be hidden."""
        self.secrets = frozenset(secret for secret in secrets if len(secret.strip()) >= SHORTEST)
        self._forms: tuple[str, ...] | None = None
        self._within: dict[str, tuple[str, ...]] = {}

    @property
    def forms(self) -> tuple[str, ...]:
        """Every form, the longest first."""
        if self._forms is None:
            if not self.secrets:
                return ()
            from davy.pipeline.core.secrets import mask_forms  # noqa: PLC0415 - only who knows a secret needs them

            found = {form for secret in self.secrets for form in mask_forms.forms(secret)}
            self._forms = tuple(sorted(found, key=lambda form: (-len(form), form)))
        return self._forms

    def text(self, text: str) -> str:
        """The text with every form of every secret as `***`, also where two of them overlap."""
        if not self.secrets or not text:
            return text
        spans = self.spans(text)
        if not spans:
            return text
        parts, end = [], 0
        for first, last in _merged(spans):
            parts += [text[end:first], MASK]
            end = last
        return "".join((*parts, text[end:]))

    def but(self, words: str) -> "Masks":
        """Without the secrets that are common words: those that stand in this text."""
        return Masks(secret for secret in self.secrets if secret.strip() not in words)

    def spans(self, text: str) -> list[tuple[int, int]]:
        """From where to where forms stand, in order; they may overlap."""
        return sorted(span for form in self.forms if form in text for span in _spans(form, text))

    def value(self, value: T) -> T:
        """The same value with every text in it masked, however deep: of values, tuples, lists and mappings."""
        if not self.secrets:
            return value
        made: T = self._any(value)
        return made

    def _any(self, value: Any) -> Any:
        match value:
            case Enum() | datetime() | bool() | int() | float() | None:
                return value
            case str():
                return self.text(value)
            case Mapping():
                return {self._any(key): self._any(held) for key, held in value.items()}
            case tuple() | list():
                held = [self._any(one) for one in value]
                return held if isinstance(value, list) else tuple(held)
            case _ if hasattr(type(value), "__dataclass_fields__"):
                return self._parts(value)
            case _:
                return value

    def _parts(self, value: Any) -> Any:
        from dataclasses import fields, replace  # noqa: PLC0415 - commands that only help have none

        held_by = {field.name: getattr(value, field.name) for field in fields(value) if field.init}
        made = {name: self._any(held) for name, held in held_by.items()}
        changed = {name: held for name, held in made.items() if held != held_by[name]}
        return replace(value, **changed) if changed else value

    def open_end(self, text: str) -> int:
        """Where a secret may have begun whose rest has not come yet; the length of the text where none has."""
        found = len(text)
        for form in self._going_on(text[-1:]):
            first = max(0, len(text) - len(form) + 1)
            while (first := text.find(form[0], first)) >= 0 and first < found:
                if form.startswith(text[first:]):
                    found = first
                    break
                first += 1
        return found

    def _going_on(self, last: str) -> tuple[str, ...]:
        """The forms that have something after this character. After a line's end few have."""
        if last not in self._within:
            self._within[last] = tuple(form for form in self.forms if last and last in form[:-1])
        return self._within[last]


class MaskedStream:
    """A text that comes in pieces, masked as if it were one: a secret may lie across any number of them."""

    __slots__ = ("_held", "_masks", "changed")

    def __init__(self, masks: Masks) -> None:
        self._masks, self._held = masks, ""
        self.changed = False
        """True once something was masked."""

    def fed(self, piece: str) -> str:
        """What is sure by now. What may be the beginning of a secret is held back until it is known."""
        if not self._masks.secrets:
            return piece
        whole = self._held + piece
        at = self._masks.open_end(whole)
        if at < len(whole):
            at = _outside(at, self._masks.spans(whole))
        self._held = whole[at:]
        return self._masked(whole[:at])

    def rest(self) -> str:
        """What was held back to the end."""
        held, self._held = self._held, ""
        return self._masked(held)

    def _masked(self, text: str) -> str:
        found = self._masks.text(text)
        self.changed = self.changed or found != text
        return found


class Lines:
    """A stream as lines. One that is longer than `longest` characters comes in parts."""

    __slots__ = ("_begun", "_longest", "_stream")

    def __init__(self, masks: Masks, longest: int) -> None:
        self._stream, self._longest, self._begun = MaskedStream(masks), longest, ""

    def fed(self, piece: str) -> Iterator[str]:
        """Whole lines, without their ends."""
        *whole, self._begun = (self._begun + self._stream.fed(piece)).split("\n")
        yield from (line.removesuffix("\r") for line in whole)
        if len(self._begun) >= self._longest:
            yield self._begun
            self._begun = ""

    def rest(self) -> Iterator[str]:
        """What came after the last line's end."""
        *whole, last = (self._begun + self._stream.rest()).split("\n")
        self._begun = ""
        yield from (line.removesuffix("\r") for line in whole)
        if last:
            yield last


NONE = Masks()


def masks_of(secrets: Iterable[str] | Masks) -> Masks:
    """The masks of these secrets; masks as they are."""
    return secrets if isinstance(secrets, Masks) else Masks(secrets)


def _spans(form: str, text: str) -> Iterator[tuple[int, int]]:
    at = text.find(form)
    while at >= 0:
        span = (at, at + len(form))
        if len(form) >= SURE or not _is_chance(span, text):
            yield span
        at = text.find(form, at + 1)


def _is_chance(span: tuple[int, int], text: str) -> bool:
    """True inside of a digest."""
    around = range(max(0, span[0] - 128), min(len(text), span[1] + 128))
    found = DIGEST.finditer(text, around.start, around.stop)
    return any(one.start() <= span[0] and span[1] <= one.end() and one.end() - one.start() > span[1] - span[0]
               for one in found)  # fmt: skip


def _merged(spans: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Spans in order, those that overlap as one."""
    begun: tuple[int, int] | None = None
    for first, last in spans:
        if begun is None or first >= begun[1]:
            if begun is not None:
                yield begun
            begun = (first, last)
        else:
            begun = (begun[0], max(begun[1], last))
    if begun is not None:
        yield begun


def _outside(at: int, spans: Iterable[tuple[int, int]]) -> int:
    """The place, moved before a span that it would cut."""
    for first, last in _merged(spans):
        if first < at < last:
            return first
    return at

"""Codec: events to JSON-ready dicts and back. The type of each field decides; nothing is guessed from the text."""

import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import cache, partial

from davy.pipeline.core.events import KINDS, VERSION, Event
from davy.pipeline.core.json import tree

Json = typing.Any
"""What `json.dumps` takes: the one place where a value has no narrower type."""
T = typing.TypeVar("T")


def encode(event: Event) -> dict[str, Json]:
    """`{"davy_event": 1, "event": "StepReached", "at": …}`; spans are seconds, times ISO 8601 in UTC.

    Fields that hold their default are left out.
    """
    return {"davy_event": VERSION, "event": type(event).__name__, **_fields_out(event)}


def decode(document: Mapping[str, Json]) -> Event:
    """The event a document means. Raises ValueError for an unknown event or version; unknown fields are passed over."""
    if document.get("davy_event") != VERSION:
        raise ValueError(f"not an event of version {VERSION}: {document.get('davy_event')!r}")
    kind = KINDS.get(str(document.get("event")))
    if kind is None:
        raise ValueError(f"unknown event {document.get('event')!r}")
    event: Event = _dataclass_in(kind, document)
    return event


def document(kind: type[T], written: str | bytes, *, noun: str, mark: str, version: int) -> T:
    """A file of ours as the value it was written from; `mark` is the key that holds its version.

    Raises ValueError for anything else, and for what a later davy wrote in another way.
    """
    try:
        said = tree.parsed(written)
        if not isinstance(said, dict) or said.get(mark) != version:
            raise ValueError(f"is no {noun} of version {version}")
        found: T = _dataclass_in(kind, said)
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"is no {noun}: {error!r}") from error
    return found


@cache
def _fields(kind: type) -> tuple[Field[Json], ...]:
    return fields(kind)


def _fields_out(value: Json) -> dict[str, Json]:
    return {
        field.name: plain(held)
        for field in _fields(value.__class__)
        if (held := getattr(value, field.name)) != field.default
        and not (field.default_factory is not MISSING and held == field.default_factory())
    }


def plain(value: Json) -> Json:
    """Any value of the model as JSON-ready data."""
    match value:
        case Enum():
            return value.value
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case timedelta():
            return value.total_seconds()
        case Mapping():
            return {str(key): plain(held) for key, held in value.items()}
        case tuple() | list():
            return [plain(held) for held in value]
        case _ if is_dataclass(value) and not isinstance(value, type):
            return _fields_out(value)
        case _:
            return value


def _dataclass_in(kind: type, document: Mapping[str, Json]) -> Json:
    return kind(**{name: read(document[name]) for name, read in _readers(kind) if name in document})


@cache
def _readers(kind: type) -> tuple[tuple[str, Callable[[Json], Json]], ...]:
    """By field, what reads it."""
    hints = typing.get_type_hints(kind)
    return tuple((field.name, _reader(hints[field.name])) for field in fields(kind))


def value(hint: Json, given: Json) -> Json:
    """What `given` means as `hint`. Raises ValueError where it can mean nothing."""
    return _reader(hint)(given)


@cache
def _reader(hint: Json) -> Callable[[Json], Json]:
    """What reads values of this type: a type is looked into once, and not at each value."""
    origin: Json = typing.get_origin(hint)
    arguments = typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        inner = _reader(next(part for part in arguments if part is not type(None)))
        return lambda given: None if given is None else inner(given)
    if origin is tuple:
        return _tuple_reader(arguments)
    if origin is not None and issubclass(origin, Mapping):
        held = _reader(arguments[1])
        return lambda given: {key: held(one) for key, one in given.items()}
    if hint is datetime:
        return _moment
    if hint is timedelta:
        return lambda given: timedelta(seconds=given)
    if is_dataclass(hint):
        return partial(_dataclass_in, typing.cast("type", hint))
    read: Callable[[Json], Json] = hint
    return read


def _tuple_reader(arguments: tuple[Json, ...]) -> Callable[[Json], Json]:
    if arguments[-1] is Ellipsis:
        one = _reader(arguments[0])
        return lambda given: tuple([one(held) for held in given])
    readers = [_reader(part) for part in arguments]
    return lambda given: tuple([read(held) for read, held in zip(readers, given, strict=True)])


def _moment(given: Json) -> datetime:
    moment = datetime.fromisoformat(given)
    if moment.tzinfo is None:
        raise ValueError(f"a time without its offset from UTC: {given!r}")
    return moment

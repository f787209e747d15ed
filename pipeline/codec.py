"""Codec: events to JSON-ready dicts and back. The type of each field decides; nothing is guessed from the text."""

import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import cache

from davy.pipeline import events, jsontree
from davy.pipeline.events import VERSION, Event

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
    kind = _kinds().get(str(document.get("event")))
    if kind is None:
        raise ValueError(f"unknown event {document.get('event')!r}")
    event: Event = _dataclass_in(kind, document)
    return event


def document(kind: type[T], written: str | bytes, *, noun: str, mark: str, version: int) -> T:
    """A file of ours as the value it was written from; `mark` is the key that holds its version.

    Raises ValueError for anything else, and for what a later davy wrote in another way.
    """
    try:
        said = jsontree.parsed(written)
        if not isinstance(said, dict) or said.get(mark) != version:
            raise ValueError(f"is no {noun} of version {version}")
        found: T = _dataclass_in(kind, said)
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"is no {noun}: {error!r}") from error
    return found


@cache
def _kinds() -> dict[str, type[Event]]:
    return {
        name: kind
        for name, kind in vars(events).items()
        if isinstance(kind, type) and issubclass(kind, Event) and kind is not Event
    }


@cache
def _hints(kind: type) -> dict[str, Json]:
    return typing.get_type_hints(kind)


def _fields_out(value: Json) -> dict[str, Json]:
    return {
        field.name: plain(held)
        for field in fields(value)
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
    hints = _hints(kind)
    return kind(**{field.name: value(hints[field.name], document[field.name])
                   for field in fields(kind) if field.name in document})  # fmt: skip


def value(hint: Json, given: Json) -> Json:
    """What `given` means as `hint`. Raises ValueError where it can mean nothing."""
    origin: Json = typing.get_origin(hint)
    arguments = typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return None if given is None else value(next(part for part in arguments if part is not type(None)), given)
    if origin is tuple:
        inner = [arguments[0]] * len(given) if arguments[-1] is Ellipsis else arguments
        return tuple(value(part, held) for part, held in zip(inner, given, strict=True))
    if origin is not None and issubclass(origin, Mapping):
        return {key: value(arguments[1], held) for key, held in given.items()}
    if hint is datetime:
        moment = datetime.fromisoformat(given)
        if moment.tzinfo is None:
            raise ValueError(f"a time without its offset from UTC: {given!r}")
        return moment
    if hint is timedelta:
        return timedelta(seconds=given)
    if is_dataclass(hint):
        return _dataclass_in(typing.cast("type", hint), given)
    return hint(given)

"""Objects: documents as the API server keeps them: never changed in place, written as text once, patched by copies."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

Doc = Mapping[str, Any]

EPOCH = 1_767_603_600
"""Where simulated time begins, 2026-01-05 09:00 UTC, as seconds since 1970."""

_dumps = json.JSONEncoder(separators=(",", ":")).encode


class Item:
    """A document, and the same as it is sent: written once, and only where somebody reads it."""

    __slots__ = ("_partial", "_text", "document")

    def __init__(self, document: Doc) -> None:
        self.document = document
        self._text = self._partial = b""

    @property
    def text(self) -> bytes:
        self._text = self._text or text(self.document).encode()
        return self._text

    @property
    def partial(self) -> bytes:
        """Its metadata alone."""
        self._partial = self._partial or partial(self.document["metadata"])
        return self._partial


def partial(meta: Doc) -> bytes:
    return text({"kind": "PartialObjectMetadata", "metadata": meta}).encode()


class Unfit(Exception):
    """A request that the API server turns away: the status and its message."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status, self.reason, self.message = status, reason, message


@lru_cache(maxsize=100_000)
def stamp(second: int) -> str:
    """A whole second of simulated time as Kubernetes writes it."""
    return datetime.fromtimestamp(EPOCH + second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@lru_cache(maxsize=100_000)
def date_header(second: int) -> str:
    """The same as HTTP has it."""
    return datetime.fromtimestamp(EPOCH + second, UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")


def text(document: object) -> str:
    """As it goes over the wire."""
    return _dumps(document)


def merged(document: Any, patch: Any) -> Any:
    """A JSON merge patch, RFC 7396."""
    if not isinstance(patch, Mapping):
        return patch
    result = dict(document) if isinstance(document, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


def patched(document: Any, ops: Sequence[Mapping[str, Any]]) -> Any:
    """A JSON patch, RFC 6902: whole or not at all. Raises Unfit where an operation does not fit."""
    for op in ops:
        path = [part.replace("~1", "/").replace("~0", "~") for part in op["path"].split("/")[1:]]
        match op["op"]:
            case "test":
                if _found(document, path) != op["value"]:
                    raise Unfit(422, "Invalid", f"the server rejected our request: testing value {op['path']} failed")
            case "add":
                document = _put(document, path, op["value"])
            case "replace":
                _found(document, path)
                document = _put(document, path, op["value"])
            case "remove":
                _found(document, path)
                document = _without(document, path)
            case other:
                raise Unfit(400, "BadRequest", f"unknown operation {other}")
    return document


def _missing(path: Sequence[str]) -> Unfit:
    return Unfit(422, "Invalid", f"the server rejected our request: /{'/'.join(path)} does not exist")


def _found(document: Any, path: Sequence[str]) -> Any:
    for part in path:
        try:
            document = document[int(part)] if isinstance(document, list) else document[part]
        except (KeyError, IndexError, TypeError, ValueError):
            raise _missing(path) from None
    return document


def _put(document: Any, path: Sequence[str], value: Any) -> Any:
    if not path:
        return value
    head, rest = path[0], path[1:]
    if isinstance(document, list):
        place = len(document) if head == "-" else int(head)
        inner = _put(document[place] if rest else None, rest, value)
        return [*document[:place], inner, *document[place + bool(rest) :]]
    if not isinstance(document, Mapping) or (rest and head not in document):
        raise _missing(path)
    return {**document, head: _put(document[head] if rest else None, rest, value)}


def _without(document: Any, path: Sequence[str]) -> Any:
    head, rest = path[0], path[1:]
    if isinstance(document, list):
        place = int(head)
        return [*document[:place], *([_without(document[place], rest)] if rest else []), *document[place + 1 :]]
    if rest:
        return {**document, head: _without(document[head], rest)}
    return {key: value for key, value in document.items() if key != head}

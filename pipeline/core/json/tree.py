"""Tree: what JSON from outside says, and how davy writes its own. All that can go wrong is a JSONDecodeError."""

import json
import math
from collections.abc import Callable
from typing import Any


def parsed(text: str | bytes | bytearray) -> Any:
    """The value. Raises json.JSONDecodeError for what is no JSON, nests too deep, or has numbers of too many digits."""
    return _told(lambda: json.loads(text))


def exact(text: str | bytes, most: int) -> Any:
    """The same of what is to be read in one way alone: no name twice in an object, and no number without an end.

    Raises json.JSONDecodeError also for these, and for more than `most` characters.
    """
    if len(text) > most:
        raise json.JSONDecodeError(f"it is longer than {most:,} characters", "", 0)
    return _told(lambda: json.loads(text, object_pairs_hook=_each_once, parse_float=_finite, parse_constant=_finite))


def _told(read: Callable[[], Any]) -> Any:
    try:
        return read()
    except json.JSONDecodeError:
        raise
    except RecursionError:
        raise json.JSONDecodeError("it nests too deep", "", 0) from None
    except ValueError as error:  # A number of thousands of digits, or bytes that are no text.
        raise json.JSONDecodeError(str(error), "", 0) from error


def twice(pairs: list[tuple[str, Any]]) -> str:
    """The first name that an object has more than once; there must be one."""
    names = [name for name, _ in pairs]
    return next(one for one in names if names.count(one) > 1)


def compact(value: Any) -> str:
    """One line of ASCII, without blanks."""
    return _COMPACT.encode(value)


def canonical(value: Any) -> str:
    """The same with the names of each object in their order: equal values are equal texts."""
    return _CANONICAL.encode(value)


_COMPACT = json.JSONEncoder(separators=(",", ":"))
_CANONICAL = json.JSONEncoder(separators=(",", ":"), sort_keys=True)


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Some readers take the first of two, some the last."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError(f"{twice(pairs)!r:.80} is there twice in one object")
    return found


def _finite(text: str) -> float:
    """`NaN` is of JavaScript and no JSON; `1e999` is more than a float holds."""
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:40]} is no number")
    return value

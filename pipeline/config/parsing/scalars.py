"""Scalars: texts, numbers, durations and choices that are plainly what is wanted. What may be, is left in doubt."""

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Literal, get_args, get_origin

Limits = Mapping[str, Any]
"""As `davy.pipeline.config.parsing.section.setting` takes them."""

WHOLE = re.compile(r"-?\d{1,15}", re.ASCII)
DECIMAL = re.compile(r"-?\d{1,15}(\.\d{1,15})?", re.ASCII)

DOUBT = object()


def quick(annotation: Any, limits: Limits) -> Callable[[object], Any]:
    """The value where it is plainly what is wanted; DOUBT where it may be something else."""
    if get_origin(annotation) is Literal:
        choices = get_args(annotation)
        return lambda value: value if type(value) is str and value in choices else DOUBT
    kind = QUICK.get(annotation)
    if kind is None:
        return lambda _: DOUBT

    def read(value: object) -> Any:
        found = kind(value)
        return found if found is not DOUBT and _keeps(found, limits) else DOUBT

    return read


def _text(value: object) -> Any:
    return value if type(value) is str and is_text(value) else DOUBT


def is_text(value: str) -> bool:
    """False for what no UTF-8 can say: undecodable bytes of the environment."""
    return value.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in value)


def _whole(value: object) -> Any:
    if type(value) is str and WHOLE.fullmatch(value):
        return int(value)
    return value if type(value) is int else DOUBT


def _decimal(value: object) -> Any:
    if type(value) is str and DECIMAL.fullmatch(value):
        return float(value)
    if type(value) is int and abs(value) < 2**53:
        return float(value)
    return value if type(value) is float else DOUBT


def _truth(value: object) -> Any:
    return value if type(value) is bool else DOUBT


def _span(value: object) -> Any:
    return value if type(value) is timedelta else DOUBT


QUICK: Mapping[Any, Callable[[object], Any]] = {
    str: _text, int: _whole, float: _decimal, bool: _truth, timedelta: _span,
}  # fmt: skip


def _keeps(value: Any, limits: Limits) -> bool:
    for name, limit in limits.items():
        match name:
            case "gt":
                good = value > limit
            case "ge":
                good = value >= limit
            case "lt":
                good = value < limit
            case "le":
                good = value <= limit
            case "min_length":
                good = len(value) >= limit
            case "max_length":
                good = len(value) <= limit
            case "pattern":
                # Python's `$` also matches before a line's end.
                good = "\n" not in value and re.search(limit, value) is not None
            case _:
                good = False
        if not good:
            return False
    return True

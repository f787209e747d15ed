"""Fields: how the values of keys are written, where that is not plain YAML."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Annotated, Any

from davy.pipeline.core.text import time_text


class Before:
    """What is done to a value before it is looked at. It raises ValueError with words for people."""

    __slots__ = ("read",)

    def __init__(self, read: Callable[[object], object]) -> None:
        """`read`: makes what is looked at."""
        self.read = read

    def __get_pydantic_core_schema__(self, source: object, handler: Callable[[object], Any]) -> Any:
        """For the JSON Schema, and for whoever holds our reading against pydantic's."""
        from pydantic_core import core_schema  # noqa: PLC0415 - most commands never need it

        return core_schema.no_info_before_validator_function(self.read, handler(source))


class Within:
    """Limits of a value wherever it stands; a key's own come first."""

    __slots__ = ("limits",)

    def __init__(self, **limits: object) -> None:
        """As `davy.pipeline.config.parsing.section.setting` takes them."""
        self.limits: Mapping[str, object] = limits

    def __get_pydantic_core_schema__(self, source: object, handler: Callable[[object], dict[str, Any]]) -> Any:
        """For the JSON Schema."""
        return {**handler(source), **self.limits}


class Written:
    """How it is written, as JSON Schema."""

    __slots__ = ("schema",)

    def __init__(self, schema: Mapping[str, Any]) -> None:
        """`schema`: what stands in the schema in the value's place."""
        self.schema = schema

    def __get_pydantic_json_schema__(self, core: object, handler: object) -> dict[str, Any]:
        """As pydantic asks for it."""
        return dict(self.schema)


def _duration(value: object) -> object:
    return time_text.parsed(value) if isinstance(value, str) else value


def _weight(value: object) -> object:
    if isinstance(value, str) and value.strip().endswith("%"):
        try:
            return float(value.strip()[:-1])
        except ValueError as error:
            raise ValueError(f"{value!r} is no share; write it like 5%") from error
    return value


PERCENT = Written({"anyOf": [{"type": "string", "pattern": r"^\d+(\.\d+)?%$"}, {"type": "number"}]})

Duration = Annotated[
    timedelta,
    Within(ge=timedelta(0)),
    Before(_duration),
    Written({"type": "string", "examples": ["500ms", "15s", "1m30s", "2h"]}),
]
"""A span of time, written `500ms`, `15s`, `1m30s`, `2h`."""

Weight = Annotated[float, Within(gt=0, le=100), Before(_weight), PERCENT]
"""A share of traffic in percent, written `5%` or `5`."""

Share = Annotated[float, Within(ge=0, le=100), Before(_weight), PERCENT]
"""A share in percent that may be none, written `10%` or `10`."""

Name = Annotated[str, Within(min_length=1, max_length=63, pattern=r"^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$")]

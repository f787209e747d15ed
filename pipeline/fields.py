"""Fields: what every part of the configuration is made of."""

from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema

from davy.pipeline import durations


def _duration(value: object) -> object:
    return durations.parsed(value) if isinstance(value, str) else value


def _weight(value: object) -> object:
    if isinstance(value, str) and value.strip().endswith("%"):
        try:
            return float(value.strip()[:-1])
        except ValueError as error:
            raise ValueError(f"{value!r} is no share; write it like 5%") from error
    return value


Duration = Annotated[
    timedelta,
    BeforeValidator(_duration),
    # Behind the validator: of two limits side by side pydantic keeps the last, and a key's own comes first.
    Field(ge=timedelta(0)),
    PlainSerializer(durations.shown, return_type=str),
    WithJsonSchema({"type": "string", "examples": ["500ms", "15s", "1m30s", "2h"]}),
]
"""A span of time, written `500ms`, `15s`, `1m30s`, `2h`."""

Weight = Annotated[
    float,
    Field(gt=0, le=100),
    BeforeValidator(_weight),
    WithJsonSchema({"anyOf": [{"type": "string", "pattern": r"^\d+(\.\d+)?%$"}, {"type": "number"}]}),
]
"""A share of traffic in percent, written `5%` or `5`."""

Name = Annotated[str, Field(min_length=1, max_length=63, pattern=r"^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$")]


class Part(BaseModel):
    """What every part of the file has in common: unknown keys are refused, values are frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=False)

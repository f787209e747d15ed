"""Param types: how options' values are read, with words for those that are none."""

import math
from typing import TYPE_CHECKING, Any

import click

# Generic since click 8.4; davy works with older ones too.
if TYPE_CHECKING:
    from datetime import timedelta

    ShareType = click.ParamType[float]
    BadType = click.ParamType[tuple[str, float]]
    SpanType = click.ParamType[timedelta]
    PartType = click.ParamType[tuple[int, int]]
else:
    ShareType = BadType = SpanType = PartType = click.ParamType

MOST_SHARDS = 256
"""As `tests[].shards`."""


class File(click.Path):
    """A `Path`. Click's own `path_type=Path` would have every start of davy pay for pathlib."""

    def coerce_path_result(self, value: Any) -> Any:
        """The name as a Path."""
        from pathlib import Path  # noqa: PLC0415

        return Path(value)


class Share(ShareType):
    """`0.1%` or `0.001` as 0.001."""

    name = "share"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Fails with what would be right."""
        if isinstance(value, float):
            return value
        try:
            from davy.pipeline.core.text.shares import share_of  # noqa: PLC0415 - only who says a share needs fractions

            share = share_of(float(value[:-1])) if value.endswith("%") else float(value)
        except ValueError:
            share = -1.0
        if not 0 <= share <= 1:
            self.fail(f"{value!r} is no share; write it like 0.1% or 0.001", param, ctx)
        return share


class Number(click.FloatRange):
    """A number in a range; `nan` lies in every range, and is none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Fails for what is no finite number."""
        number: float = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value!r} is no number", param, ctx)
        return number


class Bad(BadType):
    """`0.1%`, or `latency=1%` for one SLO, as (name or empty, share)."""

    name = "[slo=]share"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, float]:
        """Fails with what would be right."""
        if isinstance(value, tuple):
            return value
        name, _, share = value.rpartition("=")
        return name, Share().convert(share, param, ctx)


class Span(SpanType):
    """`90s`, `1h`, `7d`."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> "timedelta":
        """Fails with what would be right."""
        from datetime import timedelta  # noqa: PLC0415 - only who says a span needs them

        from davy.pipeline.core.text import time_text  # noqa: PLC0415

        if isinstance(value, timedelta):
            return value
        try:
            span = time_text.parsed(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)
        if span < timedelta(seconds=1):
            self.fail(f"{value!r} is too short", param, ctx)
        return span


class Part(PartType):
    """`2/8` as (2, 8)."""

    name = "k/n"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        """Fails with what would be right."""
        if isinstance(value, tuple):
            return value
        number, _, of = value.partition("/")
        if not (number.isascii() and number.isdigit() and of.isascii() and of.isdigit()):
            self.fail(f"{value!r} is no shard; write it like 2/8", param, ctx)
        if not 1 <= int(number) <= int(of) <= MOST_SHARDS:
            self.fail(
                f"{value!r}: the first number is from 1 to the second, which is at most {MOST_SHARDS}", param, ctx
            )
        return int(number), int(of)

"""Bars: numbers as small pictures of fixed width."""

import math
from collections.abc import Sequence

BLOCKS = "▁▂▃▄▅▆▇█"
HUGE = math.log(1e6)


def sparkline(values: Sequence[float], limit: float, width: int) -> str:
    """The newest `width` values between 0 and `limit`, oldest at the left."""
    newest = values[-width:] if width > 0 else ()
    return "".join(_block(value / limit if limit > 0 else 0.0) for value in newest).ljust(width)


def _block(share: float) -> str:
    if math.isnan(share):
        return "?"
    return BLOCKS[min(max(int(share * len(BLOCKS)), 0), len(BLOCKS) - 1)]


def factor(log: float) -> str:
    """A natural log as the factor people read: `0.3`, `14`, `> 1e6`."""
    if math.isnan(log):
        return "?"
    if log > HUGE:
        return "> 1e6"
    value = math.exp(log)
    if value < 0.01:
        return "0.0"
    return f"{value:.1f}" if value < 10 else f"{value:,.0f}"


def bar(count: int, of: int, width: int) -> str:
    """`count` out of `of` as blocks; at least one for anything that is there."""
    if count <= 0 or of <= 0 or width <= 0:
        return ""
    return "▇" * max(1, min(width, round(count / of * width)))

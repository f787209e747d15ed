"""Amounts: numbers of events, shares and spans of a budget as people read them. Pure."""

import math
from datetime import timedelta


def events(count: float) -> str:
    """An estimated number of events: `1,240`, `0.3`, `0.004`; some are never rounded to none."""
    if 0 < count < 0.05:
        return f"{count:.{-math.floor(math.log10(count))}f}" if count >= 1e-6 else "< 0.000001"
    return f"{count:,.0f}" if count >= 9.95 or count == 0 else f"{count:.1f}"


def share(left: float) -> str:
    """`43 %`, `0.4 %`, `-12 %`; never rounded up to the whole budget or to none."""
    percent = left * 100
    shown = f"{percent:.0f}" if abs(percent) >= 9.5 else f"{percent:.1f}"
    if shown in ("0.0", "-0.0") and percent:
        least = "< 0.01" if percent > 0 else "> -0.01"
        return f"{percent:.2f} %" if abs(percent) >= 0.01 else f"{least} %"
    if shown == "100" and percent != 100:
        shown = f"{percent:.2f}".rstrip("0").rstrip(".") if percent < 99.995 else "> 99.99"
    return f"{shown} %"


def times_over(part: float) -> str:
    """More than 1, in as many digits as show it."""
    texts = (f"{part:.{digits}g}" for digits in (3, 6, 9))
    return next((text for text in texts if float(text) > 1), "a little more than 1")


def span_of(span: timedelta) -> str:
    """A window in one unit where that is exact: `30d`, `36h`, `5m`."""
    seconds = span.total_seconds()
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        if seconds >= length and seconds % length == 0:
            return f"{seconds / length:.0f}{unit}"
    return f"{seconds:g}s"

"""Shapes: what a figure is made of, in a terminal as on a page. Values, on the scale of the axis they stand at."""

import math
from dataclasses import dataclass

from davy.workflows.render.plots.axes import Axis

SUM, STABLE, CANARY, BURNING, OTHER = 0, 1, 2, 6, 7
"""Hues: of the sum that decides, of both sides, of the burn, and of every metric that has none of its own."""
OWN = (3, 4, 5, 8, 9)
"""Hues that metrics have for themselves."""

Point = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """A line."""

    name: str
    points: tuple[Point, ...]
    whiskers: tuple[tuple[float, float], ...] = ()
    """The low and the high end at each point; none, or one for each."""
    hue: int = SUM
    tag: str = ""
    """Written at its last point."""

    @property
    def last(self) -> float:
        """The value it ends with; not a number for an empty one."""
        return self.points[-1][1] if self.points else math.nan


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """What lies between two lines."""

    name: str
    points: tuple[tuple[float, float, float], ...]
    """Place, low and high end."""
    hue: int = SUM


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A value that decides something. Without words it is told by its tick."""

    at: float
    words: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A time with a meaning."""

    at: float
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """A place with a meaning."""

    x: float
    y: float
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """One row: from `low` to `high` on the figure's axis, and how that is said."""

    name: str
    low: float
    high: float
    words: str
    middle: float | None = None
    hue: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One bar of a group."""

    name: str
    value: float
    words: str
    hue: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Bars to be compared with each other, and with a limit where there is one."""

    name: str
    bars: tuple[Bar, ...]
    limit: float | None = None
    axis: Axis | None = None
    """Of its own; None for the one of the whole figure."""

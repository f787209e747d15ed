"""JUnit times: how long a case took, in each of the ways that reports write it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

UNITS = {"h": 3600.0, "m": 60.0, "min": 60.0, "s": 1.0, "sec": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
MEASURED = re.compile(r"(\d[\d.,]*)\s*(min|ms|us|µs|ns|sec|h|m|s)")
# .NET writes days before the hours: `1.02:03:04.5`.
CLOCK = re.compile(r"(?:(\d{1,6})\.)?(\d{1,6}):(\d{1,2}):(\d{1,2}(?:[.,]\d{1,12})?)")
GROUPED = re.compile("(?<=[0-9])[ '\u2019\u00a0\u202f](?=[0-9]{3}(?![0-9]))")
"""`1 234,5`: what stands between thousands in French, and in Swiss."""
NUMBER = re.compile(r"\+?[\d.,]+(?:[eE][+-]?\d{1,3})?")
UNSURE = re.compile(r"[1-9]\d{0,2},\d{3}")
"""One and 234 thousandths, or 1234: the suite's own time tells, else it is the former."""
LONGEST = 40
"""Characters of a time."""


def seconds(text: str) -> float:
    """As reports write it: `0.045`, `0,045`, `1,234.5`, `00:00:01.500`, `250ms`, `1m2.5s`; 0 where it is no time."""
    said = GROUPED.sub("", text.strip()).removeprefix("PT").lower() if len(text) <= LONGEST else ""
    if NUMBER.fullmatch(said):
        return _bounded(_number(said))
    if clock := CLOCK.fullmatch(said):
        days, hours, minutes, rest = clock.groups()
        return _bounded(86400 * int(days or 0) + 3600 * int(hours) + 60 * int(minutes) + _number(rest))
    if said and not MEASURED.sub("", said).strip():
        return _bounded(sum(_number(number) * UNITS[unit] for number, unit in MEASURED.findall(said)))
    return 0.0


def _number(text: str) -> float:
    """The last of `.` and `,` is the decimal mark, but not where it stands twice."""
    mark = max(".,", key=text.rfind)
    other = "," if mark == "." else "."
    plain = text.replace(other, "")
    plain = plain.replace(mark, "") if text.count(mark) > 1 else plain.replace(mark, ".")
    try:
        return float(plain)
    except ValueError:
        return 0.0


def _bounded(said: float) -> float:
    return said if 0 <= said < float("inf") else 0.0


@dataclass(slots=True)
class _Open:
    total: str
    first: int
    sum: float = 0.0
    unsure: dict[int, float] = field(default_factory=dict)


class Times:
    """The times of a report's cases, suite by suite, while it is read."""

    def __init__(self) -> None:
        self._open: list[_Open] = []

    def opened(self, total: str, first: int) -> None:
        """A suite begins. `total`: its own time; `first`: the number of its first case."""
        self._open.append(_Open(total, first))

    def seconds(self, text: str, index: int) -> float:
        """Of the case of this number."""
        found = seconds(text)
        suite = self._open[-1]
        suite.sum += found
        if UNSURE.fullmatch(text.strip()):
            suite.unsure[index] = found
        return found

    def closed(self) -> Iterator[tuple[int, float]]:
        """The suite has ended: cases whose time it tells to be another, each with the right one."""
        suite = self._open.pop()
        if self._open:
            self._open[-1].sum += suite.sum
        if not suite.unsure or not suite.total.strip() or UNSURE.fullmatch(suite.total.strip()):
            return
        total, more = seconds(suite.total), 999 * sum(suite.unsure.values())
        if abs(total - suite.sum - more) < abs(total - suite.sum):
            for index, found in suite.unsure.items():
                yield index, 1000 * found

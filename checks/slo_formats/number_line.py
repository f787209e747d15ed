"""Number line: the numbers that lists of limits take in, as cells at and between them, and as a condition. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

Limit = tuple[str, float]
"""An operator (`<`, `<=`, `=`, `>=`, `>`) and its number."""
Lists = Sequence[Sequence[Limit]]
"""One of the lists must hold, with every limit in it."""
Cells = tuple[bool, ...]
"""Of the cells from the lowest to the highest: below the first limit, at it, between it and the next, …"""


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberLine:
    """All numbers, cut at some limits."""

    limits: tuple[float, ...]

    @classmethod
    def of(cls, *lists: Lists) -> "NumberLine":
        """Cut wherever one of the lists has a limit."""
        return cls(limits=tuple(sorted({number for one in lists for group in one for _, number in group})))

    def held(self, lists: Lists) -> Cells:
        """Where the lists hold."""
        return tuple(
            any(all(self._holds(cell, limit) for limit in group) for group in lists)
            for cell in range(2 * len(self.limits) + 1)
        )

    def _holds(self, cell: int, limit: Limit) -> bool:
        operator, number = limit
        at = 2 * self.limits.index(number) + 1
        below, same = cell < at, cell == at
        return (below and "<" in operator) or (same and "=" in operator) or (not below and not same and ">" in operator)

    def condition(self, cells: Cells) -> str:
        """What davy.yaml says for these cells; they must be some, and not all."""
        without = [cell for cell, taken in enumerate(cells) if not taken]
        if len(without) == 1 and without[0] % 2:
            return f"!= {self._number(without[0])}"
        return " || ".join(self._piece(*run) for run in _runs(cells))

    def _piece(self, first: int, last: int) -> str:
        if first == last and first % 2:
            return f"== {self._number(first)}"
        low = "" if first == 0 else f">= {self._number(first)}" if first % 2 else f"> {self._number(first - 1)}"
        top = last == 2 * len(self.limits)
        high = "" if top else f"<= {self._number(last)}" if last % 2 else f"< {self._number(last + 1)}"
        return " && ".join(filter(None, (low, high)))

    def _number(self, cell: int) -> str:
        number = self.limits[cell // 2]
        short = f"{number:.15g}"
        return short if float(short) == number else repr(number)


def _runs(cells: Iterable[bool]) -> Iterable[tuple[int, int]]:
    """First and last of the cells that follow each other."""
    for taken, group in groupby(enumerate(cells), key=lambda one: one[1]):
        run = [cell for cell, _ in group]
        if taken:
            yield run[0], run[-1]

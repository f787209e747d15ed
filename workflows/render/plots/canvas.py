"""Canvas: dots in a terminal, eight to a cell in Braille, or one mark a cell where only ASCII is there. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

BRAILLE = 0x2800
BITS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""By row and column of a cell: https://www.unicode.org/charts/PDF/U2800.pdf."""
MARKS = "#*o+x@-.%&"
"""In ASCII, by hue."""
SGR = ("1", "34", "38;5;208", "32", "35", "33", "36", "90", "31", "96")
"""By hue: `select graphic rendition`."""
SOFT = "90"


@dataclass(frozen=True, slots=True)
class Ink:
    """What the terminal can show."""

    color: bool
    unicode: bool = True

    def painted(self, text: str, style: str) -> str:
        """In colour, where there is any and the text has something to show."""
        return f"\x1b[{style}m{text}\x1b[0m" if self.color and style and text.strip() else text

    def hued(self, text: str, hue: int) -> str:
        """In the colour of a hue."""
        return self.painted(text, SGR[hue % len(SGR)])

    def mark(self, hue: int) -> str:
        """What stands for a line in its legend."""
        return self.hued("●" if self.unicode else MARKS[hue % len(MARKS)], hue)


@dataclass(slots=True)
class Canvas:
    """Cells by (row, column), row 0 at the top. What is drawn later lies above."""

    width: int
    height: int
    ink: Ink
    dots: dict[tuple[int, int], tuple[int, int]] = field(default_factory=dict)
    """By cell: the bits, and the hue drawn last."""
    signs: dict[tuple[int, int], tuple[str, str]] = field(default_factory=dict)
    """By cell without dots: a letter and its style."""

    @property
    def fine(self) -> tuple[int, int]:
        """Dots across and down."""
        return (self.width * 2, self.height * 4) if self.ink.unicode else (self.width, self.height)

    def line(self, points: list[tuple[float, float]], hue: int) -> None:
        """Through points in shares of the canvas: (0, 0) is at the bottom left, (1, 1) at the top right."""
        across, down = self.fine
        spots = [(round(x * (across - 1)), round((1 - y) * (down - 1))) for x, y in points]
        for at, to in pairwise(spots):
            for x, y in _between(at, to):
                self._dot(x, y, hue)
        if len(spots) == 1:
            self._dot(*spots[0], hue)

    def _dot(self, x: int, y: int, hue: int) -> None:
        if not self.ink.unicode:
            self.dots[y, x] = (0, hue)
            return
        cell = (y // 4, x // 2)
        bits, _ = self.dots.get(cell, (0, hue))
        self.dots[cell] = (bits | BITS[y % 4][x % 2], hue)

    def row(self, y: float) -> int:
        """The cells' row at a share of the height."""
        _, down = self.fine
        return round((1 - y) * (down - 1)) // (down // self.height)

    def column(self, x: float) -> int:
        """The cells' column at a share of the width."""
        across, _ = self.fine
        return round(x * (across - 1)) // (across // self.width)

    def write(self, row: int, column: int, words: str, style: str = SOFT) -> None:
        """Below the dots."""
        for i, letter in enumerate(words):
            if 0 <= column + i < self.width:
                self.signs[row, column + i] = (letter, style)

    def is_free(self, row: int, column: int, length: int) -> bool:
        """No dot lies on these cells."""
        return column + length <= self.width and not any((row, column + i) in self.dots for i in range(length))

    def lines(self) -> list[str]:
        """Top to bottom, each as wide as the canvas."""
        return ["".join(self._runs(row)) for row in range(self.height)]

    def _runs(self, row: int) -> Iterator[str]:
        """Cells of one style together, so that the output stays small."""
        run, style = "", ""
        for column in range(self.width):
            letter, own = self._cell(row, column)
            if own != style and run:
                yield self.ink.painted(run, style)
                run = ""
            run, style = run + letter, own
        yield self.ink.painted(run, style)

    def _cell(self, row: int, column: int) -> tuple[str, str]:
        found = self.dots.get((row, column))
        if found is None:
            return self.signs.get((row, column), (" ", ""))
        bits, hue = found
        return (chr(BRAILLE + bits) if self.ink.unicode else MARKS[hue % len(MARKS)]), SGR[hue % len(SGR)]


def _between(at: tuple[int, int], to: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """Every dot from one to the other, without a gap."""
    steps = max(abs(to[0] - at[0]), abs(to[1] - at[1]), 1)
    for i in range(steps + 1):
        yield at[0] + round((to[0] - at[0]) * i / steps), at[1] + round((to[1] - at[1]) * i / steps)

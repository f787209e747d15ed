"""`python -m made.picture EVENTS SECONDS [WHAT]`: the live view as SVG, as it stood so long after it began.

EVENTS is the `events.jsonl` of a real release, or of a build. Each word stands at its own place, so that any
font keeps the columns.
"""

import json
import re
import sys
from collections.abc import Iterator
from datetime import timedelta
from functools import reduce
from html import escape
from pathlib import Path

from rich.console import Console, Group
from rich.segment import Segment
from rich.terminal_theme import MONOKAI

from davy.pipeline.core.json import codec
from davy.workflows.render.live.picture import picture
from davy.workflows.render.scene import Scene, folded

COLUMNS, ADVANCE, LINE, SIZE, MARGIN = 80, 12, 25, 20, 12
"""Columns; and in SVG units: a column, a line, the letters, the frame."""
FONT = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"


def main() -> None:
    """To stdout."""
    events = [codec.decode(json.loads(line)) for line in Path(sys.argv[1]).read_text().splitlines()]
    now = events[0].at + timedelta(seconds=float(sys.argv[2]))
    scene = reduce(folded, (event for event in events if event.at <= now), Scene())
    console = Console(width=COLUMNS, highlight=False, markup=False, emoji=False, color_system="truecolor")
    lines = console.render_lines(Group(*picture(scene, now, COLUMNS, 40)), pad=False)
    while lines and not "".join(part.text for part in lines[-1]).strip():
        lines.pop()
    print(svg(lines, f"{(sys.argv[3:] or ['A release'])[0]}, {sys.argv[2]} s after it began"))


def svg(lines: list[list[Segment]], title: str) -> str:
    """The lines as a dark terminal, readable on any page."""
    width, height = COLUMNS * ADVANCE + 2 * MARGIN, len(lines) * LINE + 2 * MARGIN
    return "\n".join(
        [
            f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" xmlns="http://www.w3.org/2000/svg">',
            f"<title>{escape(title)}</title>",
            f'<rect width="{width}" height="{height}" rx="8" fill="#0d1117"/>',
            f'<g font-family="{FONT}" font-size="{SIZE}" fill="#d9d9d9" transform="translate({MARGIN} {MARGIN})">',
            *(word for number, line in enumerate(lines) for word in words(line, number * LINE + SIZE)),
            "</g>",
            "</svg>",
        ]
    )


def words(line: list[Segment], y: int) -> Iterator[str]:
    """Every word of a line, where it stands and as it looks."""
    column = 0
    for part in line:
        for found in re.finditer(r"\S+", part.text):
            length = len(found[0]) * ADVANCE
            place = f'x="{(column + found.start()) * ADVANCE}" y="{y}" textLength="{length}"'
            yield f'<text {place} lengthAdjust="spacingAndGlyphs"{look(part)}>{escape(found[0])}</text>'
        column += len(part.text)


def look(part: Segment) -> str:
    """Colour and weight; dim is a darker grey."""
    style = part.style
    if style is None:
        return ""
    color = style.color.get_truecolor(MONOKAI).hex if style.color and not style.color.is_default else ""
    fill = color or ("#8b949e" if style.dim else "")
    return (f' fill="{fill}"' if fill else "") + (' font-weight="bold"' if style.bold else "")


if __name__ == "__main__":
    main()

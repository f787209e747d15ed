"""`python -m made.picture EVENTS SECONDS`: the live view as SVG, as it stood so long after the release began.

EVENTS is the `events.jsonl` of a real release.
"""

import io
import json
import sys
from datetime import timedelta
from functools import reduce
from pathlib import Path

from rich.console import Console, Group
from rich.terminal_theme import MONOKAI

from davy.pipeline import codec
from davy.workflows.render.picture import picture
from davy.workflows.render.scene import Scene, folded

FRAME = """\
<svg viewBox="0 0 {terminal_width} {terminal_height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-size: {char_height}px; line-height: {line_height}px; white-space: pre; }}
{styles}
</style>
<defs>{lines}</defs>
<rect fill="#0d1117" stroke="#6e7681" x="0.5" y="0.5" rx="8" width="{terminal_width}" height="{terminal_height}"/>
<g transform="translate(9, 9)">{backgrounds}<g class="{unique_id}-matrix">{matrix}</g></g>
</svg>
"""


def main() -> None:
    """To stdout."""
    events = [codec.decode(json.loads(line)) for line in Path(sys.argv[1]).read_text().splitlines()]
    now = events[0].at + timedelta(seconds=float(sys.argv[2]))
    scene = reduce(folded, (event for event in events if event.at <= now), Scene())
    console = Console(record=True, width=80, file=io.StringIO(), highlight=False, markup=False, emoji=False)
    console.print(Group(*picture(scene, now, 80, 40)))
    print(console.export_svg(theme=MONOKAI, code_format=FRAME, unique_id="davy"), end="")


if __name__ == "__main__":
    main()

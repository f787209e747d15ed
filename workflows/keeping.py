"""Keeping: the report and the events of a run, in the folder of what davy writes."""

import json
from collections.abc import Callable
from pathlib import Path

from davy.pipeline import codec, report
from davy.pipeline.events import Event


def keeper(out: Path) -> Callable[[tuple[Event, ...]], Path]:
    """Writes `report.md` and `events.jsonl` into the folder."""

    def keep(events: tuple[Event, ...]) -> Path:
        out.mkdir(parents=True, exist_ok=True)
        # What is kept here is no part of the source: without this the next release would call the tree dirty.
        (out / ".gitignore").write_text("*\n", encoding="utf-8")
        path = out / "report.md"
        path.write_text(report.markdown(report.summarized(events)), encoding="utf-8")
        lines = "".join(json.dumps(codec.encode(event)) + "\n" for event in events)
        (out / "events.jsonl").write_text(lines, encoding="utf-8")
        return path

    return keep

"""Keeping: the report and the events of a run, in the folder of what davy writes."""

import json
from collections.abc import Callable
from pathlib import Path

from davy.pipeline.core.events import Event
from davy.pipeline.core.json import codec
from davy.pipeline.files import own_files as ownfiles
from davy.workflows.render import markdown as report


def keeper(out: Path) -> Callable[[tuple[Event, ...]], Path]:
    """Writes `report.md` and `events.jsonl` into the folder. Raises Unwritable."""

    def keep(events: tuple[Event, ...]) -> Path:
        # What is kept here is no part of the source: without this the next release would call the tree dirty.
        ownfiles.write(out / ".gitignore", "*\n")
        path = out / "report.md"
        ownfiles.write(path, report.markdown(report.summarized(events)))
        lines = "".join(json.dumps(codec.encode(event)) + "\n" for event in events)
        ownfiles.write(out / "events.jsonl", lines)
        return path

    return keep

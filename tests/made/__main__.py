"""`python -m made`: writes what in docs/, examples/ and tests/recorded/ is made from the code, if it is not fresh."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from davy.pipeline.config.json_schema import schema

from . import configuration, gantt, rbac, recorded, verdict

ROOT = Path(__file__).parents[2]
CONFIGURATION = ROOT / "docs" / "configuration.md"

RECORDED = ROOT / "tests" / "recorded"

MADE: Mapping[Path, Callable[[], str]] = {
    CONFIGURATION: lambda: configuration.text(CONFIGURATION.read_text()),
    ROOT / "docs" / "rbac.yaml": rbac.text,
    ROOT / "docs" / "verdict.svg": verdict.text,
    ROOT / "docs" / "spread.svg": gantt.text,
    RECORDED / "help.txt": recorded.help_text,
    RECORDED / "events.jsonl": recorded.events_text,
    RECORDED / "report.md": recorded.report_text,
    RECORDED / "rehearsals.txt": recorded.rehearsals_text,
    RECORDED / "journals.json": recorded.journals_text,
    ROOT / "examples" / "checkout" / "davy.schema.json": lambda: json.dumps(schema(), indent=2) + "\n",
}
"""Every made file, and what makes its text."""


if __name__ == "__main__":
    for path, text in ((path, make()) for path, make in MADE.items()):
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
            print(f"wrote {path.relative_to(ROOT)}")

"""`python -m made`: writes what in docs/ and examples/ is made from the code, where it is not up to date."""

import json
from pathlib import Path

from davy.pipeline.schema import schema

from . import configuration, gantt, rbac, verdict

ROOT = Path(__file__).parents[2]
CONFIGURATION = ROOT / "docs" / "configuration.md"


def made() -> dict[Path, str]:
    """Every made file and its text."""
    return {
        CONFIGURATION: configuration.text(CONFIGURATION.read_text()),
        ROOT / "docs" / "rbac.yaml": rbac.text(),
        ROOT / "docs" / "verdict.svg": verdict.text(),
        ROOT / "docs" / "spread.svg": gantt.text(),
        ROOT / "examples" / "checkout" / "davy.schema.json": json.dumps(schema(), indent=2) + "\n",
    }


if __name__ == "__main__":
    for path, text in made().items():
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
            print(f"wrote {path.relative_to(ROOT)}")

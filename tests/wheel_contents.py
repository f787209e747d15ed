"""`python tests/wheel_contents.py WHEEL`: a wheel holds every module of the rooms, under `davy/`, and nothing else."""

import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
ROOMS = ("pipeline", "canary", "checks", "workflows")


def main() -> None:
    """Exits with what is wrong."""
    names = set(zipfile.ZipFile(sys.argv[1]).namelist())
    wanted = {
        f"davy/{path.relative_to(ROOT)}"
        for room in ROOMS
        for path in (ROOT / room).rglob("*")
        if path.is_file() and path.suffix in {".py", ".typed"}
    }
    packed = {name for name in names if ".dist-info/" not in name}
    problems = [f"missing: {name}" for name in sorted(wanted - packed)]
    problems += [f"does not belong: {name}" for name in sorted(packed - wanted)]
    if not any(name.endswith(".dist-info/licenses/LICENSE") for name in names):
        problems.append("missing: the license")
    if problems:
        sys.exit("\n".join(problems))
    print(f"{len(packed)} files, all of them davy's")


if __name__ == "__main__":
    main()

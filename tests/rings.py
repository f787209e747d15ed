"""The rings: the lab's doors and contracts side by side, for they wait most of the time; then all the rest computes.

Not all at once: where a lease of seconds is held, nobody shall wait for arithmetic. One report after the other.

Each is a plain pytest run; this only starts them, says how far they are, and fails where one of them fails.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

SAY_EVERY = 20.0
PLAIN = ["-m", "not extra"]
"""What the lab has without more building; the rest is `nox -s extras`."""
ON_THE_LAB = ["-m", "not extra and (lab or not door)"]
BESIDES = ["-m", "not extra and not (door and lab)"]
WORKERS = ["-n", str(os.cpu_count() or 1), "--dist=worksteal"]
SIDE_BY_SIDE: tuple[Mapping[str, Sequence[str]], ...] = (
    {"contracts": [*PLAIN, "tests/contracts"], "doors": [*ON_THE_LAB, "tests/doors", "tests/lab_tests"]},
    {"core": [*BESIDES, *WORKERS, "--ignore=tests/contracts", "--ignore=tests/lab_tests"]},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ring:
    """One pytest run under way."""

    name: str
    child: subprocess.Popen[bytes]
    log: Path

    def so_far(self) -> str:
        """Its last percentage."""
        percents = [line.rsplit("[", 1)[1].strip(" ]") for line in self._lines() if line.rstrip().endswith("%]")]
        state = "running" if self.child.poll() is None else f"ended with {self.child.returncode}"
        return f"{self.name}: {percents[-1] if percents else '0%'}, {state}"

    def _lines(self) -> list[str]:
        return self.log.read_text(errors="replace").splitlines()


def main(options: list[str]) -> int:
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        ended = [ring for rings in SIDE_BY_SIDE for ring in over(rings, options, Path(folder), began)]
        for ring in ended:
            print(f"\n==== ring: {ring.name} ====\n{ring.log.read_text(errors='replace')}", flush=True)
    return 1 if any(ring.child.returncode for ring in ended) else 0


def over(rings: Mapping[str, Sequence[str]], options: list[str], folder: Path, began: float) -> list[Ring]:
    """These side by side, once all have ended."""
    running = [started(name, [*options, *chosen], folder) for name, chosen in rings.items()]
    said = time.monotonic()
    while any(ring.child.poll() is None for ring in running):
        time.sleep(0.5)
        if time.monotonic() - said > SAY_EVERY:
            said = time.monotonic()
            print(f"{said - began:5.0f} s  " + "   ".join(ring.so_far() for ring in running), flush=True)
    return running


def started(name: str, options: list[str], folder: Path) -> Ring:
    log = folder / f"{name}.log"
    with log.open("wb") as out:
        child = subprocess.Popen(
            [sys.executable, "-m", "pytest", "--durations=8", *options], stdout=out, stderr=subprocess.STDOUT
        )
    return Ring(name=name, child=child, log=log)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The rings side by side: doors and contracts wait for a cluster most of the time, the core computes.

The core computes on every core, but behind the others: where a lease of seconds is held, nobody waits for arithmetic.
One report after the other.

Each is a plain pytest run; this only starts them, says how far they are, and fails where one of them fails.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

SAY_EVERY = 20.0
PLAIN = ["-m", "not extra"]
"""What the lab has without more building; the rest is `nox -s extras`."""
WORKERS = ["-n", str(os.cpu_count() or 1)]
RINGS = {
    "core": [*PLAIN, *WORKERS, "--ignore=tests/doors", "--ignore=tests/contracts", "--ignore=tests/lab_tests"],
    "contracts": [*PLAIN, "tests/contracts", "tests/lab_tests"],
    "doors": [*PLAIN, "tests/doors"],
}


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
    with tempfile.TemporaryDirectory() as folder:
        rings = [started(name, [*options, *chosen], Path(folder)) for name, chosen in RINGS.items()]
        said = began = time.monotonic()
        while any(ring.child.poll() is None for ring in rings):
            time.sleep(0.5)
            if time.monotonic() - said > SAY_EVERY:
                said = time.monotonic()
                print(f"{said - began:5.0f} s  " + "   ".join(ring.so_far() for ring in rings), flush=True)
        for ring in rings:
            print(f"\n==== ring: {ring.name} ====\n{ring.log.read_text(errors='replace')}", flush=True)
        return max(ring.child.returncode for ring in rings)


def started(name: str, options: list[str], folder: Path) -> Ring:
    log = folder / f"{name}.log"
    behind = ["nice", "-n", "10"] if name == "core" else []
    with log.open("wb") as out:
        child = subprocess.Popen(
            [*behind, sys.executable, "-m", "pytest", "--durations=8", *options], stdout=out, stderr=subprocess.STDOUT
        )
    return Ring(name=name, child=child, log=log)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The rings: doors and contracts side by side, for they wait for a cluster most of the time; then the core computes.

Two at a time: where a lease of seconds is held, nobody shall wait for arithmetic. One report after the other.

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
WORKERS = ["-n", str(os.cpu_count() or 1), "--dist=worksteal"]
AT_ONCE = 2
RINGS: Mapping[str, Sequence[str]] = {
    "doors": [*PLAIN, "tests/doors"],
    "contracts": [*PLAIN, "tests/contracts", "tests/lab_tests"],
    "core": [*PLAIN, *WORKERS, "--ignore=tests/doors", "--ignore=tests/contracts", "--ignore=tests/lab_tests"],
}
"""In the order in which they begin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ring:
    """One pytest run under way."""

    name: str
    child: subprocess.Popen[bytes]
    log: Path

    @property
    def is_running(self) -> bool:
        return self.child.poll() is None

    def so_far(self) -> str:
        """Its last percentage."""
        percents = [line.rsplit("[", 1)[1].strip(" ]") for line in self._lines() if line.rstrip().endswith("%]")]
        state = "running" if self.is_running else f"ended with {self.child.returncode}"
        return f"{self.name}: {percents[-1] if percents else '0%'}, {state}"

    def _lines(self) -> list[str]:
        return self.log.read_text(errors="replace").splitlines()


def main(options: list[str]) -> int:
    waiting, begun = dict(RINGS), list[Ring]()
    with tempfile.TemporaryDirectory() as folder:
        said = began = time.monotonic()
        while waiting or any(ring.is_running for ring in begun):
            if waiting and sum(ring.is_running for ring in begun) < AT_ONCE:
                name = next(iter(waiting))
                begun.append(started(name, [*options, *waiting.pop(name)], Path(folder)))
            time.sleep(0.5)
            if time.monotonic() - said > SAY_EVERY:
                said = time.monotonic()
                print(f"{said - began:5.0f} s  " + "   ".join(ring.so_far() for ring in begun), flush=True)
        for ring in begun:
            print(f"\n==== ring: {ring.name} ====\n{ring.log.read_text(errors='replace')}", flush=True)
    return 1 if any(ring.child.returncode for ring in begun) else 0


def started(name: str, options: list[str], folder: Path) -> Ring:
    log = folder / f"{name}.log"
    with log.open("wb") as out:
        child = subprocess.Popen(
            [sys.executable, "-m", "pytest", "--durations=8", *options], stdout=out, stderr=subprocess.STDOUT
        )
    return Ring(name=name, child=child, log=log)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

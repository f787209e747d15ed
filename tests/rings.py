"""The rings: contracts beside what else needs the lab, for both wait most of the time; then all the rest computes.

Not all at once: where a lease of seconds is held, nobody shall wait for arithmetic. Tried on two cores: with four rings
side by side, pods' probes and customers ran out of time. One report after the other.

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
CORES = os.cpu_count() or 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Ring:
    """One pytest run: which tests, and how."""

    name: str
    marked: str = ""
    folders: tuple[str, ...] = ()
    """Those of `tests` that it takes; without any it takes all but those it leaves `out`."""
    out: tuple[str, ...] = ()
    how: tuple[str, ...] = ()

    def options(self) -> list[str]:
        chosen = [f"tests/{folder}" for folder in self.folders] or [f"--ignore=tests/{folder}" for folder in self.out]
        return [*(["-m", self.marked] if self.marked else []), *self.how, *chosen]


ON_THE_LAB = (
    Ring(name="contracts", folders=("contracts",)),
    Ring(name="lab", marked="lab", out=("contracts",)),
)
AFTER_IT = (
    # A worker more than cores, for many of them wait for a command.
    Ring(name="core", marked="not lab", out=("contracts",), how=("-n", str(CORES + 1), "--dist=worksteal")),
)
ROUNDS = (ON_THE_LAB, AFTER_IT)
"""What a round holds runs side by side."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A ring under way."""

    ring: Ring
    child: subprocess.Popen[bytes]
    log: Path

    def so_far(self) -> str:
        """Its last percentage."""
        lines = self.text.splitlines()
        percents = [line.rsplit("[", 1)[1].strip(" ]") for line in lines if line.rstrip().endswith("%]")]
        code = self.child.poll()
        state = "running" if code is None else f"ended with {code}"
        return f"{self.ring.name}: {percents[-1] if percents else '0%'}, {state}"

    def left_out(self) -> list[str]:
        """What it said that it did not run: at the end of all, where it is not missed."""
        return [f"{self.ring.name}: {line}" for line in self.text.splitlines() if line.startswith("left out: ")]

    @property
    def text(self) -> str:
        return self.log.read_text(errors="replace")


def main(options: list[str]) -> int:
    began = time.monotonic()
    # What containers leave in it may not be ours to remove.
    with tempfile.TemporaryDirectory(prefix="rings-", ignore_cleanup_errors=True) as folder:
        ended = [run for rings in ROUNDS for run in over(rings, options, Path(folder), began)]
        for run in ended:
            print(f"\n==== ring: {run.ring.name} ====\n{run.text}", flush=True)
        for line in (line for run in ended for line in run.left_out()):
            print(line)
    return 1 if any(run.child.returncode for run in ended) else 0


def over(rings: tuple[Ring, ...], options: list[str], folder: Path, began: float) -> list[Run]:
    """These side by side, once all have ended."""
    running = [started(ring, options, folder) for ring in rings]
    said = time.monotonic()
    while any(run.child.poll() is None for run in running):
        time.sleep(0.5)
        if time.monotonic() - said > SAY_EVERY:
            said = time.monotonic()
            print(f"{said - began:5.0f} s  " + "   ".join(run.so_far() for run in running), flush=True)
    return running


def started(ring: Ring, options: list[str], folder: Path) -> Run:
    log = folder / f"{ring.name}.log"
    # Runs that share the usual folder clean up in it at the same time, each under the other's feet.
    own = f"--basetemp={folder / ring.name}"
    command = [sys.executable, "-m", "pytest", "--durations=8", own, *options, *ring.options()]
    with log.open("wb") as out:
        child = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
    return Run(ring=ring, child=child, log=log)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

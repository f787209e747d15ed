"""What the lab says while it works: on stderr, and on anything over two seconds."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

PATIENCE = 2.0
EVERY = 10.0


class LabError(Exception):
    """Something the lab needs is missing or did not work; the text says what to do."""


def say(text: str) -> None:
    """Put one line on stderr; stdout is for data."""
    print(text, file=sys.stderr, flush=True)


@dataclass(slots=True)
class Stopwatch:
    """Seconds per part, in the order in which they ended."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def part(self, name: str, *, hint: str = "", log: Path | None = None) -> Iterator[None]:
        """Time a part, and speak up if it is still at work after two seconds."""
        ended = threading.Event()
        watcher = threading.Thread(target=_report, args=(ended, name, hint, log), daemon=True)
        begun = time.monotonic()
        watcher.start()
        try:
            yield
        finally:
            ended.set()
            watcher.join()
            spent = time.monotonic() - begun
            self.seconds[name] = self.seconds.get(name, 0.0) + spent
        if spent >= PATIENCE:
            say(f"  ✓ {name}  {spent:.1f} s")


def _report(ended: threading.Event, name: str, hint: str, log: Path | None) -> None:
    begun = time.monotonic()
    if ended.wait(PATIENCE):
        return
    say(f"  … {name}" + (f" ({hint})" if hint else ""))
    while not ended.wait(EVERY):
        last = last_lines(log, 1)[-1:] if log else []
        say(f"    {name}: {time.monotonic() - begun:.0f} s {last[0][:100] if last else ''}".rstrip())


def last_lines(log: Path, count: int) -> list[str]:
    """The end of a log, or nothing where there is no log yet."""
    try:
        with log.open("rb") as stream:
            stream.seek(max(0, log.stat().st_size - 300 * count))
            return stream.read().decode(errors="replace").splitlines()[-count:]
    except FileNotFoundError:
        return []

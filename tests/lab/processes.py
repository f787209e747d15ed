"""The lab's own processes: started once, found again, ended for good."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .layout import SEARCH, Layout
from .talk import LabError, last_lines

START_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Daemon:
    """A process that serves until it is ended."""

    name: str
    command: tuple[str, ...]
    is_ready: Callable[[], bool]
    settings: str = ""
    """The text of its configuration: another text means another process."""
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def print(self) -> str:
        whole = json.dumps([self.command, self.settings, dict(self.environment)])
        return hashlib.sha256(whole.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What is kept of a started process: enough to know it again, and not another."""

    pid: int
    born: str
    print: str


def ensure(layout: Layout, daemon: Daemon) -> bool:
    """Start the daemon unless this very one runs already; say whether it was started."""
    known = record_of(layout, daemon.name)
    if known is not None and is_alive(known):
        if known.print == daemon.print:
            return False
        end(layout, daemon.name)
    _start(layout, daemon)
    return True


def await_ready(layout: Layout, daemon: Daemon, *, seconds: float = START_SECONDS) -> None:
    """Wait until the daemon serves; if it dies or stays dumb, tell its last words."""
    deadline = time.monotonic() + seconds
    while not daemon.is_ready():
        known = record_of(layout, daemon.name)
        dead = known is None or not is_alive(known)
        if dead or time.monotonic() > deadline:
            words = "\n".join(last_lines(_log(layout, daemon.name), 15))
            how = "ended" if dead else f"not ready after {seconds:.0f} s"
            raise LabError(f"{daemon.name}: {how}; its log ends with\n{words}")
        time.sleep(0.1)


def end(layout: Layout, name: str, *, patience: float = 10.0) -> None:
    """End a process of ours by its id, gently and then not; do nothing if it is gone."""
    known = record_of(layout, name)
    if known is not None:
        end_pid(known.pid, known.born, patience=patience)
    _record_file(layout, name).unlink(missing_ok=True)


def end_pid(pid: int, born: str, *, patience: float) -> None:
    """End exactly the process that had this id at this birth."""
    for sign, limit in ((signal.SIGTERM, patience), (signal.SIGKILL, 5.0)):
        if born_of(pid) != born:
            return
        try:
            os.kill(pid, sign)
        except ProcessLookupError:
            return
        if _is_gone_by(pid, born, time.monotonic() + limit):
            return


def _is_gone_by(pid: int, born: str, deadline: float) -> bool:
    while time.monotonic() < deadline:
        if born_of(pid) != born:
            return True
        time.sleep(0.05)
    return False


def is_alive(known: Record) -> bool:
    """Whether the very process of the record still lives (ids are used again)."""
    return born_of(known.pid) == known.born


def born_of(pid: int) -> str:
    """The kernel's start time of a process; empty for none, and for a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else fields[19]


def record_of(layout: Layout, name: str) -> Record | None:
    """What was kept of the process of this name."""
    try:
        return Record(**json.loads(_record_file(layout, name).read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def living(layout: Layout) -> dict[str, int]:
    """The ids of the lab's living processes by name."""
    found = {}
    for path in sorted((layout.run / "pids").glob("*.json")):
        known = record_of(layout, path.stem)
        if known is not None and is_alive(known):
            found[path.stem] = known.pid
    return found


def _start(layout: Layout, daemon: Daemon) -> None:
    log = _log(layout, daemon.name)
    log.parent.mkdir(parents=True, exist_ok=True)
    program = shutil.which(daemon.command[0], path=SEARCH)
    if program is None:
        raise LabError(f"{daemon.command[0]}: not installed")
    pid = os.posix_spawn(
        program,
        daemon.command,
        {**os.environ, "PATH": SEARCH, **daemon.environment},
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,  # else the terminal's Ctrl-C would reach it
    )
    path = _record_file(layout, daemon.name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"pid": pid, "born": born_of(pid), "print": daemon.print}))


def _record_file(layout: Layout, name: str) -> Path:
    return layout.run / "pids" / f"{name}.json"


def _log(layout: Layout, name: str) -> Path:
    return layout.logs / f"{name}.log"

"""The one place where the lab runs a command and waits for its end."""

from __future__ import annotations

import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from .layout import SEARCH
from .talk import LabError, last_lines


def run(
    *command: str | Path,
    text: str | None = None,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    check: bool = True,
    seconds: float = 120,
) -> str:
    """Run to the end and return stdout; a failure tells the command and its last words."""
    arguments = [str(part) for part in command]
    try:
        done = subprocess.run(
            arguments,
            input=text,
            stdin=subprocess.DEVNULL if text is None else None,
            capture_output=True,
            text=True,
            env={**os.environ, "PATH": SEARCH, **(environment or {})},
            cwd=folder,
            timeout=seconds,
            check=False,
        )
    except FileNotFoundError as missing:
        raise LabError(f"{arguments[0]}: not installed") from missing
    except subprocess.TimeoutExpired as late:
        raise LabError(f"{' '.join(arguments[:4])}: no end after {seconds:.0f} s") from late
    if check and done.returncode != 0:
        words = (done.stderr or done.stdout).strip()[-600:]
        raise LabError(f"{' '.join(arguments[:6])}: exit {done.returncode}: {words}")
    return done.stdout


def run_logged(
    command: Sequence[str | Path],
    log: Path,
    *,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> None:
    """Run something long with its output in a log."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as stream:
        done = subprocess.run(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PATH": SEARCH, **(environment or {})},
            cwd=folder,
            check=False,
        )
    if done.returncode != 0:
        words = "\n".join(last_lines(log, 12))
        raise LabError(f"{command[0]}: exit {done.returncode}, see {log}:\n{words}")


def answers(url: str, *, seconds: float = 2.0) -> bool:
    """Whether something on loopback answers this with success."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=seconds):
            return True
    except (OSError, urllib.error.URLError, ValueError):
        return False


def accepts(path: Path) -> bool:
    """Whether someone listens on a Unix socket; after a crash its file is still there."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as plug:
        try:
            plug.connect(str(path))
        except OSError:
            return False
    return True


def wait_until(is_so: Callable[[], bool], what: str, *, seconds: float, every: float = 0.1) -> None:
    """Ask until the answer is yes; say what was waited for if it never is."""
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            raise LabError(f"{what}: not so after {seconds:.0f} s")
        time.sleep(every)

"""Process: the one place where a subprocess starts. A list of words, no shell; ended with all its children."""

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import IO

from davy.pipeline.errors import Missing
from davy.pipeline.ports import Say

MOST_KEPT = 2**20
"""Bytes of output that are kept; a child that prints more is still read, so that it does not stall."""
LONGEST_LINE = 2**16
"""Bytes; a longer line is told in pieces, so that a child which prints no newline fills no memory."""
LOOK = 0.05
"""Seconds between looks at whether to end a child early."""


def _never() -> bool:
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a child ended."""

    exit_code: int | None
    """None where it had to be stopped; negative: the signal that ended it."""
    out: str
    err: str
    """Empty where the lines were streamed: both are in `out` then."""


def run(
    words: Sequence[str],
    *,
    timeout: timedelta,
    say: Say | None = None,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    given: str = "",
    interrupted: Callable[[], bool] = _never,
    grace: timedelta = timedelta(),
) -> Ended:
    """Run to the end or the timeout. With `say` each line is told as it comes. Raises Missing: no such program.

    `interrupted`: asked while it runs; true ends it early. `grace`: from the word to end (SIGTERM, to its whole
    session) until the kill; none: it is killed at once.
    """
    try:
        child = subprocess.Popen(
            list(words),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if say else subprocess.PIPE,
            cwd=folder,
            env=dict(environment) if environment is not None else None,
            start_new_session=True,
        )
    except OSError as error:
        raise Missing(
            f"{words[0]} cannot be started: {error.strerror}.", remedy=f"Install {words[0]}, or put it into PATH."
        ) from error
    out, err = _Ear(child.stdout, say), _Ear(child.stderr, None)
    try:
        with contextlib.suppress(BrokenPipeError):
            assert child.stdin is not None  # noqa: S101 - it was asked for above
            child.stdin.write(given.encode())
            child.stdin.close()
        code = _awaited(child, timeout, interrupted)
        if code is None and grace:
            _ask_to_end(child, grace)
    finally:
        _end(child)
    return Ended(exit_code=code, out=out.heard(), err=err.heard())


def _awaited(child: "subprocess.Popen[bytes]", timeout: timedelta, interrupted: Callable[[], bool]) -> int | None:
    """Its exit code; None where its time is up or somebody wants it ended."""
    ends = time.monotonic() + timeout.total_seconds()
    slice_ = timeout.total_seconds() if interrupted is _never else LOOK
    while (left := ends - time.monotonic()) > 0 and not interrupted():
        with contextlib.suppress(subprocess.TimeoutExpired):
            return child.wait(min(left, slice_))
    return child.poll()


def _ask_to_end(child: "subprocess.Popen[bytes]", grace: timedelta) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(grace.total_seconds())


def _end(child: "subprocess.Popen[bytes]") -> None:
    """End the child's whole session: what it left behind would keep the pipes open."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


class _Ear:
    """Reads one stream to its end, in a thread of its own."""

    def __init__(self, stream: IO[bytes] | None, say: Callable[[str], None] | None) -> None:
        self._kept: list[bytes] = []
        self._stream, self._say = stream, say
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        size = 0
        stream = self._stream
        for line in iter(lambda: stream.readline(LONGEST_LINE), b"") if stream else ():
            if size < MOST_KEPT:
                self._kept.append(line)
            size += len(line)
            if self._say:
                self._say(line.decode(errors="replace").rstrip("\r\n"))

    def heard(self) -> str:
        self._thread.join(timeout=5)
        if self._stream and not self._thread.is_alive():
            self._stream.close()
        return b"".join(self._kept).decode(errors="replace")

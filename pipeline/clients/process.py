"""Process: the one place where a subprocess starts. A list of words, no shell; ended with all its children."""

import codecs
import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import IO

from davy.pipeline.core.errors import Missing, Unreachable
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.ports import Say
from davy.pipeline.core.secrets.masks import NONE, Lines, Masks

TICK = 0.1
"""Seconds between two looks at whether the child is still wanted."""
PATIENCE = 5.0
"""Seconds for the rest of the output of a child that has ended."""
MOST_KEPT = 2**20
"""Bytes of output that are kept; a child that prints more is still read, so that it does not stall."""
LONGEST_LINE = 2**16
"""Bytes; a longer line is told in pieces, so that a child which prints no newline fills no memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessEnd:
    """How a child ended."""

    exit_code: int | None
    """None where it had to be stopped; negative: the signal that ended it."""
    out: str
    err: str
    """Empty where the lines were streamed: both are in `out` then."""
    unwanted: bool = False
    """True where it was stopped because `interrupted` said so, and not for the time it took."""


def run(
    words: Sequence[str],
    *,
    timeout: timedelta,
    say: Say | None = None,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    given: str = "",
    interrupted: Callable[[], bool] = lambda: False,
    patience: timedelta = timedelta(),
    masks: Masks = NONE,
) -> ProcessEnd:
    """Run to the end or the timeout. With `say` each line is told as it comes. Raises Missing: no such program.

    `interrupted`: asked again and again; when true, the child is stopped. `patience`: how long a child that is to be
    stopped may take for it after SIGTERM; without it, and after it, its whole session is killed. `masks`: of the lines
    that are told; what is kept is as it came.
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
    out, err = _Ear(child.stdout, say, masks), _Ear(child.stderr, None, NONE)
    code: int | None = None
    unwanted = False
    try:
        with contextlib.suppress(BrokenPipeError):
            assert child.stdin is not None  # noqa: S101 - it was asked for above
            child.stdin.write(given.encode())
            child.stdin.close()
        code, unwanted = _awaited(child, timeout.total_seconds(), interrupted)
        if code is None:
            _asked_to_end(child, patience.total_seconds())
    finally:
        _end(child)
    return ProcessEnd(exit_code=code, out=out.heard(interrupted), err=err.heard(interrupted), unwanted=unwanted)


def _awaited(
    child: "subprocess.Popen[bytes]", seconds: float, interrupted: Callable[[], bool]
) -> tuple[int | None, bool]:
    """Its exit code, None where time was up or nobody wants it any more; and whether it was the latter."""
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return child.wait(min(left, TICK)), False
        if interrupted():
            return None, True
    return child.poll(), False


def _asked_to_end(child: "subprocess.Popen[bytes]", seconds: float) -> None:
    """Let it end by itself, so that it can tell its own children and servers."""
    if seconds <= 0:
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What a short question to a program gave: all of its output, as bytes."""

    exit_code: int
    out: bytes
    err: str


def answered(
    words: Sequence[str],
    *,
    timeout: timedelta,
    folder: Path | str | None = None,
    environment: Mapping[str, str] | None = None,
    given: bytes = b"",
) -> Answered:
    """Ask and wait for the whole answer. Raises Missing: no such program, or no such folder; Unreachable: too slow."""
    try:
        ended = subprocess.run(
            list(words),
            input=given,
            capture_output=True,
            check=False,
            cwd=folder,
            env=dict(environment) if environment is not None else None,
            timeout=timeout.total_seconds(),
        )
    except OSError as error:
        raise Missing(
            f"{words[0]} cannot be started: {error.strerror}.", remedy=f"Install {words[0]}, or put it into PATH."
        ) from error
    except subprocess.TimeoutExpired as error:
        raise Unreachable(f"{words[0]} did not answer within {timeout.total_seconds():g} s.") from error
    return Answered(exit_code=ended.returncode, out=ended.stdout, err=ended.stderr.decode(errors="replace"))


def attended(words: Sequence[str], *, timeout: timedelta, environment: Mapping[str, str]) -> ProcessEnd:
    """Run with the terminal as its own, for a person who answers; only stdout is kept. Raises Missing."""
    try:
        with subprocess.Popen(list(words), stdout=subprocess.PIPE, env=dict(environment)) as child:
            out = _Ear(child.stdout, None, NONE)
            try:
                code: int | None = child.wait(timeout.total_seconds())
            except subprocess.TimeoutExpired:
                code = None
                child.kill()
            return ProcessEnd(exit_code=code, out=out.heard(lambda: code is None), err="")
    except OSError as error:
        raise Missing(
            f"{words[0]} cannot be started: {error.strerror}.", remedy=f"Install {words[0]}, or put it into PATH."
        ) from error


def _end(child: "subprocess.Popen[bytes]") -> None:
    """End the child's whole session: what it left behind would keep the pipes open."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


class _Ear:
    """Reads one stream to its end, in a thread of its own."""

    def __init__(self, stream: IO[bytes] | None, say: Callable[[str], None] | None, masks: Masks) -> None:
        self._kept: list[bytes] = []
        self._stream, self._say = stream, say
        self._lines = Lines(masks, LONGEST_LINE)
        self._is_saying = False
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        size = 0
        stream = self._stream
        # A character and a secret may lie across two reads.
        decoded = codecs.getincrementaldecoder("utf-8")(errors="replace")
        for line in iter(lambda: stream.readline(LONGEST_LINE), b"") if stream else ():
            if size < MOST_KEPT:
                self._kept.append(line)
            size += len(line)
            self._tell(self._lines.fed(decoded.decode(line)) if self._say else ())
        self._tell((*self._lines.fed(decoded.decode(b"", final=True)), *self._lines.rest()))

    def _tell(self, lines: Iterable[str]) -> None:
        for line in lines:
            if self._say:
                self._is_saying = True
                self._say(line)
                self._is_saying = False

    def heard(self, interrupted: Callable[[], bool] = lambda: False) -> str:
        """All of it. Whoever hears it slowly is waited for; a stream that somebody else keeps open is not."""
        deadline = time.monotonic() + PATIENCE
        while self._thread.is_alive() and time.monotonic() < deadline:
            self._thread.join(TICK)
            if self._is_saying and not interrupted():
                deadline = time.monotonic() + PATIENCE
        if self._stream and not self._thread.is_alive():
            self._stream.close()
        return b"".join(self._kept).decode(errors="replace")

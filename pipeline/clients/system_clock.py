"""System clock: the system's time, and sleep that Ctrl-C, SIGTERM and a hangup cut short."""

import os
import select
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from types import FrameType, TracebackType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
ONE_WISH = 0.5
"""Seconds in which a repeated signal is the same wish: wrappers pass on what the terminal already sent to all."""
INSISTS = 3
"""So many times Ctrl-C break off even a rollback. SIGTERM never does: CI sends SIGINT and then SIGTERM when a job is
cancelled, and a rollback under way must outlive both."""
AGAIN = b"\ndavy: already on the way back: what was begun is being made safe. A third Ctrl-C breaks that off.\n"


@contextmanager
def breakable() -> Iterator[None]:
    """While it is open the first Ctrl-C, SIGTERM or hangup raises KeyboardInterrupt wherever it comes.

    For work that touches nothing: a clock only notes a signal, and who reads a large file asks no clock.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, signal.default_int_handler) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""Linux' monotonic clock stands still while the machine is suspended, and a Lease does not."""


def uptime() -> float:
    """Seconds by a clock that nobody sets."""
    return time.clock_gettime(STEADY)


class SystemClock:
    """As a context manager it takes the signals over, for good once one came; the third Ctrl-C raises

    KeyboardInterrupt.
    """

    def __init__(self) -> None:
        self._last: float | None = None
        self._insisted = 0
        self._before: dict[signal.Signals, Any] = {}
        self._pipe: tuple[int, int] | None = None
        self._woken_before = -1
        self._wakes = False
        """True from the first signal until it has ended a wait."""

    def __enter__(self) -> "SystemClock":
        self._pipe = os.pipe()
        for end in self._pipe:
            os.set_blocking(end, False)
        # Python runs a handler when it comes to it. What waits by then would wait on: this byte is written at once.
        self._woken_before = signal.set_wakeup_fd(self._pipe[1], warn_on_full_buffer=False)
        self._before = {number: signal.signal(number, self._heard) for number in SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Who was told to end is ending: a second signal on its last lines must not change how it ends.
        if not self.interrupted():
            for number, handler in self._before.items():
                signal.signal(number, handler)
        signal.set_wakeup_fd(self._woken_before)
        pipe, self._pipe = self._pipe, None
        for end in pipe or ():
            os.close(end)

    def now(self) -> datetime:
        """Aware UTC."""
        return datetime.now(UTC)

    def elapsed(self) -> timedelta:
        """Since the machine was started; while it was suspended, too."""
        return timedelta(seconds=uptime())

    def sleep(self, seconds: float) -> None:
        """Wait. The first signal ends one wait, the one that runs or else the next; later ones are whole again:

        making traffic safe waits between looks, too.
        """
        if self._pipe is None:
            time.sleep(max(0.0, seconds))
            return
        ends = time.monotonic() + seconds
        while not self._wakes:
            # A pipe, not an Event: a handler may run inside Event.wait and would lock itself out.
            ready, _, _ = select.select([self._pipe[0]], [], [], max(0.0, ends - time.monotonic()))
            if not ready:
                return
            with suppress(BlockingIOError):
                os.read(self._pipe[0], 64)
        self._wakes = False

    def interrupted(self) -> bool:
        """True once Ctrl-C, SIGTERM or a hangup came."""
        return self._last is not None

    def _heard(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - a handler's shape
        now = time.monotonic()
        first, same = self._last is None, self._last is not None and now - self._last <= ONE_WISH
        self._last = now
        if number == signal.SIGINT and not same:
            self._insisted += 1
        if self._insisted >= INSISTS:
            raise KeyboardInterrupt
        if self._pipe and not first and not same:
            # Past Python's own streams: one of them may be in the middle of a line.
            with suppress(OSError):
                os.write(2, AGAIN)
        if first and self._pipe:
            self._wakes = True
            # For a wait in another thread, which may have read the first byte before this ran.
            with suppress(BlockingIOError):
                os.write(self._pipe[1], b"!")

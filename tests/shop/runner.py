"""A runner: the installed command in a process group of its own, heard by its event lines, killed at any of them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from davy.pipeline.core.events import Event
from davy.pipeline.core.json import codec

from . import doomed
from .stage import DAVY

T = TypeVar("T", bound=Event)

KILLED = -signal.SIGKILL
"""The exit code of a killed runner."""

COUNTED: Counter[str] = Counter()
"""Of this session: `runners` started against the lab, and `killed` ones among them."""

LONGEST = 300.0
"""Seconds that a rollout may take on a busy machine."""

OF_THE_CI = ("DAVY_", "GITHUB_", "CI", "BUILD_URL")
"""What a CI job sets and davy heeds: these runners are nobody's CI job."""


def clean(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if not name.startswith(OF_THE_CI)}


class Runner:
    """`davy …` with `--output json`. `kill_at` ends it with SIGKILL as it tells of the first such event."""

    def __init__(
        self,
        words: tuple[str, ...],
        *,
        folder: Path,
        environment: Mapping[str, str],
        kill_at: type[Event] | None = None,
    ) -> None:
        self.events: list[Event] = []
        self._errors: list[str] = []
        self._news = threading.Condition()
        self._is_over = False
        COUNTED["runners"] += 1
        COUNTED["killed"] += kill_at is not None
        command = [DAVY] if kill_at is None else [sys.executable, doomed.__file__, kill_at.__name__]
        self.process = subprocess.Popen(
            [*command, *words, "--output", "json"], cwd=folder, env=clean(environment), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        self._threads = [threading.Thread(target=read, daemon=True) for read in (self._hear, self._overhear)]
        for thread in self._threads:
            thread.start()

    def _hear(self) -> None:
        assert self.process.stdout
        try:
            for line in self.process.stdout:
                said = json.loads(line)
                with self._news:
                    if "davy_error" in said:
                        self._errors.append(line)
                    else:
                        self.events.append(codec.decode(said))
                    self._news.notify_all()
        finally:
            with self._news:
                self._is_over = True
                self._news.notify_all()

    def _overhear(self) -> None:
        assert self.process.stderr
        for line in self.process.stderr:
            self._errors.append(line)

    @property
    def said(self) -> str:
        """Stderr, and an error that came before any event."""
        return "".join(self._errors)

    @property
    def story(self) -> str:
        """For the message of a failed assertion."""
        return "\n".join([*(f"{event.at:%H:%M:%S.%f} {event!r}"[:300] for event in self.events), self.said])

    def all(self, kind: type[T]) -> list[T]:
        return [event for event in self.events if isinstance(event, kind)]

    def last(self, kind: type[T]) -> T:
        found = self.all(kind)
        assert found, f"no {kind.__name__}:\n{self.story}"
        return found[-1]

    def reach(self, kind: type[T], where: Callable[[T], bool] = lambda _: True, within: float = LONGEST) -> T:
        """The first such event, waited for."""

        def seen() -> T | None:
            return next((event for event in self.all(kind) if where(event)), None)

        with self._news:
            self._news.wait_for(lambda: seen() or self._is_over, within)
            found = seen()
        assert found, f"no {kind.__name__} within {within} s:\n{self.story}"
        return found

    def send(self, number: signal.Signals) -> None:
        """To its whole group, as a terminal or a CI runner does."""
        if self.process.poll() is None:
            COUNTED["killed"] += number is signal.SIGKILL
            os.killpg(self.process.pid, number)

    def ends(self, wanted: int) -> None:
        """Wait for its end, which must be this."""
        code = self.ended()
        assert code == wanted, f"exit {code}, not {wanted}:\n{self.story}"

    def ended(self, within: float = LONGEST) -> int:
        """Its exit code; negative where a signal ended it."""
        try:
            code = self.process.wait(within)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after {within} s:\n{self.story}") from None
        for thread in self._threads:
            thread.join()
        for stream in (self.process.stdout, self.process.stderr):
            assert stream
            stream.close()
        return code

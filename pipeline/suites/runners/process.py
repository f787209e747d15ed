"""Process: suites `in: process`, as a session of processes of their own on this machine."""

import os
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from davy.pipeline.clients import process
from davy.pipeline.core.ports import Say
from davy.pipeline.core.secrets.masks import NONE, Masks
from davy.pipeline.core.text import time_text
from davy.pipeline.files import own_files
from davy.pipeline.suites.ports import SuiteOrder, SuiteRun
from davy.pipeline.suites.reports.formats import k6
from davy.pipeline.suites.runners import orphans, output
from davy.pipeline.suites.runners.output import SuiteLog
from davy.pipeline.suites.runners.tarball import MOST_BYTES, MOST_FILES

GRACE = timedelta(seconds=5)
"""From the word to end until the kill: enough to write a report."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessPlace:
    """This machine."""

    environment: Mapping[str, str]
    """What suites get, without davy's own secrets."""
    service: str
    interrupted: Callable[[], bool]
    masks: Masks = NONE

    def slots(self, wanted: int) -> int:
        """As many as are wanted: who writes `shards` knows the machine."""
        return max(1, wanted)

    def runner(self) -> "ProcessSuites":
        """A new one each time."""
        return ProcessSuites(self.environment, service=self.service, interrupted=self.interrupted, masks=self.masks)

    def swept(self) -> tuple[str, ...]:
        """See the port. Only where the system tells the environment of its processes (Linux)."""
        return orphans.ended(self.service)


class ProcessSuites:
    """Runs one suite at a time. `stop` may come from another thread."""

    def __init__(
        self,
        environment: Mapping[str, str],
        *,
        service: str = "",
        interrupted: Callable[[], bool] = lambda: False,
        masks: Masks = NONE,
    ) -> None:
        self._environment, self._interrupted, self._masks = environment, interrupted, masks
        self._owner = orphans.mark(service, socket.gethostname(), os.getpid())
        self._stopped = threading.Event()

    def stop(self) -> None:
        """End what runs, with all it started; the run itself returns then."""
        self._stopped.set()

    def run(self, order: SuiteOrder, say: Say) -> SuiteRun:
        """See the port. Raises Missing where this machine has no /bin/sh."""
        return k6.told(order, self._run(k6.ordered(order), say))

    def _run(self, order: SuiteOrder, say: Say) -> SuiteRun:
        self._stopped.clear()
        out = order.out.absolute()
        asked = output.ReportPlaces(report=output.place(out), folder=order.folder.resolve(), globs=order.reports)
        before = output.there(asked)
        with own_files.create_text(out / "log.txt") as kept:
            log = SuiteLog(kept=kept, say=say)
            ended = process.run(
                ["/bin/sh", "-c", order.run],
                timeout=order.timeout,
                say=log.tell,
                folder=order.folder,
                environment={**self._environment, **order.env, "JUNIT": str(asked.report), orphans.NAME: self._owner},
                interrupted=self._is_over,
                patience=GRACE,
                masks=self._masks,
            )
            files = _collected(order, out / "files", log.tell)
        found = output.gathered(asked, before)
        because = found.because if ended.exit_code is not None else self._why(order)
        return SuiteRun(
            exit_code=ended.exit_code,
            junit=found.junit,
            reports=found.reports,
            notes=found.notes,
            log=order.out / "log.txt",
            because=because,
            files=files,
        )

    def _is_over(self) -> bool:
        return self._stopped.is_set() or self._interrupted()

    def _why(self, order: SuiteOrder) -> str:
        return "stopped" if self._is_over() else f"timed out after {time_text.shown(order.timeout)}"


def _collected(order: SuiteOrder, into: Path, say: Say) -> tuple[Path, ...]:
    """Copies of what the globs match, under the same paths; what matches nothing is noted, and no failure."""
    folder, size = order.folder.resolve(), 0
    copied: list[Path] = []
    for pattern in order.collect:
        found = sorted(_matching(folder, pattern))
        if not found:
            say(f"(nothing to collect at {pattern})")
        for path in found:
            size += path.stat().st_size
            if size > MOST_BYTES or len(copied) >= MOST_FILES:
                say(f"(more than {MOST_BYTES // 2**20} MiB or {MOST_FILES:,} files to collect; the rest was left)")
                return tuple(copied)
            target = into / path.relative_to(folder)
            try:
                own_files.copy(path, target)
                copied.append(target)
            except OSError as error:
                say(f"(not collected: {path.relative_to(folder)}: {error.strerror})")
    return tuple(copied)


def _matching(folder: Path, pattern: str) -> set[Path]:
    """Plain files, also those below a folder that matches; nothing that leads out of the folder."""
    inside = pattern.removeprefix(f"{folder}{os.sep}")
    if Path(inside).is_absolute() or ".." in Path(inside).parts:
        return set()
    there = {one for match in folder.glob(inside) for one in ([match] if match.is_file() else match.rglob("*"))}
    return {path for path in there if path.is_file() and path.resolve().is_relative_to(folder)}

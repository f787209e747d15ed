"""Watch: one shard of a suite's Job, from its pod's beginning to what became of it."""

import queue
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from davy.pipeline.clients.kubernetes.api import KubeApi
from davy.pipeline.core.errors import DavyError
from davy.pipeline.core.text import time_text
from davy.pipeline.files import own_files
from davy.pipeline.suites.ports import SuiteOrder, SuiteRun
from davy.pipeline.suites.reports import paths as reportpaths
from davy.pipeline.suites.runners import output, tarball
from davy.pipeline.suites.runners.kubernetes import script, state
from davy.pipeline.suites.runners.kubernetes.log import LogReader
from davy.pipeline.suites.runners.kubernetes.pod import GRACE
from davy.pipeline.suites.runners.kubernetes.script import LineSorter
from davy.pipeline.suites.runners.kubernetes.state import JobFailure
from davy.pipeline.suites.runners.output import Gathered, SuiteLog

Doc = dict[str, Any]

LOOK = 0.1
OVERTIME = 30
"""Seconds over its timeout after which a suite is ended from outside: its own script should have done it."""
LAST_LINES = 200
"""Of each service's log, kept beside that of a suite that failed."""
MOST_DISRUPTED = 5


@dataclass(slots=True)
class Board:
    """What is known of a Job's pods, for all its shards: one question to the API server answers all of them."""

    over: str = ""
    """Why all of it is to end; empty while it is not."""
    busy_at: float = field(default_factory=time.monotonic)
    """When a shard of it was last seen running: those that wait for room may wait on."""
    _pods: Mapping[int, tuple[Doc, ...]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def seen(self, pods: list[Doc]) -> None:
        """What the API server said now."""
        by_index: dict[int, tuple[Doc, ...]] = {}
        for pod in pods:
            number = state.index_of(pod)
            by_index[number] = (*by_index.get(number, ()), pod)
        with self._lock:
            self._pods = by_index
        if any("running" in state.state_of(pod) for pod in pods):
            self.busy_at = time.monotonic()

    def pods(self, number: int) -> tuple[Doc, ...]:
        """Of one shard."""
        with self._lock:
            return self._pods.get(number, ())

    def pod(self, number: int, uid: str) -> Doc | None:
        """One of them; None once it is deleted."""
        return next((pod for pod in self.pods(number) if pod["metadata"]["uid"] == uid), None)


@dataclass(slots=True, kw_only=True)
class Shard:
    """One pod's part of the Job."""

    number: int
    order: SuiteOrder
    api: KubeApi
    """Of its own: connections are not shared between threads."""
    namespace_path: str
    board: Board
    log: SuiteLog
    mark: str
    start_within: timedelta
    parts: LineSorter = field(init=False)
    _seen: set[str] = field(default_factory=set)

    def played(self) -> SuiteRun:
        """To its end, over pods that were taken away. Raises DavyError where the API server does not answer."""
        while True:
            self.parts = LineSorter(self.mark)
            pod, failure = self._started()
            if pod is None:
                return self._run(None, failure)
            self._seen.add(pod["metadata"]["uid"])
            because = self._followed(pod)
            if because:
                return self._run(None, JobFailure(because=because))
            code, failure = self._end(pod)
            if failure and failure.fault and self._is_replaced(pod):
                self.log.tell(f"({failure.because}; Kubernetes makes another, and the suite begins anew)")
                continue
            return self._run(code, failure)

    def _run(self, code: int | None, failure: JobFailure | None) -> SuiteRun:
        files, failure = self._unpacked(), failure or self._cut_off(code)
        found = self._gathered()
        for note in [*self.parts.notes, *([failure.because] if failure and not self.parts.is_whole() else [])]:
            self.log.tell(note)
        if code or failure:
            files += self._services()
        return SuiteRun(
            exit_code=code,
            junit=found.junit,
            log=self.order.out / "log.txt",
            because=failure.because if failure else _lost(code, found.because) if found.because else "",
            fault=bool(failure and failure.fault),
            files=files,
            reports=found.reports,
            notes=found.notes,
            took=self.parts.took,
        )

    def _cut_off(self, code: int | None) -> JobFailure | None:
        """Whether it passed is not known where its report may be among what did not come."""
        if code is None or self.parts.is_whole():
            return None
        words = "the end of its log did not come out of the pod, and with it perhaps its report"
        if code == 0:
            return JobFailure(because=words, fault=True)
        self.parts.notes.append(f"({words})")
        return None

    def _gathered(self) -> Gathered:
        """What the suite reported, and why it did not come whole where it did not."""
        path = output.place(self.order.out)
        try:
            with own_files.create(path) as kept:
                for chunk in self.parts.report():
                    kept.write(chunk)
            several = self._several() if self.parts.has_reports() else ()
        except (ValueError, tarball.RefusedArchive) as error:
            return Gathered(reports=(path,) if path.stat().st_size else (), because=str(error))
        if not path.stat().st_size:
            own_files.remove(path)
        text, reports = output.told(path)
        if several and text is not None:
            text, reports = None, (path,)
        return Gathered(junit=text, reports=(*reports, *several), notes=tuple(self._unread(several)))

    def _several(self) -> tuple[Path, ...]:
        """The files that the globs mean, of those that came, and all of a folder that is `$JUNIT`."""
        root = self.order.out / output.KEPT
        files = tarball.extracted(self.parts.reports(), root, most_files=reportpaths.MOST)
        globs = (*reportpaths.absolute(self.order.reports, self.parts.home), f"{script.FOLDER}/{output.JUNIT}")
        return tuple(file for file in files if any(reportpaths.means(glob, _within(root, file)) for glob in globs))

    def _unread(self, several: Sequence[Path]) -> Iterator[str]:
        yield from self.parts.unread
        if stale := self.parts.stale():
            yield output.outdated(stale)
        paths = [_within(self.order.out / output.KEPT, file) for file in several]
        for glob, whole in zip(
            self.order.reports, reportpaths.absolute(self.order.reports, self.parts.home), strict=True
        ):
            if not any(reportpaths.means(whole, path) for path in paths):
                yield f"it wrote no report at {glob}"

    # ---- its beginning ----

    def _started(self) -> tuple[Doc | None, JobFailure | None]:
        """The pod once its container runs or ran; else why it does not."""
        begun, seen = time.monotonic(), "no pod was made"
        while time.monotonic() - max(begun, self.board.busy_at) < self.start_within.total_seconds():
            if self.board.over:
                return None, JobFailure(because=self.board.over)
            pod = state.newest(self.board.pods(self.number), self._seen)
            if pod is not None:
                if state.has_begun(pod):
                    return pod, None
                if failure := state.failure_in(pod):
                    return None, failure
                if state.has_ended(pod):
                    self._seen.add(pod["metadata"]["uid"])
                    seen = _words(pod)
                else:
                    seen = state.waits_for(pod)
            time.sleep(LOOK)
        within = time_text.shown(self.start_within)
        return None, JobFailure(because=f"did not start within {within}: {seen}", fault=True)

    # ---- its course ----

    def _followed(self, pod: Doc) -> str:
        """Tell the lines until the container has ended; why it had to be stopped, where it had to."""
        name, uid = pod["metadata"]["name"], pod["metadata"]["uid"]
        path = f"{self.namespace_path}/{name}/log"
        reader = LogReader(self.api.again(), path, f"{self.mark} end", lambda: self._has_ended(uid))
        reader.start()
        limit = self.order.timeout.total_seconds() + OVERTIME
        late, last, because = time.monotonic() + limit, float("inf"), ""
        while time.monotonic() < last:
            with suppress(queue.Empty):
                line = reader.lines.get(timeout=LOOK)
                if line is None:
                    break
                for own in self.parts.told(line):
                    self.log.tell(own)
            if because:
                continue
            because = self.board.over or (self._timed_out() if time.monotonic() >= late else "")
            if because:
                last = time.monotonic() + GRACE + 5
        reader.leave()
        return because or (self._timed_out() if self.parts.late else "")

    def _timed_out(self) -> str:
        return f"timed out after {time_text.shown(self.order.timeout)}"

    def _has_ended(self, uid: str) -> bool:
        """Asked by the log's reader, in its own thread."""
        pod = self.board.pod(self.number, uid)
        return pod is None or state.has_ended(pod)

    # ---- its end ----

    def _end(self, pod: Doc) -> tuple[int | None, JobFailure | None]:
        """Exit code, and why it did not end by itself."""
        told = self.parts.exit_code
        for _ in range(100):
            now = self.board.pod(self.number, pod["metadata"]["uid"])
            cut = self.parts.was_told or not self.parts.is_whole()
            if now is None:
                deleted = JobFailure(because="its pod was deleted", fault=True)
                return (None, deleted) if cut else (told, None)
            if cut and state.is_disrupted(now):
                return None, JobFailure(because=f"its pod was taken away: {_words(now)}", fault=True)
            if self.parts.was_told:
                return None, JobFailure(because="its pod was told to end, not by davy", fault=True)
            if ended := state.state_of(now).get("terminated"):
                return self._terminated(ended)
            if now["status"].get("phase") == "Failed":
                return None, JobFailure(because=f"its pod failed: {_words(now)}", fault=True)
            time.sleep(LOOK)
        gone = JobFailure(because="its pod did not say how it ended", fault=True)
        return told, None if told is not None else gone

    def _terminated(self, ended: Doc) -> tuple[int | None, JobFailure | None]:
        code = int(ended.get("exitCode", 1))
        if code and ended.get("reason") == "OOMKilled":
            return code, JobFailure(because=f"out of memory (limit {self.order.memory_bytes // 2**20} MiB)")
        if ended.get("reason") == "ContainerStatusUnknown" and not self.parts.is_whole():
            return None, JobFailure(because="its node lost the container", fault=True)
        return code, None

    def _is_replaced(self, pod: Doc) -> bool:
        """Kubernetes makes another pod for the same index where the Job's policy ignores the failure."""
        now = self.board.pod(self.number, pod["metadata"]["uid"])
        return not self.board.over and len(self._seen) <= MOST_DISRUPTED and (now is None or state.is_disrupted(now))

    def _unpacked(self) -> tuple[Path, ...]:
        if not self.parts.has_files():
            return ()
        try:
            return tarball.extracted(self.parts.files(), self.order.out / "files")
        except (tarball.RefusedArchive, ValueError) as error:
            self.parts.notes.append(f"(not all was collected: {error})")
            return ()

    def _services(self) -> tuple[Path, ...]:
        """The last lines of the services beside a suite that failed; what cannot be read is left out."""
        pod, kept = state.newest(self.board.pods(self.number)), []
        for status in (pod or {}).get("status", {}).get("initContainerStatuses") or []:
            name = str(status["name"])
            again = {"previous": "true"} if "waiting" in (status.get("state") or {}) else {}
            with suppress(DavyError):
                path = f"{self.namespace_path}/{(pod or {})['metadata']['name']}/log"
                text = self.api.text(path, {"container": name, "tailLines": LAST_LINES, **again})
                kept.append(self.order.out / f"service-{name}.txt")
                own_files.write(kept[-1], text)
        return tuple(kept)


def _within(root: Path, file: Path) -> str:
    """Its path in the container."""
    return f"/{file.relative_to(root).as_posix()}"


def _lost(code: int | None, why: str) -> str:
    """A report that did not come whole never counts as passed: what is missing may be a failure."""
    words = f"its report did not come out of the pod: {why}"
    return f"exit code {code}, and {words}" if code else words


def _words(pod: Doc) -> str:
    """Why a pod ended, as Kubernetes says it."""
    status = pod.get("status", {})
    disrupted = [one for one in status.get("conditions") or [] if one.get("type") == "DisruptionTarget"]
    said = disrupted[0] if disrupted else status
    return f"{said.get('reason', '')} {said.get('message', '')}".strip() or "no reason was given"

"""Jobs: suites `in: kubernetes`, each as a Job in the cluster, with the same contract as one in a container.

A killed runner leaves nothing for ever: Kubernetes itself ends the Job at its deadline and deletes it ten minutes
later, and the next run of the same release begins by deleting it.
"""

import hashlib
import queue
import re
import secrets
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, TextIO

from davy.pipeline import durations
from davy.pipeline.adapters import tarball
from davy.pipeline.adapters.joblog import LogReader
from davy.pipeline.adapters.jobpod import GRACE, failure_in, job_of, state_of, waits_for
from davy.pipeline.adapters.jobscript import Parts
from davy.pipeline.adapters.kubeapi import KubeApi
from davy.pipeline.errors import Conflict, Missing
from davy.pipeline.ports import Say, SuiteOrder, SuiteRun

Doc = dict[str, Any]

MOST_LOG = 64 * 2**20


class JobSuites:
    """Runs one suite at a time. `stop` may come from another thread."""

    def __init__(
        self,
        api: KubeApi,
        namespace: str,
        *,
        service: str,
        release: str,
        interrupted: Callable[[], bool] = lambda: False,
        start_within: timedelta = timedelta(minutes=5),
    ) -> None:
        """`start_within`: the image must be pulled and the pod placed by then."""
        self._api, self._namespace = api, namespace
        self._service, self._release = service, release
        self._interrupted, self._start_within = interrupted, start_within
        self._jobs = f"/apis/batch/v1/namespaces/{namespace}/jobs"
        self._pods = f"/api/v1/namespaces/{namespace}/pods"
        self._stopped = threading.Event()

    def stop(self) -> None:
        """See the port. The Job is deleted by the run itself."""
        self._stopped.set()

    def run(self, order: SuiteOrder, say: Say) -> SuiteRun:
        """See the port. Raises Forbidden where the credentials may not make Jobs, too."""
        self._stopped.clear()
        order.out.mkdir(parents=True, exist_ok=True)
        name, mark = self._name(order), f"davy-{secrets.token_hex(16)}"
        self._gone(name)
        job = job_of(
            order,
            name=name,
            mark=mark,
            service=self._service,
            release=self._release,
            start_within=self._start_within,
        )
        made = self._made(name, job)
        try:
            with (order.out / "log.txt").open("w", encoding="utf-8") as kept:
                return self._played(made, order, _Log(kept=kept, say=say, parts=Parts(mark)))
        finally:
            self._api.delete(f"{self._jobs}/{name}")

    # ---- the Job ----

    def _name(self, order: SuiteOrder) -> str:
        """The same for the same release and suite, so that what a killed runner left is found again."""
        said = re.sub(r"[^a-z0-9]+", "-", f"{self._service}-{order.name}".lower()).strip("-")[:40].strip("-")
        told = hashlib.sha256(f"{self._service}/{self._release}/{order.name}".encode()).hexdigest()[:10]
        return f"davy-{said}-{told}"

    def _made(self, name: str, job: Doc) -> Doc:
        """A Conflict is our own create, whose answer was lost."""
        try:
            return self._api.create(self._jobs, job, repeatable=True)
        except Conflict:
            return self._api.get(f"{self._jobs}/{name}")

    def _gone(self, name: str) -> None:
        """Delete what an earlier run left, with its pod, and wait until it is."""
        try:
            self._api.get(f"{self._jobs}/{name}")
        except Missing:
            return
        self._api.delete(f"{self._jobs}/{name}", "Foreground")
        for _ in range(10 * (GRACE + 20)):
            with suppress(Missing):
                self._api.get(f"{self._jobs}/{name}")
                time.sleep(0.1)
                continue
            return

    # ---- its run ----

    def _played(self, job: Doc, order: SuiteOrder, log: "_Log") -> SuiteRun:
        pod, because = self._started(job)
        if because or pod is None:
            log.tell(because)
            return SuiteRun(exit_code=None, junit=None, log=Path(log.kept.name), because=because)
        because = self._followed(job, pod, order, log)
        code, why = self._end(pod, order, log.parts) if not because else (None, because)
        files = self._unpacked(order, log)
        if code is not None and not why and not log.parts.is_whole():
            log.parts.notes.append("(the end of the log did not come; report and files may be missing)")
        for note in log.parts.notes:
            log.tell(note)
        return SuiteRun(
            exit_code=code, junit=log.parts.junit(), log=Path(log.kept.name), because=why, files=tuple(files)
        )

    def _started(self, job: Doc) -> tuple[str | None, str]:
        """The pod's name once its container runs or ran; else why it does not."""
        ends, seen = time.monotonic() + self._start_within.total_seconds(), "no pod was made"
        while time.monotonic() < ends:
            if self._is_over():
                return None, "stopped"
            pod = self._pod(job)
            if pod is not None:
                state = state_of(pod)
                if "running" in state or "terminated" in state:
                    return pod["metadata"]["name"], ""
                if failure := failure_in(state):
                    return None, failure
                seen = waits_for(pod, state)
            time.sleep(0.2)
        return None, f"did not start within {durations.shown(self._start_within)}: {seen}"

    def _followed(self, job: Doc, pod: str, order: SuiteOrder, log: "_Log") -> str:
        """Tell the lines until the container has ended; why it had to be stopped, where it had to."""
        reader = LogReader(
            self._api.again(), f"{self._pods}/{pod}/log", f"{log.parts.mark} end", lambda: self._has_ended(pod)
        )
        reader.start()
        ends, because = time.monotonic() + order.timeout.total_seconds(), ""
        last = float("inf")
        while time.monotonic() < last:
            with suppress(queue.Empty):
                line = reader.lines.get(timeout=0.1)
                if line is None:
                    break
                log.take(line)
            if because:
                continue
            timed_out = time.monotonic() >= ends
            if timed_out or self._is_over():
                because = f"timed out after {durations.shown(order.timeout)}" if timed_out else "stopped"
                self._api.delete(f"{self._jobs}/{job['metadata']['name']}")
                last = time.monotonic() + GRACE + 5
        reader.leave()
        return because

    def _is_over(self) -> bool:
        return self._stopped.is_set() or self._interrupted()

    def _pod(self, job: Doc) -> Doc | None:
        """By uid: a pod of an earlier Job of that name may still be on its way out."""
        chosen = {"labelSelector": f"batch.kubernetes.io/controller-uid={job['metadata']['uid']}"}
        items: list[Doc] = self._api.get(self._pods, chosen)["items"]
        return items[-1] if items else None

    def _has_ended(self, pod: str) -> bool:
        """Asked by the reader, in its own thread."""
        api = self._api.again()
        try:
            found = api.get(self._pods, {"fieldSelector": f"metadata.name={pod}"})["items"]
        finally:
            api.close()
        return not found or "terminated" in state_of(found[0]) or found[0]["status"].get("phase") == "Failed"

    def _end(self, pod: str, order: SuiteOrder, parts: Parts) -> tuple[int | None, str]:
        """Exit code, and why it did not end by itself."""
        for _ in range(100):
            found = self._api.get(self._pods, {"fieldSelector": f"metadata.name={pod}"})["items"]
            if not found:
                return parts.exit_code, "" if parts.exit_code is not None else "its pod was deleted"
            ended = state_of(found[0]).get("terminated")
            if ended:
                code = int(ended.get("exitCode", 1))
                if code and ended.get("reason") == "OOMKilled":
                    return code, f"out of memory (limit {order.memory_bytes // 2**20} MiB)"
                return code, ""
            status = found[0]["status"]
            if status.get("phase") == "Failed":
                return None, f"its pod failed: {status.get('reason', '')} {status.get('message', '')}".strip()
            time.sleep(0.1)
        return parts.exit_code, "" if parts.exit_code is not None else "its pod did not say how it ended"

    def _unpacked(self, order: SuiteOrder, log: "_Log") -> tuple[Path, ...]:
        if not log.parts.has_files():
            return ()
        try:
            return tarball.extracted(log.parts.files(), order.out / "files")
        except (tarball.Refused, ValueError) as error:
            log.parts.notes.append(f"(not all was collected: {error})")
            return ()


@dataclass(slots=True, kw_only=True)
class _Log:
    """The suite's lines, told and kept."""

    kept: TextIO
    say: Say
    parts: Parts
    size: int = 0

    def take(self, line: str) -> None:
        for own in self.parts.told(line):
            self.tell(own)

    def tell(self, line: str) -> None:
        self.say(line)
        if self.size <= MOST_LOG:
            self.size += len(line) + 1
            self.kept.write(f"{line}\n" if self.size <= MOST_LOG else "(the log was cut here, at 64 MiB)\n")
            self.kept.flush()

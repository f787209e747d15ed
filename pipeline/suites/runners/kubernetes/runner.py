"""Runner: suites `in: kubernetes`, all shards of one as an Indexed Job, with the same contract as one in a container.

A killed runner leaves nothing for ever: the next one of the same service ends the Jobs whose runner says no more that
it is there, and Kubernetes itself ends a Job at its deadline and deletes it ten minutes later.
"""

import hashlib
import re
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from davy.pipeline.clients.kubernetes.api import MERGE_PATCH, KubeApi
from davy.pipeline.core.errors import Conflict, DavyError, Missing
from davy.pipeline.core.ports import Say
from davy.pipeline.core.secrets.masks import NONE, Masks
from davy.pipeline.core.text import time_text
from davy.pipeline.files import own_files
from davy.pipeline.suites.ports import SuiteOrder, SuiteRun
from davy.pipeline.suites.reports.formats import k6
from davy.pipeline.suites.runners.kubernetes import pod
from davy.pipeline.suites.runners.kubernetes.pod import ALIVE, GRACE, JobName, job_of
from davy.pipeline.suites.runners.kubernetes.watch import Board, Shard
from davy.pipeline.suites.runners.output import SuiteLog

Doc = dict[str, Any]

TICK = 0.2
BEAT = 15.0
"""Seconds after which a runner says again that it is there."""
SILENT = timedelta(minutes=2)
"""A runner that has said nothing for so long is gone."""
START_WITHIN = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPlace:
    """A namespace of the cluster."""

    api: KubeApi
    namespace: str
    service: str
    release: str
    interrupted: Callable[[], bool]
    allowed: Callable[[], None]
    """Raises Forbidden, with every right that is missing."""
    masks: Masks = NONE

    def slots(self, wanted: int) -> int:
        """As many as are wanted: pods that have no room yet wait for it."""
        return max(1, wanted)

    def runner(self) -> "JobSuites":
        """A new one each time, with a connection of its own."""
        return JobSuites(
            self.api.again(),
            self.namespace,
            service=self.service,
            release=self.release,
            interrupted=self.interrupted,
            masks=self.masks,
        )

    def swept(self) -> tuple[str, ...]:
        """See the port. The first call of a run, so what is not allowed is said here: raises Forbidden."""
        self.allowed()
        path = f"/apis/batch/v1/namespaces/{self.namespace}/jobs"
        chosen = f"{pod.MANAGED}=davy,{pod.SERVICE}={pod.label(self.service)}"
        found = self.api.get(path, {"labelSelector": chosen})["items"]
        return tuple(self._ended(path, job, self.api.server_now()) for job in found if self._is_left(job))

    def _is_left(self, job: Doc) -> bool:
        told = (job["metadata"].get("annotations") or {}).get(ALIVE, "")
        try:
            return self.api.server_now() - datetime.fromisoformat(told) > SILENT
        except ValueError:
            return False

    def _ended(self, path: str, job: Doc, now: datetime) -> str:
        meta = job["metadata"]
        self.api.delete(f"{path}/{meta['name']}")
        silent = time_text.shown(timedelta(seconds=round((now - _alive(job)).total_seconds())))
        release = meta["labels"].get(pod.RELEASE, "")
        return f"ended Job {meta['name']} of release {release}, whose runner has been silent for {silent}"


def _alive(job: Doc) -> datetime:
    return datetime.fromisoformat(job["metadata"]["annotations"][ALIVE])


class JobSuites:
    """Runs one suite at a time, all its shards at once. `stop` may come from another thread."""

    def __init__(
        self,
        api: KubeApi,
        namespace: str,
        *,
        service: str,
        release: str,
        interrupted: Callable[[], bool] = lambda: False,
        start_within: timedelta = START_WITHIN,
        masks: Masks = NONE,
    ) -> None:
        """`start_within`: the image must be pulled and the pod placed by then, while no other shard of it runs."""
        self._api, self._service, self._release = api, service, release
        self._interrupted, self._start_within, self._masks = interrupted, start_within, masks
        self._jobs = f"/apis/batch/v1/namespaces/{namespace}/jobs"
        self._pods = f"/api/v1/namespaces/{namespace}/pods"
        self._stopped = threading.Event()

    def stop(self) -> None:
        """See the port. The Job is deleted by the run itself."""
        self._stopped.set()

    def run(self, order: SuiteOrder, say: Say) -> SuiteRun:
        """See the port. Raises Forbidden where the credentials may not make Jobs, too."""
        return self.run_all([order], lambda _, line: say(line))[0]

    def run_all(self, orders: Sequence[SuiteOrder], say: Callable[[int, str], None]) -> tuple[SuiteRun, ...]:
        """See the port. The orders are shards of one suite: only environment, items and folder of each are its own.

        Raises Unusable where the list of tests is too long for a pod.
        """
        runs = self._run_all([k6.ordered(order) for order in orders], say)
        return tuple(k6.told(order, run) for order, run in zip(orders, runs, strict=True))

    def _run_all(self, orders: Sequence[SuiteOrder], say: Callable[[int, str], None]) -> tuple[SuiteRun, ...]:
        self._stopped.clear()
        name, mark = self._name(orders[0]), f"davy-{secrets.token_hex(16)}"
        self._gone(name)
        named = JobName(name=name, mark=mark, service=self._service, release=self._release, at=self._api.server_now())
        job = self._made(name, job_of(orders, named, self._start_within))
        try:
            with ExitStack() as opened:
                board = Board()
                shards = [
                    self._shard(order, number=number, board=board, mark=mark, say=partial(say, number), opened=opened)
                    for number, order in enumerate(orders)
                ]
                return self._watched(job, shards, board)
        finally:
            self._api.delete(f"{self._jobs}/{name}")

    # ---- the Job ----

    def _name(self, order: SuiteOrder) -> str:
        """The same for the same release, suite, part and try, so that what a killed runner left is found again."""
        said = re.sub(r"[^a-z0-9]+", "-", f"{self._service}-{order.name}".lower()).strip("-")[:40].strip("-")
        whole = f"{self._service}/{self._release}/{order.name}/{order.part}/{order.attempt}/{order.shard}"
        return f"davy-{said}-{hashlib.sha256(whole.encode()).hexdigest()[:10]}"

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

    def _shard(self, order: SuiteOrder, *, number: int, board: Board, mark: str, say: Say, opened: ExitStack) -> Shard:
        kept = opened.enter_context(own_files.create_text(order.out / "log.txt"))
        return Shard(
            number=number,
            order=order,
            api=self._api.again(),
            namespace_path=self._pods,
            board=board,
            log=SuiteLog(kept=kept, say=say, masks=self._masks),
            mark=mark,
            start_within=self._start_within,
        )

    def _watched(self, job: Doc, shards: Sequence[Shard], board: Board) -> tuple[SuiteRun, ...]:
        with ThreadPoolExecutor(len(shards)) as threads:
            runs = [threads.submit(shard.played) for shard in shards]
            try:
                self._looked_after(job, runs, board)
            except BaseException:
                board.over = board.over or "stopped"
                with suppress(DavyError):
                    self._api.delete(f"{self._jobs}/{job['metadata']['name']}")
                raise
        return tuple(run.result() for run in runs)

    def _looked_after(self, job: Doc, runs: Sequence["Future[SuiteRun]"], board: Board) -> None:
        """Until every shard has ended: see the pods, say that the runner is there, end all of it when told to."""
        name, beaten = job["metadata"]["name"], time.monotonic()
        # By uid: a pod of an earlier Job of that name may still be on its way out.
        chosen = {"labelSelector": f"batch.kubernetes.io/controller-uid={job['metadata']['uid']}"}
        while not all(run.done() for run in runs):
            board.seen(self._api.get(self._pods, chosen)["items"])
            for run in runs:
                if run.done() and (error := run.exception()):
                    raise error
            if not board.over and self._is_over():
                board.over = "stopped"
                self._api.delete(f"{self._jobs}/{name}")
            if time.monotonic() - beaten >= BEAT and not board.over:
                self._beat(name)
                beaten = time.monotonic()
            time.sleep(TICK)

    def _beat(self, name: str) -> None:
        """A beat that does not come through is no reason to end a suite; a Job that is gone shows by its pods."""
        alive = {"metadata": {"annotations": {ALIVE: self._api.server_now().isoformat()}}}
        with suppress(DavyError):
            self._api.patch(f"{self._jobs}/{name}", alive, MERGE_PATCH)

    def _is_over(self) -> bool:
        return self._stopped.is_set() or self._interrupted()

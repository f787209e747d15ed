"""Canary judge: a judge that also asks suites against the canary's pods; nothing is promoted before they passed."""

import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from davy.canary.ports.judge import Judge
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.verdict import Decision, Verdict, Window
from davy.pipeline.core.workload import Sides

CLOSE_WITHIN = 30.0
"""Seconds; a Job that is told to end has ten to bring its report out."""
AT_ONCE = timedelta(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What became of the suites, once."""

    pods: frozenset[str]
    """Names of the canary pods they ran against."""
    failed: str = ""
    """The suites' sentence; empty where all passed."""
    fault: str = ""
    """Why they could not be run, or the place failed them; empty where they were."""
    told: str = ""
    """For people: what passed."""


Play = Callable[[Callable[[], bool]], Round | None]
"""Runs the suites, in a thread of its own; what it is given turns true when it is to end. None: it ended so."""


class SuiteJudge:
    """Asks another judge, and lets none of its looks wait for the suites. To be closed."""

    def __init__(self, inner: Judge, play: Play) -> None:
        self._inner, self._play = inner, play
        self._over = threading.Event()
        self._thread: threading.Thread | None = None
        self._done: Round | None = None
        self._broken: BaseException | None = None
        self._passed: frozenset[str] = frozenset()
        self._failed = ""
        self._fault = ""
        self._note = ""

    @property
    def interval(self) -> timedelta:
        """The other judge's; none once a suite failed, for that is told at once."""
        return AT_ONCE if self._has_failed() else self._inner.interval

    def recall(self, windows: Iterable[Window]) -> None:
        """The other judge's evidence. The suites simply run again."""
        self._inner.recall(windows)

    def look(self, sides: Sides, now: datetime, worse: float) -> Verdict:
        """The other judge's verdict, unless the suites say otherwise. Raises what broke in their thread."""
        failed_before = self._has_failed()
        self._taken()
        if failed_before:
            # The other judge is not due yet, and nothing it could say would keep this canary.
            return Verdict(at=now, decision=Decision.ROLL_BACK, sentence=self._failed, judge="suites")
        verdict = self._inner.look(sides, now, worse)
        there = frozenset(pod.name for pod in sides.canary)
        if verdict.decision is Decision.ROLL_BACK:
            self._over.set()
            return verdict
        if there and not there <= self._passed and self._thread is None:
            self._begun()
        return self._heeded(verdict, settled=there <= self._passed)

    def close(self) -> None:
        """End the suites that run, with what they left in the cluster."""
        self._over.set()
        if self._thread is not None:
            self._thread.join(CLOSE_WITHIN)

    def _has_failed(self) -> bool:
        done = self._done
        return bool(self._failed or (done and done.failed))

    def _heeded(self, verdict: Verdict, *, settled: bool) -> Verdict:
        """Until the suites of these pods have passed, the canary goes no further."""
        if self._note:
            verdict, self._note = replace(verdict, notes=(*verdict.notes, self._note)), ""
        if settled or verdict.decision is not Decision.PROMOTE:
            return verdict
        if self._fault:
            why = f"The suites against the canary could not be run ({self._fault}) and are tried again."
            return replace(verdict, decision=Decision.UNKNOWN, sentence=f"{why} {verdict.sentence}")
        why = "The suites against the canary's pods are not through yet."
        return replace(verdict, decision=Decision.GO_ON, sentence=f"{why} {verdict.sentence}")

    def _begun(self) -> None:
        def work() -> None:
            try:
                self._done = self._play(self._over.is_set)
            except BaseException as error:  # noqa: BLE001 - it is raised again, in the rollout's thread
                self._broken = error

        self._thread = threading.Thread(target=work, name="suites against the canary", daemon=True)
        self._thread.start()

    def _taken(self) -> None:
        """What the thread left, once it is done."""
        if self._thread is None or self._thread.is_alive():
            return
        self._thread.join()
        self._thread, done, self._done = None, self._done, None
        if self._broken is not None:
            raise self._broken
        if done is None:
            return
        self._failed, self._fault = done.failed, done.fault
        if not done.failed and not done.fault:
            self._passed, self._note = done.pods, done.told

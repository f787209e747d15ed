"""Quorum: several metrics servers as one, which answers where enough of them do."""

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TypeVar

from davy.checks.metrics import merge
from davy.checks.ports import Answer, Metrics, Series
from davy.pipeline.core.errors import DavyError, Unreachable

T = TypeVar("T")


class Quorum:
    """A Metrics over several. All are asked at once; fewer than `need` usable answers are none.

    The servers either hold the same series (a pair for high availability) or each its own (shards). For shards
    `need` must be all of them: what a missing one holds is otherwise missing unseen.
    """

    def __init__(
        self, servers: Sequence[tuple[str, Metrics]], *, need: int | None = None, replica_labels: Sequence[str] = ()
    ) -> None:
        """`servers`: by the name that sentences give them; `need` is all of them by default."""
        self._names = [name for name, _ in servers]
        self._servers = [server for _, server in servers]
        self._need = len(servers) if need is None else need
        self._replica_labels = frozenset(replica_labels)
        self._choice: merge.Choice = {}
        self._unsaid: dict[str, None] = {}
        self._lock = threading.Lock()

    def samples(self, selector: str, start: datetime, end: datetime) -> tuple[Series, ...]:
        """See the port."""
        return self.samples_of((selector,), start, end)[0]

    def samples_of(self, selectors: Sequence[str], start: datetime, end: datetime) -> tuple[tuple[Series, ...], ...]:
        """See the port. A target's series come from one server, the same as before while it keeps up."""
        if not selectors:
            return ()
        what = ", ".join(dict.fromkeys(selectors))
        answers = self._asked(what, lambda server: server.samples_of(selectors, start, end))
        with self._lock:
            whole = merge.merged(answers, self._names, replica_labels=self._replica_labels, before=self._choice)
            self._choice = whole.choice
            self._unsaid.update(dict.fromkeys(whole.notes))
        return whole.series

    def query(self, promql: str, at: datetime) -> Answer:
        """See the port. What an expression answers cannot be joined: it is the first server's that has a value."""
        answer = merge.values(
            self._asked(promql, lambda server: server.query(promql, at)), self._names, self._replica_labels
        )
        with self._lock:
            self._unsaid.update(dict.fromkeys(answer.warnings))
        return answer

    def heard(self) -> tuple[str, ...]:
        """See the port; what a server said is said with its name."""
        for name, server in zip(self._names, self._servers, strict=True):
            said = (line if line.startswith(name) else f"{name}: {line}" for line in server.heard())
            self._unsaid.update(dict.fromkeys(said))
        with self._lock:
            said_now = tuple(self._unsaid)
            self._unsaid.clear()
        return said_now

    def _asked(self, what: str, ask: Callable[[Metrics], T]) -> Mapping[int, T]:
        with ThreadPoolExecutor(max_workers=len(self._servers)) as pool:
            outcomes = list(pool.map(lambda server: _outcome(server, ask), self._servers))
        good = {index: answer for index, (answer, error) in enumerate(outcomes) if error is None and answer is not None}
        failed = {self._names[index]: error for index, (_, error) in enumerate(outcomes) if error is not None}
        if len(good) < self._need:
            raise _failure(what, failed, len(good), self._need, len(self._servers))
        with self._lock:
            self._unsaid.update((f"{name} did not answer: {error.what}", None) for name, error in failed.items())
        return good


def _outcome(server: Metrics, ask: Callable[[Metrics], T]) -> tuple[T | None, DavyError | None]:
    try:
        return ask(server), None
    except DavyError as error:
        return None, error


def _failure(what: str, failed: Mapping[str, DavyError], good: int, need: int, of: int) -> DavyError:
    """One error of the kind that all agree on (a bad selector is bad everywhere), else that too few are there."""
    kinds = {type(error) for error in failed.values()}
    first = next(iter(failed.values()))
    if len(kinds) == 1 and good == 0:
        return first
    each = "; ".join(f"{name}: {error.what}" for name, error in failed.items())
    return Unreachable(
        f"Asked {of} servers for {what}; {good} answered and {need} must. {each}",
        remedy="See after the servers named, or set checks.quorum to how many must answer.",
    )

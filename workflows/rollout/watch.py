"""Watch: a rollout that runs elsewhere, told from its journal until it ends."""

from collections.abc import Callable, Iterator
from dataclasses import field
from datetime import datetime

from davy.canary.engine.state import State, folded
from davy.canary.ports.journal import Journal
from davy.canary.ports.lock import Lock
from davy.canary.ports.platform import Platform
from davy.canary.ports.snapshot import PodView, Snapshot
from davy.pipeline.core.endings import Ending
from davy.pipeline.core.errors import DavyError, Missing, Unreachable
from davy.pipeline.core.events import CanaryFinished, Event, PodsSeen, PodTrouble, ReleaseFinished, Warned
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.ports import Clock
from davy.pipeline.core.text.time_text import shown
from davy.workflows.story.options import TargetOptions, ViewOptions, part

POLL_SECONDS = 1.0
MOST_FAILURES = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchOptions:
    """What the command line of `davy canary watch` says."""

    target: TargetOptions = field(metadata=part(TargetOptions))
    view: ViewOptions = field(metadata=part(ViewOptions))


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """Where to look."""

    cluster: Platform
    lock: Lock
    journal: Journal
    clock: Clock
    now: Callable[[], datetime]
    """By the clock the lock goes by."""


def retold(journal: Journal) -> Iterator[Event]:
    """What happened to the open rollout before this runner; nothing where there is none or the journal is silent."""
    try:
        events = journal.read()
    except DavyError:  # Who goes on will meet it too, and says it as an end.
        return
    state = folded(events)
    if state is not None and state.open:
        yield from events


def watched(place: Watched) -> Iterator[Event]:
    """Everything since the rollout began, then each event as it comes.

    Ends with the rollout, when its runner is lost, or at Ctrl-C, which leaves the rollout alone. Raises Missing where
    there is none, Unreachable where the cluster has not answered for a minute.
    """
    if folded(place.journal.read()) is None:
        raise Missing("there is no canary to watch", remedy="`davy canary history` lists those that were")
    told, failures = _Told(place), 0
    while not place.clock.interrupted():
        try:
            yield from told.news()
            failures = 0
        except Unreachable as error:
            failures += 1
            if failures >= MOST_FAILURES:
                raise
            if failures == 1:
                yield Warned(at=place.clock.now(), what=f"{error.what}; trying again")
        if told.over:
            return
        place.clock.sleep(POLL_SECONDS)
    yield from _end(place, told, Ending.INTERRUPTED, "stopped watching; the rollout goes on as it was")


class _Told:
    """What was told already."""

    def __init__(self, place: Watched) -> None:
        self.place = place
        self.over = False
        self.state: State | None = None
        self._events: tuple[Event, ...] = ()
        self._pods: tuple[int, int, int] | None = None
        self._troubles: set[tuple[str, str]] = set()

    def news(self) -> Iterator[Event]:
        """What is new since the last call."""
        events = self.place.journal.read()
        # A new rollout begins a new journal: what was told is no beginning of it.
        fresh = events[len(self._events) :] if events[:1] == self._events[:1] else events
        self._events, self.state = events, folded(events)
        yield from fresh
        if self.state is not None and self.state.finished is None:
            yield from self._pods_seen(self.state)
        yield from self._finished(events)

    def _pods_seen(self, state: State) -> Iterator[Event]:
        snapshot, now = self.place.cluster.snapshot(), self.place.clock.now()
        canary = _canary(snapshot, state)
        pods = (len(snapshot.pods) - len(canary), len(canary), sum(pod.ready for pod in canary))
        if pods != self._pods:
            self._pods = pods
            yield PodsSeen(at=now, stable=pods[0], canary=pods[1], canary_ready=pods[2])
        for pod in canary:
            if pod.trouble and (pod.name, pod.trouble.kind) not in self._troubles:
                self._troubles.add((pod.name, pod.trouble.kind))
                yield PodTrouble(at=now, pod=pod.name, kind=pod.trouble.kind, words=pod.trouble.words)

    def _finished(self, events: tuple[Event, ...]) -> Iterator[Event]:
        state = self.state
        last = next((event for event in reversed(events) if isinstance(event, CanaryFinished)), None)
        if state is not None and state.finished is not None and last is not None:
            self.over = True
            took = last.at - state.started.at
            yield ReleaseFinished(at=last.at, ending=last.ending, sentence=last.sentence, took=took)
            return
        holder = self.place.lock.holder()
        if holder is None or holder.lost(self.place.now()):
            if self.place.journal.read() != events:  # It ended between the two looks.
                return
            self.over = True
            who = f"{holder.runner}, last heard {shown(self.place.now() - holder.renewed_at)} ago," if holder else "it"
            lost = f"the runner is lost: {who} does not renew the lock; the canary is held and does not grow"
            yield from _end(self.place, self, Ending.UNREACHABLE, lost)


def _canary(snapshot: Snapshot, state: State) -> tuple[PodView, ...]:
    return tuple(pod for pod in snapshot.pods if pod.hash != state.started.stable_hash)


def _end(place: Watched, told: _Told, ending: Ending, sentence: str) -> Iterator[Event]:
    now = place.clock.now()
    began = told.state.started.at if told.state else now
    at = max(now, began)
    remedy = "`davy canary resume` goes on, `davy canary abort` rolls back" if ending is Ending.UNREACHABLE else ""
    yield ReleaseFinished(at=at, ending=ending, sentence=sentence, took=at - began, remedy=remedy)

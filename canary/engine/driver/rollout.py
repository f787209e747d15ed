"""Rollout: the driver. Plays the machine against the ports, tick by tick; yields events, returns the outcome.

Order within a tick: the intent is journaled, the act is done, its result is journaled, then it is told. A rollback
waits for nothing: it is journaled after the act.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta

from davy.canary.engine.driver.actor import Actor
from davy.canary.engine.driver.judge_looks import Looks
from davy.canary.engine.driver.loop import Outcome, Play, Run
from davy.canary.engine.driver.ports import Ports
from davy.canary.engine.driver.state_store import Book, Unwritten
from davy.canary.engine.driver.steady_clock import SteadyClock
from davy.canary.engine.driver.takeover import BY_LOST, Takeover, Way, Wish, takeover_of, unjournaled
from davy.canary.engine.orders import Enforce, Order, Resume, Start
from davy.canary.engine.patience import Patience
from davy.canary.engine.state import Phase, folded
from davy.canary.ports.lock import Holder
from davy.canary.ports.snapshot import Snapshot
from davy.canary.ports.terms import Hitch
from davy.pipeline.core.endings import Ending
from davy.pipeline.core.errors import LockedOut, Missing, Unreachable
from davy.pipeline.core.events import (
    CanaryFinished,
    CanaryStarted,
    Event,
    Held,
    Judged,
    Resumed,
    RollbackStarted,
    Warned,
)
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.text.time_text import shown
from davy.pipeline.core.verdict import Window

__all__ = ["Enforce", "Order", "Outcome", "Patience", "Ports", "Resume", "Run", "Start", "rollout"]

REST_TICKS = 30
SLACK = timedelta(seconds=5)
"""Beyond its duration a lock is waited for so long: the clocks of a cluster's servers differ a little."""
TOLD_EVERY = timedelta(seconds=10)
Lost = Callable[[datetime], datetime | None]


def rollout(order: Order, ports: Ports, patience: Patience | None = None) -> Run:
    """Play a rollout to its end.

    Raises LockedOut where another runner holds the lock or another rollout is held, Missing where there is nothing to
    resume, and whatever goes wrong before anything was touched. From the first patch on nothing is raised any more:
    every error is an end, and stable has got its traffic back where that can be done at all.
    """
    before = ports.lock.holder()
    fence = yield from _locked(order, ports)
    try:
        return (yield from _opened(order, ports, patience or Patience(), fence, _lost(before)))
    finally:
        with suppress(Exception):
            ports.lock.release()


def _locked(order: Order, ports: Ports) -> Generator[Event, None, int]:
    """The fence. Who resumes waits for the lock of a runner that gives no sign of life any more."""
    try:
        return ports.lock.acquire(order.runner)
    except LockedOut:
        if not isinstance(order, Resume) or (holder := ports.lock.holder()) is None:
            raise
    waits, began = holder.lasts + SLACK, ports.clock.elapsed()
    told = timedelta(0)
    while True:
        waited = ports.clock.elapsed() - began
        if told <= waited:
            sign = f"last sign of life {holder.renewed_at:%H:%M:%S} UTC"
            what = f"{holder.runner} holds the lock, {sign}; it is waited for, {shown(waits - waited)} at most"
            yield Warned(at=ports.clock.now(), what=what)
            told += TOLD_EVERY
        ports.clock.sleep(1)
        try:
            return ports.lock.acquire(order.runner)
        except LockedOut:
            now = ports.lock.holder()
            alive = now is None or (now.fence, now.renewed_at) != (holder.fence, holder.renewed_at)
            if alive or ports.clock.interrupted() or ports.clock.elapsed() - began > waits:
                raise


def _lost(holder: Holder | None) -> Lost:
    """Since when the runner before this one was lost; None where there was none."""
    return lambda now: holder.renewed_at + holder.lasts if holder and holder.lost(now) else None


def _opened(order: Order, ports: Ports, patience: Patience, fence: int, lost_since: Lost) -> Run:
    """Deal with what was found first, then do what was ordered. Where nothing is to be done, nothing is marked.

    Before anything is done the fence is taken, and then all is read again: a runner before this one, that slept, may
    have written until then.
    """
    snapshot = ports.platform.snapshot()
    own = ports.clock.now()
    at = snapshot.at or own
    ports = replace(ports, clock=SteadyClock(ports.clock, at))
    opening = _Opening(order=order, ports=ports, patience=patience, fence=fence, lost_since=lost_since, behind=at - own)
    past = ports.journal.read()
    was = opening.takeover(past, snapshot)
    if was.way is Way.NOTHING and not snapshot.traces and not opening.is_wanted(snapshot):
        return opening.nothing(was)
    if was.way is Way.BY_HAND or (was.way is Way.LEAVE_HELD and _is_over(past)):
        return (yield from opening.done(past, snapshot, was))
    ports.platform.take(fence)
    with opening.leaving_no_trace(snapshot):
        past, snapshot = ports.journal.read(), ports.platform.snapshot()
        was = opening.takeover(past, snapshot)
    return (yield from opening.done(past, snapshot, was))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Opening:
    """One runner's beginning."""

    order: Order
    ports: Ports
    patience: Patience
    fence: int
    lost_since: Lost
    behind: timedelta
    """How far the runner's own clock is behind the cluster's."""

    def takeover(self, past: Sequence[Event], snapshot: Snapshot) -> Takeover:
        state, now = folded(past), self.ports.clock.now()
        if state is None:
            return unjournaled(snapshot, self.ports.platform.terms, now)
        return takeover_of(_wish(self.order), self.ports.view(state, snapshot), now)

    def is_wanted(self, snapshot: Snapshot) -> bool:
        """There is a release to begin."""
        return isinstance(self.order, Start) and not _serves(self.order, snapshot)

    @contextmanager
    def leaving_no_trace(self, snapshot: Snapshot) -> Iterator[None]:
        """What goes wrong before anything is begun takes the fence away again."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - raised again
            self.untake(snapshot)
            raise (error.__cause__ if isinstance(error, Unwritten) and error.__cause__ else error) from None

    def untake(self, snapshot: Snapshot) -> None:
        """A fence without a rollout is nothing but a trace."""
        if not snapshot.marked:
            with suppress(Exception):
                self.ports.platform.untake()

    def done(self, past: Sequence[Event], snapshot: Snapshot, was: Takeover) -> Run:
        """What was found, dealt with; then the order."""
        play = self.play(past)
        match was.way:
            case Way.NOTHING if self.is_wanted(snapshot):
                return (yield from self.fresh(snapshot))
            case Way.NOTHING:
                self.untake(snapshot)
                return self.nothing(was)
            case Way.LEAVE_HELD:
                self.untake(snapshot)
                return (yield from self.left(play, snapshot, was))
            case Way.BY_HAND:
                self.untake(snapshot)
                outcome = yield from self.ended_by_hand(play, was)
            case Way.GO_ON | Way.TAKE_BACK:
                outcome = yield from self.gone_on(play, past, snapshot, was)
        if not isinstance(self.order, Start) or outcome.ending not in (Ending.DONE, Ending.ROLLED_BACK):
            return outcome
        return (yield from self.fresh(self.ports.platform.snapshot()))

    def play(self, past: Sequence[Event]) -> Play:
        ports = self.ports
        actor = Actor(Book(ports.journal, past), ports.platform, ports.clock, ports.aside)
        return Play(ports=ports, patience=self.patience, actor=actor, looks=Looks(ports.judge, ports.aside))

    def nothing(self, was: Takeover) -> Outcome:
        """There is no rollout, and none is to be begun."""
        match self.order:
            case Resume():
                remedy = "`davy canary history` tells the past ones"
                raise Missing(f"there is nothing to resume: {was.because}", remedy=remedy)
            case Enforce():
                return Outcome(ending=Ending.DONE, sentence=was.because)
            case Start():
                return Outcome(ending=Ending.DONE, sentence="these images serve already; nothing was done")

    def gone_on(self, play: Play, past: Sequence[Event], snapshot: Snapshot, was: Takeover) -> Run:
        """Go on with a rollout, or take it back by the machine's own way. The journal is not waited for."""
        now, book = self.ports.clock.now(), play.actor.book
        self.ports.judge.recall(_evidence(past))
        resumed = Resumed(at=now, runner=self.order.runner, lost_since=self.lost_since(now))
        book.record_later(was.journal or resumed)
        play.snapshot = snapshot
        play.actor.touched = not (play.state.phase is Phase.NEW and self.ports.view(play.state, snapshot).is_bare)
        if was.way is Way.TAKE_BACK and play.state.phase not in (Phase.ROLLING_BACK, Phase.BACK):
            how = play.rollback(snapshot, because="", by="").how
            book.record_later(RollbackStarted(at=now, because=was.because, how=how, by=BY_LOST))
        return (yield from play.run())

    def fresh(self, snapshot: Snapshot) -> Run:
        """Start."""
        order, ports = self.order, self.ports
        assert isinstance(order, Start)  # noqa: S101 - is_wanted asked
        play = self.play(())
        with self.leaving_no_trace(snapshot):
            ports.platform.take(self.fence)
            snapshot = _at_rest(ports)
            if _serves(order, snapshot):
                self.untake(snapshot)
                return self.nothing(Takeover(way=Way.NOTHING, because=""))
            started = CanaryStarted(
                at=ports.clock.now(),
                release=order.release,
                workload=order.workload,
                images=dict(order.images),
                stable_hash=snapshot.hash,
                restore=snapshot.own,
                policy=replace(order.policy, deadline=order.policy.deadline + self.behind),
                runner=order.runner,
                rules=order.rules,
            )
            ports.judge.recall([])
            play.actor.book.record(started)
        return (yield from play.run())

    def left(self, play: Play, snapshot: Snapshot, was: Takeover) -> Run:
        """A rollout that is held stays so."""
        state, book, now = play.state, play.actor.book, self.ports.clock.now()
        if state.finished is None:
            finished = CanaryFinished(at=now, ending=Ending.UNDECIDED, sentence=was.because, weights=state.weights)
            with self.leaving_no_trace(snapshot):
                book.record(Held(at=now, because=was.because, weight=self.ports.view(state, snapshot).weight), finished)
            yield from book.told()
        if isinstance(self.order, Start):
            raise LockedOut(was.because, remedy="`davy canary resume`, `davy canary promote` or `davy canary abort` it")
        return play.outcome()

    def ended_by_hand(self, play: Play, was: Takeover) -> Run:
        """A person let the platform finish it: that is written down, and nothing is touched."""
        book, now = play.actor.book, self.ports.clock.now()
        end = CanaryFinished(at=now, ending=Ending.DONE, sentence=was.because, weights=play.state.weights)
        book.record_later(end)
        book.write_up()
        yield from book.told()
        return play.outcome()


def _is_over(past: Iterable[Event]) -> bool:
    """Its runner ended it: none sleeps that could still write."""
    state = folded(past)
    return state is None or state.finished is not None


def _evidence(past: Iterable[Event]) -> list[Window]:
    """Every window once, though a look whose answer was lost may be journaled twice."""
    looks = {event.verdict.at: event.verdict.windows for event in past if isinstance(event, Judged)}
    return [window for windows in looks.values() for window in windows]


def _wish(order: Order) -> Wish:
    match order:
        case Start():
            return Wish.START
        case Resume():
            return Wish.RESUME
        case Enforce():
            return Wish.ENFORCE


def _serves(order: Start, snapshot: Snapshot) -> bool:
    """The images to be released are the target's own."""
    return all(snapshot.images.get(container) == image for container, image in order.images.items())


def _at_rest(ports: Ports) -> Snapshot:
    """The target once its version's hash is known: it is stable's."""
    for _ in range(REST_TICKS):
        snapshot = ports.platform.snapshot()
        if snapshot.is_current and snapshot.hash:
            return snapshot
        ports.clock.sleep(1)
    terms = ports.platform.terms
    raise Unreachable(
        f"{terms.controller} has not caught up with {snapshot.workload} within {REST_TICKS} s",
        remedy=terms.hint(Hitch.NOT_CURRENT, snapshot.workload),
    )

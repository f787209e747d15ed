"""Loop: one runner's ticks: see, hear the words, ask the judge, make the machine's move, tell.

Whatever goes wrong in a tick is noted by who did not answer, and the tick is tried again: `patience` says how long.
"""

from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime

from davy.canary.engine import patience, rollback
from davy.canary.engine.driver.actor import Actor
from davy.canary.engine.driver.judge_looks import Looks
from davy.canary.engine.driver.ports import TICK, Ports
from davy.canary.engine.driver.state_store import Unwritten
from davy.canary.engine.machine import next_move
from davy.canary.engine.moves import RollBack
from davy.canary.engine.patience import Patience, Resort, Source, Trouble
from davy.canary.engine.state import Phase, State
from davy.canary.engine.view import View
from davy.canary.ports.snapshot import Snapshot
from davy.pipeline.core.endings import Ending
from davy.pipeline.core.errors import Conflict, LockedOut, Unreachable
from davy.pipeline.core.events import CanaryFinished, Event, Judged, PodsSeen, Warned

__all__ = ["Outcome", "Patience", "Play", "Run"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How it ended."""

    ending: Ending
    sentence: str
    weights: tuple[float, ...] = ()
    state: State | None = None


Run = Generator[Event, None, Outcome]


@dataclass(slots=True, kw_only=True)
class Play:
    """One runner's part in a rollout: what it saw last, and since when nobody answers."""

    ports: Ports
    patience: Patience
    actor: Actor
    looks: Looks
    snapshot: Snapshot | None = None
    """As it was seen last."""
    troubles: dict[Source, Trouble] = field(default_factory=dict)
    unready_since: dict[str, datetime] = field(default_factory=dict)
    pods: tuple[int, int, int] | None = None
    notes: tuple[str, ...] = ()
    end: CanaryFinished | None = None
    """An end that is not journaled, so that another runner can go on."""

    @property
    def state(self) -> State:
        """As it is known here."""
        return self.actor.book.known()

    def run(self) -> Run:
        """Tick until the end."""
        while True:
            self._tick()
            yield from self.actor.book.told()
            if self.end or self.state.finished is not None:
                return self.outcome()
            self._rest()

    def outcome(self) -> Outcome:
        """The end as it stands."""
        state = self.state
        ending = self.end.ending if self.end else state.finished
        sentence = self.end.sentence if self.end else state.sentence
        return Outcome(
            ending=Ending.DEFECT if ending is None else ending,
            sentence=sentence,
            weights=state.weights,
            state=state,
        )

    def rollback(self, snapshot: Snapshot | None, *, because: str, by: str) -> RollBack:
        """The rollback as it would be now. `snapshot`: None where nothing can be seen."""
        if snapshot is None:
            return rollback.blind(self.state, because, by)
        return rollback.rollback(self.ports.view(self.state, snapshot), because, by)

    # ---- a tick ----

    def _tick(self) -> None:
        try:
            self._move()
            self.troubles.pop(Source.TARGET, None)
        except LockedOut as error:
            self._end(Ending.LOCKED_OUT, f"another runner took over, so nothing more was touched: {error.what}")
        except Exception as error:  # noqa: BLE001 - nothing may leave a canary alone
            self._not_done(error)
        self._note_journal()
        if self.end is None and self.state.finished is None:
            self._resort()

    def _move(self) -> None:
        with self._heeding(Source.LOCK):
            self.ports.lock.renew()
        with suppress(Unwritten):
            self.actor.book.settle()
        if self.state.finished is not None:
            return
        with self._heeding(Source.WORDS):
            self.actor.book.honour(self.ports.journal.asked())
        # Who said abort waits for nothing more: what was seen a moment ago is good enough to go back by.
        hurried = self.state.abort and self.snapshot and self.state.phase not in (Phase.ROLLING_BACK, Phase.BACK)
        snapshot = self.snapshot if hurried and self.snapshot else self.ports.platform.snapshot()
        self.snapshot = snapshot
        self._see(self.ports.view(self.state, snapshot))
        if not hurried:
            self._look(self.ports.view(self.state, snapshot))
        view = self._view(snapshot)
        self.actor.act(next_move(view, self.ports.clock.now()), view)
        if hurried:  # Good for one act: what it changed is to be seen.
            self.snapshot = None

    def _view(self, snapshot: Snapshot) -> View:
        return replace(
            self.ports.view(self.state, snapshot),
            verdict=self.looks.verdict,
            unready_since=self.unready_since,
            is_interrupted=self.ports.clock.interrupted(),
            is_looking=self.looks.is_awaited(self.ports.clock.now()),
        )

    def _see(self, view: View) -> None:
        now, notes, there = self.ports.clock.now(), view.snapshot.notes, view.canary_pods
        self.actor.touched = self.actor.touched or view.snapshot.marked
        self.unready_since = {pod.name: self.unready_since.get(pod.name, now) for pod in there if not pod.ready}
        pods = (len(view.stable_pods), len(there), view.serving[1])
        if pods != self.pods:
            self.pods = pods
            self.actor.book.show(PodsSeen(at=now, stable=pods[0], canary=pods[1], canary_ready=pods[2]))
        for note in dict.fromkeys(notes):
            if note not in self.notes:
                self.actor.book.show(Warned(at=now, what=note))
        self.notes = (*self.notes, *notes)[-20:]

    def _look(self, view: View) -> None:
        """While there is a canary pod to ask about; what a look brought late is heeded in every phase."""
        now, sides = self.ports.clock.now(), view.sides
        on_its_way = view.state.phase in (Phase.NEW, Phase.ROLLING_BACK, Phase.BACK)
        if not on_its_way and sides.canary:
            self.looks.begin(sides, now, view.snapshot.at or now, view.state.plan.worse)
        verdict, note = self.looks.taken(now)
        if note:
            self.actor.book.show(Warned(at=now, what=note))
        if verdict:
            self.actor.book.judged(Judged(at=now, verdict=verdict))

    def _rest(self) -> None:
        """Until the next tick; a look that comes back or a person's word ends it."""
        left = TICK
        while left > 0:
            pause = min(self.ports.listen, left)
            left -= pause
            if not self.looks.is_open:
                self.ports.clock.sleep(pause)
            elif self.looks.is_back(pause):
                return
            if left > 0 and self._is_called():
                return

    def _is_called(self) -> bool:
        with suppress(Exception):  # The tick asks again, and says what is wrong.
            return any(word not in self.state.words for word in self.ports.journal.asked())
        return False

    # ---- where something does not answer ----

    @contextmanager
    def _heeding(self, source: Source) -> Iterator[None]:
        """What goes wrong here is noted, and keeps the rest of the tick from nothing."""
        try:
            yield
        except LockedOut:
            raise
        except Exception as error:  # noqa: BLE001 - nothing may leave a canary alone
            self._note(source, error)
        else:
            self.troubles.pop(source, None)

    def _note(self, source: Source, error: Exception) -> None:
        if source in self.troubles:
            return
        now, what = self.ports.clock.now(), patience.words_of(error)
        if not self.troubles:
            self.actor.book.show(Warned(at=now, what=f"{what}; trying again"))
        self.troubles[source] = Trouble(what=what, since=now, is_silence=isinstance(error, Unreachable))

    def _note_journal(self) -> None:
        if self.actor.book.unwritten is None:
            self.troubles.pop(Source.JOURNAL, None)
        else:
            self._note(Source.JOURNAL, self.actor.book.unwritten)
        trouble = self.troubles.get(Source.JOURNAL)
        long = trouble is not None and self.ports.clock.now() - trouble.since >= self.patience.going_on
        self.actor.gives_journal_up = long

    def _not_done(self, error: Exception) -> None:
        """Nothing is on the target yet: then a no is the end. Else go back where that is due, and try again."""
        cause = error.__cause__ if isinstance(error, Unwritten) else error
        if not self.actor.touched and not isinstance(cause, Unreachable | Conflict):
            with suppress(Exception):
                self.ports.platform.untake()
            raise cause or error
        if isinstance(error, Unwritten):  # The target was seen; what is wrong with the journal is noted of it.
            self.troubles.pop(Source.TARGET, None)
            return
        self._note(Source.TARGET, error)
        with self._heeding_going_back():
            self._go_back_unseen()

    def _go_back_unseen(self) -> None:
        state = self.state
        interrupted = self.ports.clock.interrupted()
        if state.finished is not None or state.phase is Phase.BACK or not self.actor.touched:
            return
        if state.phase is Phase.ROLLING_BACK:
            if not self.actor.is_sent:
                self.actor.roll_back_unseen(rollback.blind(state, state.rollback_because, state.rollback_by))
        elif why := rollback.unseen_reason(state, self.looks.verdict, interrupted=interrupted):
            self.actor.roll_back_unseen(rollback.blind(state, *why))

    def _resort(self) -> None:
        state = self.state
        course = patience.course(
            state,
            self.troubles,
            self.ports.clock.now(),
            self.patience,
            terms=self.ports.platform.terms,
            interrupted=self.ports.clock.interrupted(),
            promoting=self._is_promoting(state),
        )
        match course.resort:
            case Resort.END:
                self._end(course.ending, course.sentence)
            case Resort.GO_BACK if not self.actor.touched:
                with suppress(Exception):
                    self.ports.platform.untake()
                self._end(Ending.UNREACHABLE, f"nothing was touched: {course.sentence}")
            case Resort.GO_BACK:
                self._roll_back(self.rollback(self.snapshot, because=course.sentence, by="davy"))
            case Resort.TRY_AGAIN:
                pass

    def _is_promoting(self, state: State) -> bool:
        if state.phase is Phase.BAKING:
            return True
        return state.phase is Phase.PROMOTING and bool(
            self.snapshot and self.ports.view(state, self.snapshot).is_given_back
        )

    def _roll_back(self, move: RollBack) -> None:
        """Nobody will be in charge: stable gets its traffic back before anything is said."""
        with self._heeding_going_back():
            self.actor.roll_back_unseen(move)
        trouble = self.troubles.get(Source.TARGET)
        silent = trouble is not None and trouble.is_silence and self.state.phase is not Phase.ROLLING_BACK
        if trouble and silent and self.ports.clock.now() - trouble.since >= self.patience.going_on:
            self._end(Ending.UNREACHABLE, patience.left(trouble, self.patience, self.ports.platform.terms))

    @contextmanager
    def _heeding_going_back(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # noqa: BLE001 - it is tried again at the next tick
            self._note(Source.TARGET, error)

    def _end(self, ending: Ending, sentence: str) -> None:
        if self.end is None:
            now, weights = self.ports.clock.now(), self.state.weights
            self.end = CanaryFinished(at=now, ending=ending, sentence=sentence, weights=weights)
            self.actor.book.show(self.end)

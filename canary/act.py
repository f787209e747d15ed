"""Act: one move carried out: intent journaled, act done, result journaled, told after."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import assert_never

from davy.canary import retreat
from davy.canary.moves import (
    Arrive,
    BeBack,
    Begin,
    Finish,
    Grow,
    HoldHere,
    HoldStill,
    Move,
    Promote,
    RollBack,
    Settle,
    StartBake,
    Wait,
)
from davy.canary.ports import Cluster, Journal, Standing
from davy.canary.sight import Seen, weight
from davy.canary.state import Phase, State, applied, folded
from davy.canary.trouble import failure
from davy.pipeline.errors import Conflict, DavyError, Unreachable
from davy.pipeline.events import (
    Asked,
    CanaryFinished,
    Event,
    FullyShifted,
    Held,
    Judged,
    PodTrouble,
    PromotionStarted,
    RollbackStarted,
    RolledBack,
    StepEntered,
    StepReached,
)
from davy.pipeline.model import Decision
from davy.pipeline.ports import Clock


class Actor:
    """Holds the state, and keeps it the same as the journal's."""

    def __init__(self, cluster: Cluster, journal: Journal, clock: Clock, state: State | None) -> None:
        self._cluster = cluster
        self._journal = journal
        self._clock = clock
        self._state = state
        self._unwritten: list[Event] = []
        self._untold: list[Event] = []
        self._doubtful: tuple[int, tuple[Event, ...], Event] | None = None
        """Of a write that was not answered: how many of the unwritten were in it, what was new, and its last event."""
        self.tidy_at_the_end = False
        """True where this runner put its fence on a Deployment that was settled already."""

    def known(self) -> State:
        """The state. Raises LookupError before a CanaryStarted was recorded."""
        if self._state is None:
            raise LookupError("no rollout was begun")
        return self._state

    def show(self, event: Event) -> None:
        """Tell it at the end of the tick; nothing is journaled."""
        self._untold.append(event)

    def told(self) -> Iterator[Event]:
        """What happened since the last call, in order."""
        while self._untold:
            yield self._untold.pop(0)

    def record(self, *events: Event) -> None:
        """Journal, then believe, then tell. Raises Unreachable or Conflict, and then nothing is believed."""
        self._write(*events)
        self._believe(*events)

    def settle(self) -> None:
        """Where a write was not answered: was it written all the same? Raises Unreachable where that cannot be read.

        What is written twice would count its requests twice for whoever resumes.
        """
        if self._doubtful is None:
            return
        journaled, (old, new, last) = self._journal.read(), self._doubtful
        self._doubtful = None
        if journaled and (type(journaled[-1]), journaled[-1].at) == (type(last), last.at):
            del self._unwritten[:old]
            self._state = folded((*journaled, *self._unwritten))
            self._untold.extend(new)

    def _write(self, *events: Event) -> None:
        self.settle()
        batch = (*self._unwritten, *events)
        if not batch:
            return
        try:
            self._journal.write(batch)
        except Unreachable:
            self._doubtful = (len(self._unwritten), events, batch[-1])
            raise
        self._unwritten.clear()

    def record_later(self, *events: Event) -> None:
        """Believe and tell, and journal as soon as the journal answers."""
        self._unwritten.extend(events)
        self._believe(*events)

    def _believe(self, *events: Event) -> None:
        for event in events:
            self._state = applied(self._state, event)
        self._untold.extend(events)

    def _write_up(self) -> None:
        with suppress(Unreachable, Conflict):
            self._write()

    def judged(self, judged: Judged, *, journal_now: bool) -> None:
        """Only a look that brought something is journaled."""
        if not judged.verdict.windows:
            self._believe(judged)
            return
        self.record_later(judged)
        if journal_now:
            self._write_up()

    def honour(self, words: Sequence[Asked]) -> None:
        """Take over the words that were not taken over yet."""
        fresh = [word for word in words if word not in self.known().words]
        if fresh:
            self.record(*fresh)

    def retreat(self, seen: Seen, *, because: str, by: str) -> RollBack:
        """The rollback as it would be now."""
        return retreat.rollback(self.known(), seen, because, by)

    def flee(self, standing: Standing) -> None:
        """Roll back at once, because davy itself broke."""
        seen = Seen(standing=standing)
        self._roll_back(self.retreat(seen, because="davy itself broke; see the error", by="davy"), seen)

    def act(self, move: Move, seen: Seen) -> None:
        """Carry out a move. Raises what the ports raise; done again, it leads to the same."""
        match move:
            case RollBack():
                self._roll_back(move, seen)
            case Wait():
                self._write_up()
            case Begin() | Grow() | HoldStill() | Promote() | Settle():
                self._change(move)
            case Arrive() | StartBake() | BeBack():
                self._arrive(move)
            case HoldHere():
                self._hold_here(move, seen)
            case Finish():
                now, state = self._clock.now(), self.known()
                if self.tidy_at_the_end and state.phase in (Phase.BACK, Phase.BAKING):
                    self._cluster.settle(state.started.restore)
                end = CanaryFinished(at=now, ending=move.ending, sentence=move.sentence, weights=state.weights)
                self.record(end)
            case _:
                assert_never(move)

    def _change(self, move: Begin | Grow | HoldStill | Promote | Settle) -> None:
        """Moves that write to the Deployment: the intent first."""
        state, now = self.known(), self._clock.now()
        match move:
            case Begin():
                if state.phase is Phase.NEW:
                    self.record(StepEntered(at=now, step=0, pods=move.pods))
                self._begin(move)
            case Grow():
                if state.step != move.step:
                    entered = StepEntered(at=now, step=move.step, pods=move.pods, because=move.because, by=move.by)
                    self.record(entered)
                self._cluster.grow(move.pods)
            case HoldStill():
                self._cluster.hold()
            case Promote():
                if state.phase is not Phase.PROMOTING:
                    self.record(PromotionStarted(at=now, because=move.because, by=move.by))
                self._cluster.promote(state.started.restore)
            case Settle():
                self._cluster.settle(state.started.restore)
            case _:
                assert_never(move)

    def _begin(self, move: Begin) -> None:
        started = self.known().started
        self._cluster.begin(
            release=started.release,
            images=started.images,
            surge=move.pods,
            restore=started.restore,
            stable_hash=started.stable_hash,
        )

    def _arrive(self, move: Arrive | StartBake | BeBack) -> None:
        state, now = self.known(), self._clock.now()
        match move:
            case Arrive():
                self.record(StepReached(at=now, step=move.step, pods=move.pods, weight=move.weight))
            case StartBake():
                self.record(FullyShifted(at=now))
            case BeBack():
                self.record(RolledBack(at=now, took=now - (state.rollback_at or now)))
            case _:
                assert_never(move)

    def _hold_here(self, move: HoldHere, seen: Seen) -> None:
        if move.pause and not seen.standing.paused:
            self._cluster.hold()
        now, state = self._clock.now(), self.known()
        self.record(
            Held(at=now, because=move.because, weight=weight(state, seen.standing)),
            CanaryFinished(at=now, ending=move.ending, sentence=f"held: {move.because}", weights=state.weights),
        )

    def _roll_back(self, move: RollBack, seen: Seen) -> None:
        """A rollback waits for no journal. A pod in trouble gets no traffic, so its words may be fetched first."""
        state, now = self.known(), self._clock.now()
        if state.phase is not Phase.ROLLING_BACK:
            if not (seen.verdict and seen.verdict.decision is Decision.ROLL_BACK):
                self._keep_words(seen)
            self.record_later(RollbackStarted(at=now, because=move.because, how=move.how, by=move.by))
            self._write_up()
        self._cluster.roll_back(state.started.restore, move.speed, move.bad_pods)
        self._write_up()

    def _keep_words(self, seen: Seen) -> None:
        """The pod goes with the rollback, and its log with it."""
        now = self._clock.now()
        failed = failure(self.known(), seen, now)
        if failed and failed.pod:
            words = failed.sentence
            with suppress(DavyError):
                words = f"{failed.sentence}\n{self._cluster.words(failed.pod)}"
            self.record_later(PodTrouble(at=now, pod=failed.pod, kind=str(failed.kind), words=words))

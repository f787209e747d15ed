"""Actor: one move carried out. What lets the canary grow is journaled first; a way back waits for no journal."""

from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import assert_never

from davy.canary.engine.driver.state_store import Book, Unwritten
from davy.canary.engine.moves import (
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
from davy.canary.engine.pod_failure import Failure, failure
from davy.canary.engine.state import Phase
from davy.canary.engine.view import View
from davy.canary.ports.background import Aside, InTurn, Work
from davy.canary.ports.platform import Platform, Proposal
from davy.pipeline.core.errors import Missing, Unusable
from davy.pipeline.core.events import (
    CanaryFinished,
    Event,
    FullyShifted,
    Held,
    PodTrouble,
    PromotionStarted,
    RollbackStarted,
    RolledBack,
    StepEntered,
    StepReached,
    Warned,
)
from davy.pipeline.core.ports import Clock

WORDS_WITHIN = 2.0
"""Seconds in which a pod's own words have to come, after the rollback was sent."""


class Actor:
    """Carries out the machine's moves, with what was done in the book."""

    def __init__(self, book: Book, platform: Platform, clock: Clock, aside: Aside | None = None) -> None:
        """`aside`: where what may be slow is asked for."""
        self.book, self._platform, self._clock = book, platform, clock
        self._aside = aside or InTurn()
        self._words: tuple[Failure, Work[str]] | None = None
        self.touched = False
        """False as long as nothing of this rollout can be on the target."""
        self.is_sent = False
        """True once the platform has taken the rollback."""
        self.gives_journal_up = False
        """True once the journal was waited for long enough: an end is then an end without it."""

    def act(self, move: Move, view: View) -> None:
        """Carry out a move. Raises what the ports raise; done again, it leads to the same."""
        match move:
            case RollBack():
                self._roll_back(move, view)
            case Wait():
                self.book.write_up()
            case Begin() | Grow() | HoldStill() | Promote() | Settle():
                self._change(move)
            case Arrive() | StartBake() | BeBack():
                self._arrive(move)
            case HoldHere():
                self._hold_here(move, view)
            case Finish():
                weights = self.book.known().weights
                now = self._clock.now()
                self._finish(CanaryFinished(at=now, ending=move.ending, sentence=move.sentence, weights=weights))
            case _:
                assert_never(move)

    def _change(self, move: Begin | Grow | HoldStill | Promote | Settle) -> None:
        """Moves that write to the target: the intent first."""
        state, now = self.book.known(), self._clock.now()
        match move:
            case Begin():
                if state.phase is Phase.NEW:
                    self.book.record(StepEntered(at=now, step=0, pods=move.pods))
                self._begin(move)
            case Grow():
                if state.step != move.step:
                    entered = StepEntered(at=now, step=move.step, pods=move.pods, because=move.because, by=move.by)
                    self.book.record(entered)
                self._platform.size(move.pods)
            case HoldStill():
                self._platform.freeze()
            case Promote():
                if state.phase is not Phase.PROMOTING:
                    self.book.record(PromotionStarted(at=now, because=move.because, by=move.by))
                self._platform.complete(state.started.restore)
            case Settle():
                self._platform.settle(state.started.restore)
            case _:
                assert_never(move)

    def _begin(self, move: Begin) -> None:
        started = self.book.known().started
        proposal = Proposal(
            release=started.release,
            images=started.images,
            restore=started.restore,
            stable_hash=started.stable_hash,
        )
        try:
            self._platform.propose(proposal, move.pods)
        except (Unusable, Missing):  # A no, and the patch happens whole or not at all.
            raise
        except BaseException:
            self.touched = True
            raise
        self.touched = True

    def _arrive(self, move: Arrive | StartBake | BeBack) -> None:
        """Nothing more is put at risk, so this is true whatever the journal says."""
        state, now = self.book.known(), self._clock.now()
        match move:
            case Arrive():
                self.book.record_later(StepReached(at=now, step=move.step, pods=move.pods, weight=move.weight))
            case StartBake():
                self.book.record_later(FullyShifted(at=now))
            case BeBack():
                self.book.record_later(RolledBack(at=now, took=now - (state.rollback_at or now)))
            case _:
                assert_never(move)
        self.book.write_up()

    def _hold_here(self, move: HoldHere, view: View) -> None:
        if move.pause and not view.snapshot.is_frozen:
            self._platform.freeze()
        now, state = self._clock.now(), self.book.known()
        self._finish(
            Held(at=now, because=move.because, weight=view.weight),
            CanaryFinished(at=now, ending=move.ending, sentence=f"held: {move.because}", weights=state.weights),
        )

    def _finish(self, *events: Event) -> None:
        """An end is journaled before it is told, unless the journal was waited for long enough."""
        try:
            self.book.record(*events)
        except Unwritten as error:
            if not self.gives_journal_up:
                raise
            self.book.show(Warned(at=self._clock.now(), what=f"the end could not be journaled: {error.what}"))
            self.book.believe(*events)

    # ---- the way back ----

    def roll_back_unseen(self, move: RollBack) -> None:
        """Roll back where nothing else can be done: what was not sent is not believed. Raises what the cluster does."""
        now = self._clock.now()
        self._send(move)
        self._note_rollback(move, now)
        self.book.write_up()

    def _roll_back(self, move: RollBack, view: View) -> None:
        """The patch first. A pod's words are asked for beside it: they go with the pod."""
        now = self._clock.now()
        if self.book.known().phase is not Phase.ROLLING_BACK:
            self._ask_words(view)
        try:
            self._send(move)
        finally:
            self._note_rollback(move, now)
        self.book.write_up()
        self._keep_words()

    def _send(self, move: RollBack) -> None:
        self._platform.restore(self.book.known().started.restore, move.speed, move.bad_pods)
        self.is_sent = True

    def _note_rollback(self, move: RollBack, now: datetime) -> None:
        if self.book.known().phase not in (Phase.ROLLING_BACK, Phase.BACK):
            self.book.record_later(RollbackStarted(at=now, because=move.because, how=move.how, by=move.by))

    def _ask_words(self, view: View) -> None:
        failed = failure(view, self._clock.now())
        if failed and failed.pod:
            self._words = failed, self._aside.begin(partial(self._platform.words, failed.pod))

    def _keep_words(self) -> None:
        if self._words is None:
            return
        (failed, work), self._words = self._words, None
        words = failed.sentence
        if work.done(WORDS_WITHIN):
            with suppress(Exception):
                words = f"{failed.sentence}\n{work.result()}"
        now = self._clock.now()
        self.book.record_later(PodTrouble(at=now, pod=failed.pod, kind=str(failed.kind), words=words))

"""State: where a rollout stands, as a fold over its journal. Pure.

A write whose answer was lost is written again, so the same event may stand in the journal twice: that changes nothing.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from functools import reduce

from davy.canary.ports.platform import Speed
from davy.pipeline.core.endings import Ending
from davy.pipeline.core.events import (
    Asked,
    CanaryFinished,
    CanaryPolicy,
    CanaryStarted,
    Event,
    FullyShifted,
    Held,
    Judged,
    PromotionStarted,
    Resumed,
    RollbackStarted,
    RolledBack,
    StepEntered,
    StepPlan,
    StepReached,
)
from davy.pipeline.core.fast_dataclass import dataclass

BY_INTERRUPT = "interrupt"
"""`RollbackStarted.by` where Ctrl-C or SIGTERM asked for it: the ending is then INTERRUPTED."""


class Phase(StrEnum):
    """The parts of a rollout."""

    NEW = "new"
    """CanaryStarted is written; the first step is not entered."""
    GROWING = "growing"
    """A step is entered and its pods are not all Ready yet."""
    AT_STEP = "at_step"
    """All pods of the step are Ready: evidence is gathered."""
    PROMOTING = "promoting"
    """The platform is told to finish the update."""
    BAKING = "baking"
    """Every pod is of the new version, and watched."""
    ROLLING_BACK = "rolling_back"
    BACK = "back"
    """No canary pod serves; the marks are still to be taken away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A rollout, as its journal tells it."""

    started: CanaryStarted
    deadline: datetime
    """Absolute. A person who resumes a held rollout starts it afresh, as long as it was."""
    entered_at: datetime
    """When the step was entered; before the first, when the rollout began."""
    phase: Phase = Phase.NEW
    step: int = 0
    reached_at: datetime | None = None
    """When all pods of the step were Ready."""
    heard: bool = False
    """True once the judge had a number to go by at this step."""
    words: tuple[Asked, ...] = ()
    """Every word a person left, honoured in this order."""
    on_hold: bool = False
    go: Asked | None = None
    """A `promote` that was not used yet: it is good for one step."""
    abort: Asked | None = None
    promotion_at: datetime | None = None
    shifted_at: datetime | None = None
    rollback_at: datetime | None = None
    rollback_because: str = ""
    rollback_by: str = ""
    speed: Speed = Speed.WHOLE
    weights: tuple[float, ...] = ()
    """The shares reached, in their order, in percent."""
    held: bool = False
    finished: Ending | None = None
    sentence: str = ""

    @property
    def policy(self) -> CanaryPolicy:
        """What it is decided by."""
        return self.started.policy

    @property
    def plan(self) -> StepPlan:
        """The step it is at."""
        return self.policy.steps[self.step]

    @property
    def last(self) -> bool:
        """True where the next thing after this step is the promotion."""
        return self.step == len(self.policy.steps) - 1

    @property
    def open(self) -> bool:
        """True where a runner can go on with it: unfinished, held, or stuck on its way back."""
        return self.finished is None or self.held or self.phase is Phase.ROLLING_BACK


def folded(events: Iterable[Event]) -> State | None:
    """The state that a journal tells of; None where it tells of no rollout."""
    return reduce(applied, events, None)


def applied(state: State | None, event: Event) -> State | None:
    """The state after `event`. What comes before the first CanaryStarted says nothing."""
    if isinstance(event, CanaryStarted):
        return State(started=event, deadline=event.policy.deadline, entered_at=event.at)
    return state and _after(state, event)


def _after(state: State, event: Event) -> State:
    match event:
        case Asked():
            return _asked(state, event)
        case Resumed():
            return _resumed(state, event)
        case Judged():
            return replace(state, heard=True) if event.verdict.windows and not state.heard else state
        case Held():
            return replace(state, held=True)
        case CanaryFinished():
            return replace(state, finished=event.ending, sentence=event.sentence)
        case _:
            return _moved(state, event)


def _moved(state: State, event: Event) -> State:
    """The state after an event that changes the phase; any other event changes nothing."""
    match event:
        case StepEntered() if not 0 <= event.step < len(state.policy.steps):
            return state  # Nobody's: a line that was changed.
        case StepEntered():
            return replace(
                state,
                phase=Phase.GROWING,
                step=event.step,
                entered_at=event.at,
                reached_at=None,
                heard=False,
                go=None,
            )
        case StepReached():
            before = state.weights[:-1] if state.phase is Phase.AT_STEP else state.weights
            weights = (*before, event.weight)
            return replace(state, phase=Phase.AT_STEP, reached_at=event.at, heard=False, weights=weights)
        case PromotionStarted():
            return replace(state, phase=Phase.PROMOTING, promotion_at=event.at, go=None)
        case FullyShifted():
            return replace(state, phase=Phase.BAKING, shifted_at=event.at, weights=_then(state, Phase.BAKING, 100.0))
        case RollbackStarted():
            return replace(
                state,
                phase=Phase.ROLLING_BACK,
                rollback_at=event.at,
                rollback_because=event.because,
                rollback_by=event.by,
                speed=_speed(event.how),
            )
        case RolledBack():
            return replace(state, phase=Phase.BACK, weights=_then(state, Phase.BACK, 0.0))
        case _:
            return state


def _then(state: State, phase: Phase, weight: float) -> tuple[float, ...]:
    return state.weights if state.phase is phase else (*state.weights, weight)


def _asked(state: State, asked: Asked) -> State:
    if asked in state.words:
        return state
    state = replace(state, words=(*state.words, asked))
    match asked.what:
        case "promote":
            return replace(state, go=asked, on_hold=False)
        case "hold":
            return replace(state, go=None, on_hold=True)
        case "abort":
            return replace(state, abort=asked)
        case _:
            return state


def _resumed(state: State, event: Resumed) -> State:
    """Clocks of things under way start afresh; a held rollout gets its whole time again, for a person asked."""
    if not state.open:
        return state
    afresh = replace(
        state,
        finished=None,
        held=False,
        sentence="",
        entered_at=event.at if state.phase is Phase.GROWING else state.entered_at,
        promotion_at=state.promotion_at and event.at,
        rollback_at=state.rollback_at and event.at,
    )
    if not state.held:
        return afresh
    at_step = state.phase is Phase.AT_STEP
    return replace(
        afresh,
        phase=Phase.GROWING if at_step else state.phase,
        reached_at=None if at_step else state.reached_at,
        entered_at=event.at,
        deadline=event.at + (state.policy.deadline - state.started.at),
    )


def _speed(how: str) -> Speed:
    """RollbackStarted.how opens with the speed's name."""
    word = how.split(":", 1)[0]
    return Speed(word) if word in tuple(Speed) else Speed.STABLE_FIRST

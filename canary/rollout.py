"""Rollout: the driver. Plays the machine against the ports, tick by tick; yields events, returns the outcome.

Order within a tick: the intent is journaled, the act is done, its result is journaled, then it is told. A rollback
waits for nothing: where the journal does not answer, its intent is journaled after the act.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from davy.canary.act import Actor
from davy.canary.play import Outcome, Patience, Play, Ports, Run
from davy.canary.ports import Standing
from davy.canary.resume import BY_LOST, Found, Way, Wish, found
from davy.canary.sight import weight
from davy.canary.state import Phase, folded
from davy.pipeline.endings import Ending
from davy.pipeline.errors import DavyError, LockedOut, Missing, Unreachable
from davy.pipeline.events import (
    CanaryFinished,
    CanaryPolicy,
    CanaryStarted,
    Event,
    Held,
    Judged,
    Resumed,
    RollbackStarted,
)
from davy.pipeline.model import Window, Workload

__all__ = ["Enforce", "Order", "Outcome", "Patience", "Ports", "Resume", "Run", "Start", "rollout"]

REST_TICKS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """A new rollout. Preflight is the caller's."""

    release: str
    workload: Workload
    images: Mapping[str, str]
    """By container, the canary's image by digest."""
    policy: CanaryPolicy
    runner: str
    rules: str = ""
    """The judge's, as text; kept in the journal for whoever replays it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume:
    """Go on with the one in the journal."""

    runner: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Enforce:
    """Carry out `on_lost` where a runner vanished; else nothing."""

    runner: str


Order = Start | Resume | Enforce


def rollout(order: Order, ports: Ports, patience: Patience | None = None) -> Run:
    """Play a rollout to its end.

    Raises LockedOut where another runner holds the lock or another rollout is held, Missing where there is nothing to
    resume. What breaks after the first patch is raised too, but only after stable has got its traffic back.
    """
    lost_since = _lost_since(ports)
    fence = ports.lock.acquire(order.runner)
    try:
        return (yield from _opened(order, ports, patience or Patience(), fence, lost_since))
    finally:
        with suppress(DavyError):
            ports.lock.release()


def _lost_since(ports: Ports) -> datetime | None:
    holder = ports.lock.holder()
    return holder.renewed_at + holder.lasts if holder and holder.lost(ports.clock.now()) else None


def _opened(order: Order, ports: Ports, patience: Patience, fence: int, lost_since: datetime | None) -> Run:
    """Deal with what was found first, then do what was ordered. Where nothing is to be done, nothing is marked."""
    past = ports.journal.read()
    state, standing, now = folded(past), ports.cluster.standing(), ports.clock.now()
    was = found(_wish(order), state, standing, now)
    resumed = Resumed(at=now, runner=order.runner, lost_since=lost_since)
    play = Play(ports=ports, patience=patience, actor=Actor(ports.cluster, ports.journal, ports.clock, state))
    ports.judge.recall(_evidence(past))
    match was.way:
        case Way.NOTHING:
            return (yield from _fresh(order, ports, patience, fence, was))
        case Way.GO_ON:
            ports.cluster.take(fence)
            play.actor.tidy_at_the_end = standing.held is None
            play.actor.record(resumed)
            outcome = yield from play.run()
        case Way.LEAVE_HELD:
            return (yield from _left(order, play, was))
        case Way.BY_HAND:
            weights = play.actor.known().weights
            play.actor.record(CanaryFinished(at=now, ending=Ending.DONE, sentence=was.because, weights=weights))
            yield from play.actor.told()
            outcome = play.outcome()
        case Way.TAKE_BACK:
            ports.cluster.take(fence)
            play.actor.tidy_at_the_end = standing.held is None
            play.actor.record(*([was.journal] if was.journal else [resumed]))
            outcome = yield from _taken_back(play, was, now)
    if not isinstance(order, Start) or outcome.ending not in (Ending.DONE, Ending.ROLLED_BACK):
        return outcome
    return (yield from _fresh(order, ports, patience, fence, was))


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


def _fresh(order: Order, ports: Ports, patience: Patience, fence: int, was: Found) -> Run:
    """Start, where that was the order."""
    if isinstance(order, Resume):
        raise Missing(f"there is nothing to resume: {was.because}", remedy="`davy canary history` tells the past ones")
    if isinstance(order, Enforce):
        return Outcome(ending=Ending.DONE, sentence=was.because)
    standing = _at_rest(ports)
    if all(standing.images.get(container) == image for container, image in order.images.items()):
        return Outcome(ending=Ending.DONE, sentence="these images serve already; nothing was done")
    started = CanaryStarted(
        at=ports.clock.now(),
        release=order.release,
        workload=order.workload,
        images=dict(order.images),
        stable_hash=standing.template_hash,
        restore=standing.own,
        policy=order.policy,
        runner=order.runner,
        rules=order.rules,
    )
    play = Play(ports=ports, patience=patience, actor=Actor(ports.cluster, ports.journal, ports.clock, None))
    ports.judge.recall([])
    play.actor.record(started)
    ports.cluster.take(fence)
    return (yield from play.run())


def _at_rest(ports: Ports) -> Standing:
    """The Deployment once Kubernetes has a ReplicaSet for its template: stable's hash is read from it."""
    for _ in range(REST_TICKS):
        standing = ports.cluster.standing()
        if standing.seen and standing.template_hash:
            return standing
        ports.clock.sleep(1)
    raise Unreachable(
        f"the Deployment controller has not caught up with {standing.workload} within {REST_TICKS} s",
        remedy=f"`kubectl -n {standing.workload.namespace} describe deployment {standing.workload.name}` may say why",
    )


def _left(order: Order, play: Play, was: Found) -> Run:
    """A rollout that is held stays so."""
    state = play.actor.known()
    if state.finished is None:
        now = play.ports.clock.now()
        held = weight(state, play.ports.cluster.standing())
        finished = CanaryFinished(at=now, ending=Ending.UNDECIDED, sentence=was.because, weights=state.weights)
        play.actor.record(Held(at=now, because=was.because, weight=held), finished)
        yield from play.actor.told()
    if isinstance(order, Start):
        raise LockedOut(was.because, remedy="`davy canary resume`, `davy canary promote` or `davy canary abort` it")
    return play.outcome()


def _taken_back(play: Play, was: Found, now: datetime) -> Run:
    """Carry out on_lost, by the machine's own way back."""
    state = play.actor.known()
    if state.phase not in (Phase.ROLLING_BACK, Phase.BACK):
        how = play.speed_now()
        play.actor.record(RollbackStarted(at=now, because=was.because, how=how, by=BY_LOST))
    return (yield from play.run())

"""Play: one runner's ticks: see, hear the words, ask the judge, make the machine's move, tell."""

from collections.abc import Generator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from davy.canary.act import Actor
from davy.canary.machine import next_move
from davy.canary.ports import Cluster, Journal, Judge, Lock, Standing
from davy.canary.sight import Seen, canary_pods, serving, sides, stable_pods
from davy.canary.state import Phase, State
from davy.pipeline.durations import shown
from davy.pipeline.endings import Ending
from davy.pipeline.errors import Conflict, DavyError, LockedOut, Unreachable
from davy.pipeline.events import CanaryFinished, Event, Judged, PodsSeen, Warned
from davy.pipeline.model import Decision, Verdict
from davy.pipeline.ports import Clock

TICK_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """What a rollout needs of the world."""

    cluster: Cluster
    lock: Lock
    journal: Journal
    judge: Judge
    clock: Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a cluster that does not answer is asked again."""

    going_on: timedelta = timedelta(minutes=2)
    rolling_back: timedelta = timedelta(minutes=15)


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
    verdict: Verdict | None = None
    looked_at: datetime | None = None
    unanswered_since: datetime | None = None
    unready_since: dict[str, datetime] = field(default_factory=dict)
    pods: tuple[int, int, int] | None = None
    end: CanaryFinished | None = None
    """An end that is not journaled, so that another runner can go on."""

    def run(self) -> Run:
        """Tick until the end."""
        while True:
            self._tick()
            yield from self.actor.told()
            if self.end or self.actor.known().finished is not None:
                return self.outcome()
            self.ports.clock.sleep(TICK_SECONDS)

    def outcome(self) -> Outcome:
        """The end as it stands."""
        state = self.actor.known()
        ending = self.end.ending if self.end else state.finished
        sentence = self.end.sentence if self.end else state.sentence
        return Outcome(
            ending=Ending.DEFECT if ending is None else ending,
            sentence=sentence,
            weights=state.weights,
            state=state,
        )

    def speed_now(self) -> str:
        """RollbackStarted.how, for a rollback that the machine did not ask for."""
        return self.actor.retreat(Seen(standing=self.ports.cluster.standing()), because="", by="").how

    def _tick(self) -> None:
        try:
            self._move()
            self.unanswered_since = None
        except LockedOut as error:
            self._end(Ending.LOCKED_OUT, f"another runner took over, so nothing more was touched: {error.what}")
        except (Unreachable, Conflict) as error:
            self._not_answered(error)
        except Exception:
            self._make_safe()
            raise

    def _move(self) -> None:
        with suppress(Unreachable):
            self.ports.lock.renew()
        with suppress(Unreachable):
            self.actor.settle()
        if self.actor.known().finished is not None:
            return
        standing = self.ports.cluster.standing()
        self._see(standing)
        with suppress(Unreachable):
            self.actor.honour(self.ports.journal.asked())
        self._look(standing)
        seen = Seen(
            standing=standing,
            verdict=self.verdict,
            unready_since=self.unready_since,
            interrupted=self.ports.clock.interrupted(),
        )
        self.actor.act(next_move(self.actor.known(), seen, self.ports.clock.now()), seen)

    def _see(self, standing: Standing) -> None:
        state, now = self.actor.known(), self.ports.clock.now()
        unready = {pod.name for pod in canary_pods(state, standing) if not pod.ready}
        self.unready_since = {name: self.unready_since.get(name, now) for name in unready}
        stable, canary = len(stable_pods(state, standing)), len(canary_pods(state, standing))
        pods = (stable, canary, serving(state, standing)[1])
        if pods != self.pods:
            self.pods = pods
            self.actor.show(PodsSeen(at=now, stable=stable, canary=canary, canary_ready=pods[2]))

    def _look(self, standing: Standing) -> None:
        """Ask the judge, once an interval at most, and only while there is a canary pod to ask about."""
        state, now = self.actor.known(), self.ports.clock.now()
        on_its_way = state.phase in (Phase.NEW, Phase.ROLLING_BACK, Phase.BACK)
        early = self.looked_at is not None and now - self.looked_at < self.ports.judge.interval
        asked = sides(state, standing)
        if on_its_way or early or not asked.canary:
            return
        self.looked_at = now
        self.verdict = self.ports.judge.look(asked, now, state.plan.worse)
        journal_now = self.verdict.decision is not Decision.ROLL_BACK
        self.actor.judged(Judged(at=now, verdict=self.verdict), journal_now=journal_now)

    def _not_answered(self, error: DavyError) -> None:
        now, state = self.ports.clock.now(), self.actor.known()
        if self.unanswered_since is None:
            self.unanswered_since = now
            self.actor.show(Warned(at=now, what=f"{error.what}; trying again"))
        interrupted = self.ports.clock.interrupted()
        back = state.phase in (Phase.ROLLING_BACK, Phase.BACK)
        if interrupted and not back and state.policy.on_interrupt == "hold":
            self._end(Ending.INTERRUPTED, f"interrupted while the cluster did not answer; held: {error.what}")
        urgent = back or interrupted
        limit = self.patience.rolling_back if urgent else self.patience.going_on
        if now - self.unanswered_since < limit:
            return
        if urgent:
            self._end(Ending.STUCK, f"could not get back to stable: no answer for {shown(limit)}: {error.what}")
        else:
            self._end(Ending.UNREACHABLE, f"no answer for {shown(limit)}, the canary stays as it is: {error.what}")

    def _end(self, ending: Ending, sentence: str) -> None:
        if self.end is None:
            weights = self.actor.known().weights
            self.end = CanaryFinished(at=self.ports.clock.now(), ending=ending, sentence=sentence, weights=weights)
            self.actor.show(self.end)

    def _make_safe(self) -> None:
        """Something broke that no retry mends: stable gets its traffic back before anything is said."""
        state = self.actor.known()
        if state.finished is None and state.policy.on_interrupt == "roll_back":
            with suppress(DavyError):
                self.actor.flee(self.ports.cluster.standing())

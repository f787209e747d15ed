"""Takeover: what a runner does with what it finds before its first move. Pure.

`davy canary resume`, by a person or by CI, goes on. Whatever else touches the workload (a new release, an enforcing
status) first carries out `on_lost` for a rollout whose runner vanished. A rollout that was held on purpose has not
lost its runner: it stays held until a person resumes, promotes or aborts it, and a new release is refused.

`on_lost` is about a canary. Once the promotion has begun the decision is made, and the platform carries it out with or
without a runner: whoever comes next goes on with it and watches the bake, and does not reverse proven pods hours later.
"""

from datetime import datetime, timedelta
from enum import StrEnum

from davy.canary.engine.state import Phase
from davy.canary.engine.view import View
from davy.canary.ports.snapshot import Snapshot
from davy.canary.ports.terms import Terms
from davy.pipeline.core.events import CanaryPolicy, CanaryStarted, StepPlan
from davy.pipeline.core.fast_dataclass import dataclass

BY_LOST = "on_lost"
"""`RollbackStarted.by` where nobody asked: the runner had vanished."""


class Wish(StrEnum):
    """What the runner came for."""

    START = "start"
    RESUME = "resume"
    ENFORCE = "enforce"


class Way(StrEnum):
    """What it does first."""

    NOTHING = "nothing"
    """There is no rollout that needs anything: a START starts, a RESUME and an ENFORCE are done."""
    GO_ON = "go_on"
    """Fold the journal and go on."""
    TAKE_BACK = "take_back"
    """Roll the lost rollout back."""
    LEAVE_HELD = "leave_held"
    """Record that it is held; a START is refused."""
    BY_HAND = "by_hand"
    """A person let the platform finish the update: record that, and touch nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Takeover:
    """A rollout that is not over, and what to do about it."""

    way: Way
    because: str
    journal: CanaryStarted | None = None
    """Where the target carries the marks of a rollout that no journal tells of: its beginning, from the marks."""


def takeover_of(wish: Wish, view: View, now: datetime) -> Takeover:
    """What to do first. The lock is already ours, so no runner is alive behind an unfinished journal."""
    state = view.state
    if not state.open or not state.policy.steps:
        return unjournaled(view.snapshot, view.terms, now)
    name = state.started.release
    if _is_promoted_by_hand(view):
        return Takeover(way=Way.BY_HAND, because=f"release {name} was promoted by hand")
    if wish is Wish.RESUME:
        return Takeover(way=Way.GO_ON, because=f"release {name} goes on")
    if state.held:
        return Takeover(way=Way.LEAVE_HELD, because=f"release {name} is held: {state.sentence}")
    if state.finished is not None:
        return Takeover(way=Way.LEAVE_HELD, because=f"release {name} is stuck on its way back: {state.sentence}")
    if state.phase in (Phase.PROMOTING, Phase.BAKING):
        return Takeover(way=Way.GO_ON, because=f"the runner of release {name} vanished after the promotion had begun")
    if state.policy.on_lost == "roll_back" or state.rollback_at is not None:
        return Takeover(way=Way.TAKE_BACK, because=f"the runner of release {name} vanished")
    return Takeover(way=Way.LEAVE_HELD, because=f"the runner of release {name} vanished; it is held as on_lost says")


def _is_promoted_by_hand(view: View) -> bool:
    """The new version is the target's own, no mark is on it and it is not held: docs/by-hand.md.

    Who only takes the label away has promoted nothing: the canary is held as before.
    """
    state, snapshot = view.state, view.snapshot
    under_way = state.phase not in (Phase.NEW, Phase.PROMOTING, Phase.BAKING) and state.rollback_at is None
    new = state.started.images
    unmarked = snapshot.held is None and not snapshot.marked and view.is_given_back
    return under_way and unmarked and all(snapshot.images.get(name) == new[name] for name in new)


def unjournaled(snapshot: Snapshot, terms: Terms, now: datetime) -> Takeover:
    """No journal, or one that ended. Marks on the target all the same: nothing can be proven, so go back."""
    if snapshot.held is None:
        marks = "; its marks cannot be read, see docs/by-hand.md" if snapshot.marked else ""
        return Takeover(way=Way.NOTHING, because=f"no rollout is in progress{marks}")
    return Takeover(
        way=Way.TAKE_BACK,
        because=f"{terms.target} carries the marks of release {snapshot.release}, and there is no journal of it",
        journal=_from_marks(snapshot, now),
    )


def _from_marks(snapshot: Snapshot, now: datetime) -> CanaryStarted | None:
    if snapshot.held is None:
        return None
    minutes = timedelta(minutes=5)
    step = StepPlan(weight=0.0, pods=1, share=0.0, at_least=timedelta(0), worse=2.0)
    return CanaryStarted(
        at=now,
        release=snapshot.release,
        workload=snapshot.workload,
        images=dict(snapshot.images),
        stable_hash=snapshot.stable_hash,
        restore=snapshot.held,
        policy=CanaryPolicy(
            steps=(step,),
            replicas=snapshot.replicas,
            warmup=timedelta(0),
            ready_within=minutes,
            promote_within=minutes,
            bake=timedelta(0),
            deadline=now + minutes,
        ),
    )

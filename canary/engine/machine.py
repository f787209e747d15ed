"""Machine: the next move of a rollout, from its state and what was seen. Pure: the same answer whenever asked.

What to roll back for is asked first. Then: a third template is nobody's to fight, so the rollout stops and says so.
Weight grows on a PROMOTE seen after the step was reached, or on a person's word; UNKNOWN is neither.
A promotion that does not get through is paused, not reversed: the pods that were proven are then the healthy side,
and a person is needed (STUCK).
"""

from datetime import datetime
from typing import assert_never

from davy.canary.engine import rollback
from davy.canary.engine.moves import (
    Arrive,
    Begin,
    Finish,
    Grow,
    HoldHere,
    HoldStill,
    Move,
    Promote,
    Settle,
    StartBake,
    Wait,
)
from davy.canary.engine.state import Phase, State
from davy.canary.engine.view import View
from davy.pipeline.core.endings import Ending
from davy.pipeline.core.text.time_text import shown
from davy.pipeline.core.verdict import Decision, Gap, Verdict

POLICY = "policy on_inconclusive"
"""`by` of a promotion that the configuration asked for, not a person."""


def next_move(view: View, now: datetime) -> Move:
    """What to do now. A finished rollout finishes again."""
    state = view.state
    if state.finished is not None:
        return Finish(ending=state.finished, sentence=state.sentence)
    if state.phase in (Phase.ROLLING_BACK, Phase.BACK):
        return rollback.next_back(view, now)
    if state.phase is Phase.NEW and view.is_bare and (state.abort or view.is_interrupted):
        return _unbegun(view)
    if why := rollback.reason(view, now):
        return rollback.rollback(view, *why)
    return _stopped(view) or _onward(view, now)


def _unbegun(view: View) -> Move:
    """There is nothing to take back: only the fence may be there."""
    if view.snapshot.traces:
        return Settle()
    if view.state.abort:
        return Finish(ending=Ending.ROLLED_BACK, sentence="aborted before anything was begun; stable serves")
    return Finish(ending=Ending.INTERRUPTED, sentence="interrupted before anything was begun; stable serves")


def _stopped(view: View) -> Move | None:
    state = view.state
    if view.is_foreign:
        what = f"release {view.snapshot.release}" if view.is_anothers else "someone"
        because = (
            f"{what} gave {view.terms.target} another template meanwhile; nothing was undone, see `davy canary status`"
        )
        return HoldHere(because=because, ending=Ending.LOCKED_OUT, pause=False)
    if view.is_interrupted:
        pause = state.phase is not Phase.BAKING
        return HoldHere(because="the runner was interrupted", ending=Ending.INTERRUPTED, pause=pause)
    return None


def _onward(view: View, now: datetime) -> Move:
    state = view.state
    match state.phase:
        case Phase.NEW:
            return Begin(pods=state.plan.pods)
        case Phase.GROWING:
            return _growing(view, now)
        case Phase.AT_STEP:
            return _at_step(view, now)
        case Phase.PROMOTING:
            return _promoting(view, now)
        case Phase.BAKING:
            return _baking(view, now)
        case Phase.ROLLING_BACK | Phase.BACK:
            return rollback.next_back(view, now)
    assert_never(state.phase)


def _growing(view: View, now: datetime) -> Move:
    state = view.state
    snapshot, want = view.snapshot, view.wanted
    if not view.is_marked:
        return Begin(pods=state.plan.pods)
    if now >= state.deadline:
        return _inconclusive(view, f"not all {want} canary pods were Ready at the deadline", proven=False)
    there = view.canary_pods
    if len(there) < want:
        is_sized = snapshot.size == state.plan.pods and not snapshot.is_frozen
        again = Grow(step=state.step, pods=state.plan.pods, because="asked for again")
        return Wait(why=f"{view.terms.keeper} makes {want} canary pods") if is_sized else again
    if not snapshot.is_frozen:
        return HoldStill()
    ready = sum(1 for pod in there if pod.ready and pod.serving)
    if ready < want:
        return Wait(why=f"{ready} of {want} canary pods are Ready")
    return Arrive(step=state.step, pods=len(there), weight=view.weight)


def _at_step(view: View, now: datetime) -> Move:
    state = view.state
    if not view.snapshot.is_frozen:
        return HoldStill()
    ready = sum(1 for pod in view.canary_pods if pod.ready)
    if state.go and ready:
        return _further(state, because="a person said so" + _why(state.go.why), by=state.go.by)
    if late := _late(state, now):
        return _inconclusive(view, late, proven=ready > 0)
    if state.on_hold:
        return Wait(why=f"held by {state.words[-1].by}, until `davy canary promote` or `davy canary abort`")
    return _weighed(view, now, all_ready=ready >= view.wanted)


def _weighed(view: View, now: datetime, *, all_ready: bool) -> Move:
    """Is the evidence enough to go further?"""
    state = view.state
    reached_at = state.reached_at or now
    verdict = view.verdict if view.verdict and view.verdict.at > reached_at else None
    if verdict is None:
        return Wait(why="no look since the step was reached")
    if verdict.decision is not Decision.PROMOTE:
        return Wait(why=verdict.sentence)
    if not all_ready:
        return Wait(why="the evidence is good, but not all canary pods are Ready")
    if (left := reached_at + state.plan.at_least - now).total_seconds() > 0:
        return Wait(why=f"the evidence is good; the step lasts {shown(left)} longer")
    if state.plan.approve:
        return Wait(why="the evidence is good; waiting for a person's `davy canary promote`")
    return _further(state, because=verdict.sentence, by="")


def _further(state: State, *, because: str, by: str) -> Move:
    if state.last:
        return Promote(because=because, by=by)
    step = state.step + 1
    return Grow(step=step, pods=state.policy.steps[step].pods, because=because, by=by)


def _late(state: State, now: datetime) -> str:
    if now >= state.deadline:
        return f"no verdict by the deadline, {shown(state.deadline - state.started.at)} after the start"
    at_most = state.plan.at_most
    if at_most is not None and state.reached_at is not None and now - state.reached_at >= at_most:
        return f"no verdict within {shown(at_most)} at step {state.step + 1}"
    return ""


def _inconclusive(view: View, late: str, *, proven: bool) -> Move:
    """The policy's word. What is not known promotes nothing, whatever the policy: then it is held."""
    state = view.state
    verdict = view.verdict
    if view.is_looking:
        return Wait(why=f"{late}; the look that is under way is waited for")
    last = f" The last look: {verdict.sentence}" if verdict else ""
    if state.policy.on_inconclusive == "roll_back":
        return rollback.rollback(view, late + last, POLICY)
    deaf = bool(verdict and verdict.gaps) and not state.heard
    if verdict and deaf and all(gap is Gap.UNREACHABLE for gap in verdict.gaps.values()):
        return HoldHere(because=f"{late}: the metrics server did not answer.{last}", ending=Ending.UNREACHABLE)
    if state.policy.on_inconclusive == "promote" and proven and _speaks_for(state, verdict):
        return Promote(because=f"{late}; the policy is to promote.{last}", by=POLICY)
    return HoldHere(because=f"{late}.{last}", ending=Ending.UNDECIDED)


def _speaks_for(state: State, verdict: Verdict | None) -> bool:
    """There are numbers of this step, the newest look could read them all, and they do not lean against the canary."""
    if verdict is None or not state.heard or state.reached_at is None or verdict.at <= state.reached_at:
        return False
    known = verdict.decision in (Decision.GO_ON, Decision.PROMOTE) and not verdict.gaps
    return known and verdict.log_e_roll_back <= 0 and verdict.log_e_burn <= 0


def _promoting(view: View, now: datetime) -> Move:
    state = view.state
    snapshot = view.snapshot
    stable, canary = view.serving
    left = len(view.stable_pods)
    old_gone = snapshot.is_current and not left and not stable
    if view.is_given_back and old_gone and canary >= snapshot.replicas:
        return StartBake()
    if state.promotion_at and now - state.promotion_at > state.policy.promote_within:
        return _halted(
            state, f"{canary} of {snapshot.replicas} pods of the new version serve beside {stable} of the old"
        )
    if state.on_hold:
        held = f"the promotion is held by {state.words[-1].by}, until `davy canary promote` or `davy canary abort`"
        return Wait(why=held) if snapshot.is_frozen else HoldStill()
    if not view.is_given_back:
        return Promote(because="asked for again")
    return Wait(why=f"promoting: {canary} of {snapshot.replicas} pods of the new version serve, {left} old are left")


def _halted(state: State, where: str) -> HoldHere:
    """Pause a promotion that takes too long: on a person's word it is waiting, else a person is needed."""
    if state.on_hold:
        return HoldHere(because=f"{state.words[-1].by} held the promotion: {where}", ending=Ending.UNDECIDED)
    because = (
        f"the promotion did not get through within {shown(state.policy.promote_within)}: {where}. No check speaks "
        "against the new version, so no traffic was sent back; see what keeps its pods from getting Ready, then "
        "`davy canary resume`, or `davy canary abort`"
    )
    return HoldHere(because=because, ending=Ending.STUCK)


def _baking(view: View, now: datetime) -> Move:
    state = view.state
    over_at = (state.shifted_at or now) + state.policy.bake
    if now < over_at:
        return Wait(why=f"watched for {shown(over_at - now)} longer")
    if view.is_looking:
        return Wait(why="the last look at it is waited for")
    if not view.is_settled(over_at, now):
        return Settle()
    took = shown((state.shifted_at or now) - state.started.at)
    bake = f", then watched for {shown(state.policy.bake)}" if state.policy.bake else ""
    return Finish(ending=Ending.DONE, sentence=f"promoted after {took}{bake}")


def _why(why: str) -> str:
    return f": {why}" if why else ""

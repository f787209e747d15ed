"""Rollback: when to roll back, how fast, and when one is back. Pure."""

from datetime import datetime

from davy.canary.engine import pod_failure
from davy.canary.engine.moves import BeBack, Finish, Move, RollBack, Settle, Wait
from davy.canary.engine.state import BY_INTERRUPT, Phase, State
from davy.canary.engine.view import View
from davy.canary.ports.platform import Speed
from davy.canary.ports.terms import Hitch
from davy.pipeline.core.endings import Ending
from davy.pipeline.core.events import Asked
from davy.pipeline.core.text.time_text import shown
from davy.pipeline.core.verdict import Decision, Verdict

WORTHLESS = 0.5
"""From this share of bad answers on a canary pod is no capacity worth waiting for."""

SAID = "Rolled back: "
"""How a judge opens; the rollout says it itself."""


def reason(view: View, now: datetime) -> tuple[str, str] | None:
    """Why to roll back, and who asked for it: asked before anything else, in every phase."""
    if view.verdict and view.verdict.decision is Decision.ROLL_BACK:
        return view.verdict.sentence.removeprefix(SAID), ""
    if failed := pod_failure.failure(view, now):
        return failed.sentence, ""
    return unseen_reason(view.state, view.verdict, interrupted=view.is_interrupted) or _undone(view)


def _undone(view: View) -> tuple[str, str] | None:
    """Somebody put stable's template back by hand: agree with them, and finish it."""
    marked, begun = view.is_marked, bool(view.state.weights)
    if (marked or begun) and view.has_stable_template:
        return f"someone gave {view.terms.target} its old template back", view.terms.by_hand
    return None


def rollback(view: View, because: str, by: str) -> RollBack:
    """The move, with the speed that loses the least."""
    speed, bad, why = _speed(view)
    return RollBack(because=because, speed=speed, bad_pods=bad, how=f"{speed}: {why}", by=by)


def blind(state: State, because: str, by: str) -> RollBack:
    """The move where no pod can be seen. Before a promotion no stable pod was taken away."""
    if state.promotion_at is None:
        speed, how = Speed.WHOLE, "no stable pod was taken away, so the canary's can go at once"
    else:
        speed, how = Speed.STABLE_FIRST, "its pods cannot be seen, so stable pods come before canary pods go"
    return RollBack(because=because, speed=speed, bad_pods=0, how=f"{speed}: {how}", by=by)


def unseen_reason(state: State, verdict: Verdict | None, *, interrupted: bool) -> tuple[str, str] | None:
    """Why to roll back though no pod can be seen now."""
    if verdict and verdict.decision is Decision.ROLL_BACK:
        return verdict.sentence.removeprefix(SAID), ""
    if state.abort:
        return _aborted(state.abort)
    if interrupted and state.policy.on_interrupt == "roll_back":
        return "the runner was interrupted", BY_INTERRUPT
    return None


def _aborted(abort: Asked) -> tuple[str, str]:
    return "a person said so" + (f": {abort.why}" if abort.why else ""), abort.by


def _speed(view: View) -> tuple[Speed, int, str]:
    stable, canary = view.serving
    there = len(view.canary_pods)
    kept = len(view.stable_pods)
    if kept >= view.snapshot.replicas or view.state.promotion_at is None:
        return Speed.WHOLE, there, f"no stable pod was taken away ({kept} are there), so the canary's can go at once"
    rate = bad_rate(view.verdict)
    if rate >= WORTHLESS and stable:
        return Speed.CANARY_FIRST, there, f"{rate:.0%} of the canary's answers are bad, so its pods are no capacity"
    bad = pod_failure.bad_pods(view)
    if bad:
        return Speed.CANARY_FIRST, bad, f"{bad} of {there} canary pods crash, so they are no capacity"
    if rate >= WORTHLESS:
        return (
            Speed.STABLE_FIRST,
            0,
            f"{rate:.0%} of the canary's answers are bad, but no stable pod serves yet to take its place",
        )
    serve = f"{stable} stable and {canary} canary pods serve"
    return Speed.STABLE_FIRST, 0, f"{serve}; most canary answers are good, so stable pods come before canary pods go"


def bad_rate(verdict: Verdict | None) -> float:
    """The worst share of bad canary answers: over the rollout or in the newest windows, whichever metric's."""
    if verdict is None:
        return 0.0
    newest = [pair.canary.rate for window in verdict.windows for pair in window.counts.values()]
    return max([evidence.canary.rate for evidence in verdict.evidence] + newest, default=0.0)


def next_back(view: View, now: datetime) -> Move:
    """The next move of a rollout that is on its way back, or there."""
    state = view.state
    if state.phase is Phase.BACK:
        return _end(state) if view.is_settled(state.rollback_at or now, now) else Settle()
    late = state.rollback_at is not None and now - state.rollback_at > state.policy.ready_within
    stable, canary = view.serving
    if view.snapshot.is_current and view.is_sent_back and not canary and view.is_whole:
        return BeBack()
    if late:
        return Finish(ending=Ending.STUCK, sentence=_stuck(view, stable, canary))
    if not view.is_sent_back:
        bad = len(view.canary_pods)
        how = f"{state.speed}: asked for again"
        return RollBack(because=state.rollback_because, speed=state.speed, bad_pods=bad, how=how, by=state.rollback_by)
    return Wait(why=f"rolling back: {canary} canary pods serve, {stable} of {view.snapshot.replicas} stable")


def _end(state: State) -> Finish:
    ending = Ending.INTERRUPTED if state.rollback_by == BY_INTERRUPT else Ending.ROLLED_BACK
    return Finish(ending=ending, sentence=f"rolled back, stable serves: {state.rollback_because}")


def _stuck(view: View, stable: int, canary: int) -> str:
    state = view.state
    left = "the canary is out of traffic" if not canary else f"{canary} canary pods still serve"
    return (
        f"could not get back to stable within {shown(state.policy.ready_within)}: {left}, {stable} of "
        f"{view.snapshot.replicas} stable pods serve. {view.terms.hint(Hitch.NOT_WHOLE, state.started.workload)} "
        f"It was rolled back because: {state.rollback_because}"
    )

"""Snapshot: what a standing means for a rollout. Pure questions, asked of one moment."""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime

from davy.canary.engine.state import State
from davy.canary.ports.platform import Baseline, PodView, Standing
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.verdict import Verdict
from davy.pipeline.core.workload import ReadyPod, Sides


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the machine decides on, beside the state."""

    standing: Standing
    verdict: Verdict | None = None
    """The newest; None before the first look."""
    unready_since: Mapping[str, datetime] = field(default_factory=dict)
    """By pod that is not Ready, since when this runner saw it so."""
    interrupted: bool = False
    """True once Ctrl-C or SIGTERM came."""
    looking: bool = False
    """True while a look is under way that may still say something."""


def _stable_hashes(state: State, standing: Standing) -> set[str]:
    """Of stable's ReplicaSet, and of one that has its images all the same: `kubectl rollout restart` makes such."""
    own = {standing.template_hash} if has_stable_template(state, standing) else set()
    return {state.started.stable_hash, *own} - {""}


def stable_pods(state: State, standing: Standing) -> tuple[PodView, ...]:
    """Stable's pods that are to stay."""
    hashes = _stable_hashes(state, standing)
    return tuple(p for p in standing.pods if p.hash in hashes and not p.terminating)


def canary_pods(state: State, standing: Standing) -> tuple[PodView, ...]:
    """The pods that are not stable's and are to stay."""
    hashes = _stable_hashes(state, standing)
    return tuple(p for p in standing.pods if p.hash not in hashes and not p.terminating)


def serving(state: State, standing: Standing) -> tuple[int, int]:
    """Pods that get traffic: (stable, canary). A terminating pod that still gets some counts."""
    hashes = _stable_hashes(state, standing)
    pods = [p.hash in hashes for p in standing.pods if p.serving]
    return pods.count(True), pods.count(False)


def weight(state: State, standing: Standing) -> float:
    """Percent of the serving pods that are canary's: the share of traffic, without a router."""
    stable, canary = serving(state, standing)
    return round(100.0 * canary / (stable + canary), 2) if canary else 0.0


def is_whole(state: State, standing: Standing) -> bool:
    """Stable serves with all the replicas wished for."""
    return serving(state, standing)[0] >= standing.replicas


def has_canary_template(state: State, standing: Standing) -> bool:
    """The Deployment's template is the one being released."""
    return state.started.images.items() <= standing.images.items()


def has_stable_template(state: State, standing: Standing) -> bool:
    """The Deployment's template is the one from before."""
    return state.started.restore.images.items() <= standing.images.items()


def is_foreign(state: State, standing: Standing) -> bool:
    """Somebody gave the Deployment a third template, or began another release of it."""
    other = bool(standing.release) and standing.release != state.started.release
    return other or not (has_canary_template(state, standing) or has_stable_template(state, standing))


def is_marked(state: State, standing: Standing) -> bool:
    """The Deployment carries this rollout's annotation."""
    return standing.held is not None and standing.release == state.started.release


def is_bare(state: State, standing: Standing) -> bool:
    """Nothing of this rollout is on the Deployment."""
    return not standing.marked and standing.held is None and has_stable_template(state, standing)


def is_given_back(state: State, standing: Standing) -> bool:
    """The hold is off: not paused, and pods count as available when the user's own setting says so."""
    own = standing.own.min_ready_seconds or 0
    return not standing.paused and own == (state.started.restore.min_ready_seconds or 0)


def is_settled(state: State, standing: Standing, since: datetime, now: datetime) -> bool:
    """Nothing of davy's is written on it any more, and the user's own strategy is back.

    Where somebody keeps writing a strategy or marks of their own, they are theirs after `promote_within`.
    """
    same = standing.own.strategy == state.started.restore.strategy and not standing.traces
    return standing.held is None and (same or now - since > state.policy.promote_within)


def wanted(state: State, standing: Standing) -> int:
    """Canary pods of the step. An autoscaler that shrank the Deployment shrank both sides in proportion."""
    if standing.replicas >= state.policy.replicas:
        return state.plan.pods
    return max(1, state.plan.pods * standing.replicas // state.policy.replicas)


def sides(state: State, standing: Standing) -> Sides:
    """The question the judge is asked about: the pods that serve.

    Canary are those of the Deployment's own template alone: pods of the release before may still be terminating, and
    their answers speak neither for nor against this one.
    """
    ready = [(p.hash, ReadyPod(name=p.name, ready_since=p.ready_since)) for p in standing.pods if p.ready_since]
    own = {standing.template_hash} - {state.started.stable_hash}
    return Sides(
        canary=tuple(pod for side, pod in ready if side in own),
        stable=tuple(pod for side, pod in ready if side == state.started.stable_hash),
        baseline=baseline(standing, state.started.restore.images),
        started_at=state.started.at,
    )


def baseline(standing: Standing, stable: Mapping[str, str]) -> tuple[ReadyPod, ...]:
    """The fresh pods of the stable version that are Ready; none once their Deployment has got another image."""
    kept = standing.baseline
    if kept is None or not runs(kept, stable):
        return ()
    return tuple(
        ReadyPod(name=pod.name, ready_since=pod.ready_since)
        for pod in kept.pods
        if pod.ready_since and not pod.terminating
    )


def runs(kept: Baseline, images: Mapping[str, str]) -> bool:
    """Every one of these containers is there, with the same image."""
    return bool(images) and all(kept.images.get(container) == image for container, image in images.items())

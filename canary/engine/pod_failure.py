"""Pod failure: pods that cannot work, told without statistics, and how long each kind is given. Pure."""

from datetime import datetime, timedelta

from davy.canary.engine.state import Phase, State
from davy.canary.engine.view import View
from davy.canary.ports.snapshot import FailureKind, PodFailure, PodView
from davy.canary.ports.terms import Hitch
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.text.time_text import shown

AT_ONCE = timedelta(0)
SURE = timedelta(seconds=20)
"""A pull or a reference that fails once may work at the kubelet's next try, which comes after 10 s."""

ON_ITS_OWN = (FailureKind.CRASH_LOOP, FailureKind.OUT_OF_MEMORY)
"""What only the version itself can bring about."""

SENTENCES = {
    FailureKind.CRASH_LOOP: "crashes again and again",
    FailureKind.IMAGE_PULL: "cannot get its image",
    FailureKind.NEVER_READY: "does not get Ready",
    FailureKind.OUT_OF_MEMORY: "was killed for using more memory than its limit",
    FailureKind.CONFIG_ERROR: "cannot start with this configuration",
    FailureKind.UNSCHEDULABLE: "finds no node",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A pod that fails the canary; `pod` is empty where one is missing altogether."""

    pod: str
    kind: FailureKind
    sentence: str


def failure(view: View, now: datetime) -> Failure | None:
    """The first canary pod that is certainly in trouble.

    Once promotion has begun only what the version brings about itself counts: a node that is full or a registry
    that is away is then no reason to leave the pods that were proven.
    """
    state = view.state
    for pod in view.canary_pods:
        found = _trouble(pod)
        if found and _counts(state, found.kind) and now - _since(view, pod) >= _patience(state, found.kind):
            return Failure(pod=pod.name, kind=found.kind, sentence=_sentence(state, pod, found))
    return _missing(view, now)


def bad_pods(view: View) -> int:
    """Canary pods that are in a trouble of their own making."""
    pods = view.canary_pods
    return sum(1 for pod in pods if pod.trouble and pod.trouble.kind in ON_ITS_OWN)


def _trouble(pod: PodView) -> PodFailure | None:
    if pod.trouble:
        return pod.trouble
    if pod.ready:
        return None
    return PodFailure(kind=FailureKind.NEVER_READY, words="its readiness probe does not pass")


def _counts(state: State, kind: FailureKind) -> bool:
    return kind in ON_ITS_OWN or state.phase in (Phase.NEW, Phase.GROWING, Phase.AT_STEP)


def _patience(state: State, kind: FailureKind) -> timedelta:
    match kind:
        case FailureKind.CRASH_LOOP | FailureKind.OUT_OF_MEMORY:
            return AT_ONCE
        case FailureKind.IMAGE_PULL | FailureKind.CONFIG_ERROR:
            return SURE
        case FailureKind.NEVER_READY | FailureKind.UNSCHEDULABLE:
            return state.policy.ready_within


def _since(view: View, pod: PodView) -> datetime:
    """From when a pod's time runs: it was made, or it stopped being Ready after the step was reached."""
    state = view.state
    if state.phase is Phase.GROWING:
        return max(pod.created_at, state.entered_at)
    return max(pod.created_at, view.unready_since.get(pod.name, pod.created_at))


def _sentence(state: State, pod: PodView, trouble: PodFailure) -> str:
    what = SENTENCES[trouble.kind]
    if _patience(state, trouble.kind) == state.policy.ready_within:
        what += f" within {shown(state.policy.ready_within)}"
    return f"canary pod {pod.name} {what}: {trouble.words}"


def _missing(view: View, now: datetime) -> Failure | None:
    """Pods that the platform did not even make."""
    state = view.state
    there, want = len(view.canary_pods), view.wanted
    late = now - state.entered_at >= state.policy.ready_within
    if state.phase is not Phase.GROWING or there >= want or not late:
        return None
    words = (
        f"only {there} of {want} canary pods were made within {shown(state.policy.ready_within)}; "
        f"{view.terms.hint(Hitch.NOT_MADE, state.started.workload)}"
    )
    return Failure(pod="", kind=FailureKind.NEVER_READY, sentence=words)

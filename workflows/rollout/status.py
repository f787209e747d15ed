"""Status: a rollout as the cluster tells it, in words and as JSON."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import field
from datetime import datetime

from davy.canary.engine.state import Phase, State, applied, folded
from davy.canary.ports.journal import Journal
from davy.canary.ports.lock import Holder, Lock
from davy.canary.ports.platform import Platform
from davy.canary.ports.snapshot import PodView, Snapshot
from davy.pipeline.core.endings import Ending
from davy.pipeline.core.events import Event, Judged, Warned
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.json.codec import plain
from davy.pipeline.core.text.sanitize import harmless, one_line
from davy.pipeline.core.text.time_text import shown
from davy.pipeline.core.verdict import NOTHING, Pair
from davy.workflows.render.phrases import ENDINGS, percent, pods
from davy.workflows.story.options import TargetOptions, part

VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusOptions:
    """What the command line of `davy canary status` says."""

    target: TargetOptions = field(metadata=part(TargetOptions))
    output: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What was read, at one moment."""

    now: datetime
    snapshot: Snapshot
    holder: Holder | None
    state: State | None
    windows: int = 0
    counts: Mapping[str, Pair] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    """What of journal and marks could not be read."""

    @property
    def canary(self) -> tuple[PodView, ...]:
        """Pods that are not of the stable version; none where no rollout marks the Deployment."""
        stable = self.snapshot.stable_hash
        return tuple(pod for pod in self.snapshot.pods if stable and pod.hash != stable)

    @property
    def weight(self) -> float:
        """Percent of the serving pods that are canary."""
        serving = sum(pod.serving for pod in self.snapshot.pods)
        return 100 * sum(pod.serving for pod in self.canary) / serving if serving else 0.0

    @property
    def runner(self) -> str:
        """`alive`, `lost` or `none`."""
        if self.holder is None:
            return "none"
        return "lost" if self.holder.lost(self.now) else "alive"


def taken(cluster: Platform, lock: Lock, journal: Journal, now: Callable[[], datetime]) -> Status:
    """Read the Deployment, the lock and the journal. Raises Missing, Forbidden, Unreachable."""
    snapshot, holder, events = cluster.snapshot(), lock.holder(), journal.read()
    state = folded(events)
    for word in journal.asked() if state else ():
        state = state if state is None or word in state.words else applied(state, word)
    windows, counts = counted(events)
    said = tuple(event.what for event in events if isinstance(event, Warned))
    return Status(
        now=now(),
        snapshot=snapshot,
        holder=holder,
        state=state,
        windows=windows,
        counts=counts,
        notes=(*said, *snapshot.notes),
    )


def counted(events: Iterable[Event]) -> tuple[int, dict[str, Pair]]:
    """How many windows the journal holds, and each metric's counts summed over them."""
    sums: dict[str, Pair] = {}
    windows = 0
    for event in events:
        for window in event.verdict.windows if isinstance(event, Judged) else ():
            windows += 1
            for metric, pair in window.counts.items():
                before = sums.get(metric, Pair(canary=NOTHING, stable=NOTHING))
                sums[metric] = Pair(canary=before.canary + pair.canary, stable=before.stable + pair.stable)
    return windows, sums


def phase(status: Status) -> str:
    """One word: `none`, `growing`, `at_step`, `promoting`, `baking`, `rolling_back`, `back`, `held` or `finished`."""
    state = status.state
    if state is None:
        return "none"
    if state.held:
        return "held"
    return "finished" if state.finished is not None else state.phase.value


def awaited(status: Status) -> str:
    """What has to happen before it goes on."""
    state = status.state
    if state is None or (state.finished is not None and not state.held):
        return "nothing"
    if state.held:
        return "a person's word"
    match state.phase:
        case Phase.NEW | Phase.GROWING:
            return f"{pods(state.plan.pods)} of the canary to be Ready"
        case Phase.AT_STEP:
            return _at_step(state)
        case Phase.PROMOTING:
            return "the last pods of the new version"
        case Phase.BAKING:
            return f"the end of the bake of {shown(state.policy.bake)}"
        case Phase.ROLLING_BACK | Phase.BACK:
            return "stable to be whole"


def _at_step(state: State) -> str:
    if state.on_hold:
        return f"promote or abort, for {state.words[-1].by} holds it"
    if state.plan.approve and state.go is None:
        return "a person's approval, once the evidence suffices"
    return "evidence for or against the canary"


def remedy(status: Status) -> str:
    """What a person can do now."""
    state = status.state
    if state is None and status.snapshot.held is not None:
        return "davy canary abort takes it back: the Deployment carries the marks of a rollout that no journal tells of"
    if state is None and status.snapshot.marked:
        return "docs/by-hand.md: the Deployment carries marks of a rollout that cannot be read, and there is no journal"
    if state is None or (state.finished is not None and not state.open):
        return "davy release, or davy canary start --image NAME@DIGEST"
    if status.runner == "alive":
        return "davy canary watch, or davy canary promote, hold or abort"
    if state.held:
        return "davy canary promote, abort, or resume to look on"
    return "davy canary resume to go on, or davy canary abort to roll back: no runner moves it"


def text(status: Status) -> str:
    """For people, a fact a line."""
    return harmless("\n".join(_lines(status)))


def _lines(status: Status) -> Iterator[str]:
    snapshot, state = status.snapshot, status.state
    yield f"{snapshot.workload}: {_headline(status)}"
    yield f"  runner    {_runner(status)}"
    if state is not None:
        yield f"  release   {state.started.release}, began {shown(status.now - state.started.at)} ago"
        yield from (f"  image     {container} {image}" for container, image in state.started.images.items())
        if state.finished is None or state.held:
            yield f"  step      {_step(status, state)}"
    yield f"  pods      {_pods(status)}"
    for metric, pair in status.counts.items():
        yield f"  {metric:<9} canary {pair.canary.bad:,} bad of {pair.canary.total:,}, stable {pair.stable.bad:,} of {pair.stable.total:,}"  # noqa: E501 - one line of output
    for pod in status.canary:
        if pod.trouble:
            yield f"  trouble   {pod.name}: {pod.trouble.kind}: {one_line(pod.trouble.words)}"
    if state is not None and state.sentence:
        yield f"  said      {one_line(state.sentence)}"
    yield from (f"  note      {one_line(note)}" for note in status.notes)
    yield f"  awaited   {awaited(status)}"
    yield f"  next      {remedy(status)}"


def _headline(status: Status) -> str:
    state = status.state
    if state is None:
        return "no canary"
    name = phase(status).replace("_", " ")
    if state.finished is not None:
        how = "promoted" if state.finished is Ending.DONE else ENDINGS[state.finished]
        return f"canary {name}, {how}"
    return f"canary {name}" + (" — its runner is lost" if status.runner == "lost" else "")


def _runner(status: Status) -> str:
    holder = status.holder
    if holder is None:
        return "none"
    ago = shown(max(status.now - holder.renewed_at, status.now - status.now))
    if status.runner == "lost":
        return f"LOST: {holder.runner} was last heard {ago} ago; the canary is held and does not grow"
    return f"{holder.runner}, heard {ago} ago"


def _step(status: Status, state: State) -> str:
    wished = percent(state.plan.weight)
    return f"{state.step + 1} of {len(state.policy.steps)}, {wished} wished, {percent(status.weight)} reached"


def _pods(status: Status) -> str:
    canary = [pod for pod in status.canary if not pod.terminating]
    leaving = sum(pod.terminating for pod in status.snapshot.pods)
    stable = len(status.snapshot.pods) - len(canary) - leaving
    ready = sum(pod.ready for pod in canary)
    words = f"{stable} stable" + (f", {len(canary)} canary ({ready} ready)" if canary else "")
    return words + (f", {leaving} terminating" if leaving else "")


def document(status: Status) -> dict[str, object]:
    """`{"davy_status": 1, …}`; spans are seconds, times ISO 8601 in UTC."""
    state, holder, snapshot = status.state, status.holder, status.snapshot
    return {
        "davy_status": VERSION,
        "workload": str(snapshot.workload),
        "phase": phase(status),
        "release": state.started.release if state else "",
        "images": dict(state.started.images) if state else dict(snapshot.images),
        "runner": {"state": status.runner, **(plain(holder) if holder else {})},
        "step": state.step + 1 if state else None,
        "steps": [plain(step) for step in state.policy.steps] if state else [],
        "weight": round(status.weight, 2),
        "pods": [plain(pod) for pod in snapshot.pods],
        "stable_hash": snapshot.stable_hash,
        "windows": status.windows,
        "counts": {
            metric: {"canary": plain(pair.canary), "stable": plain(pair.stable)}
            for metric, pair in status.counts.items()
        },
        "ending": state.finished.name.lower() if state and state.finished is not None else None,
        "sentence": state.sentence if state else "",
        "awaited": awaited(status),
        "notes": list(status.notes),
        "next": remedy(status),
    }

"""Phrases: each event in words, for plain lines. One function an event; numbers as people write them."""

from datetime import timedelta
from functools import singledispatch

from davy.pipeline.core import events
from davy.pipeline.core.endings import Ending
from davy.pipeline.core.text import nouns
from davy.pipeline.core.text.time_text import shown
from davy.pipeline.core.verdict import Pair, Window

REHEARSAL = "rehearsal: simulated in memory, no cluster, no Docker and no Prometheus is touched"

ENDINGS = {
    Ending.DONE: "done",
    Ending.DEFECT: "defect",
    Ending.UNUSABLE: "unusable",
    Ending.REJECTED: "rejected",
    Ending.ROLLED_BACK: "rolled back",
    Ending.UNDECIDED: "undecided",
    Ending.UNREACHABLE: "unreachable",
    Ending.STUCK: "stuck",
    Ending.LOCKED_OUT: "locked out",
    Ending.INTERRUPTED: "interrupted",
}


def percent(value: float) -> str:
    """`5 %`, `5.2 %`, `0.07 %`."""
    digits = 1 if value >= 1 else 2
    return f"{value:.{digits}f}".rstrip("0").rstrip(".") + " %"


def pods(count: int) -> str:
    """`1 pod`, `3 pods`."""
    return nouns.counted(count, "pod")


def _by(who: str) -> str:
    return f", asked by {who}" if who else ""


def _because(why: str) -> str:
    return f": {why}" if why else ""


@singledispatch
def phrase(event: events.Event) -> str:
    """The event in words as they came: pass it through `harmless` before it is shown."""
    raise TypeError(f"no phrase for {type(event).__name__}")


@phrase.register
def _(event: events.ReleaseStarted) -> str:
    start = f"{event.part or 'release'} {event.release} of {event.service} began"
    return start + (f", run by {event.runner}" if event.runner else "") + (f" — {REHEARSAL}" if event.rehearsal else "")


@phrase.register
def _(event: events.SourceRead) -> str:
    revision = event.revision
    words = f"source {revision.short}" + (f" on {revision.branch}" if revision.branch else "")
    words += f" ({revision.version})" if revision.version and revision.version != revision.short else ""
    return words + (" — the work tree is dirty: what is built is not what is committed" if revision.dirty else "")


@phrase.register
def _(event: events.StageStarted) -> str:
    return f"{event.stage} began"


@phrase.register
def _(event: events.StageFinished) -> str:
    return f"{event.stage} {event.result} in {shown(event.took)}{_because(event.note)}"


@phrase.register
def _(event: events.LogLine) -> str:
    return f"{event.source} | {event.line}"


@phrase.register
def _(event: events.BuildStarted) -> str:
    return f"building {event.label}{_because(event.because)}"


@phrase.register
def _(event: events.ImageBuilt) -> str:
    how = "reused" if event.is_reused else "built from cached layers" if event.cached else "built and pushed"
    return f"image {event.image.reference} {how} in {shown(event.took)}"


@phrase.register
def _(event: events.BuildFailed) -> str:
    return f"{event.label} was not built{_because(event.why)}" + (f" (log: {event.log})" if event.log else "")


@phrase.register
def _(event: events.SuiteFinished) -> str:
    words = f"suite {event.suite} {event.result} in {shown(event.took)}: {counted(event)}"
    return words + _because(event.because) + (f" (log: {event.log})" if event.log else "")


def counted(event: events.SuiteFinished) -> str:
    """`212 passed, 1 failed`."""
    numbers = {
        "passed": event.passed,
        "failed": event.failed,
        "errors": event.errors,
        "skipped": event.skipped,
        "flaky": event.flaky,
        "quarantined": event.quarantined,
    }
    return ", ".join(f"{number} {name}" for name, number in numbers.items() if number) or "no test reported"


@phrase.register
def _(event: events.PartStarted) -> str:
    return f"suite {event.suite}{_part(event.part)} began" + (f", try {event.attempt}" if event.attempt > 1 else "")


@phrase.register
def _(event: events.PartFinished) -> str:
    what = "could not run" if event.fault else str(event.result)
    words = f"suite {event.suite}{_part(event.part)} {what} in {shown(event.took)}"
    words += f", try {event.attempt}" if event.attempt > 1 else ""
    return words + _because(event.because) + ("; it is tried again" if event.again else "")


def _part(name: str) -> str:
    return f" {name}" if name else ""


@phrase.register
def _(event: events.Warned) -> str:
    return f"warning: {event.what}"


@phrase.register
def _(event: events.ReleaseFinished) -> str:
    words = f"{ENDINGS[event.ending]} after {shown(event.took)}{_because(event.sentence)}"
    return words + (f"\nnext: {event.remedy}" if event.remedy else "")


@phrase.register
def _(event: events.CanaryStarted) -> str:
    steps = ", ".join(f"{percent(step.weight)} ({pods(step.pods)})" for step in event.policy.steps)
    images = ", ".join(event.images.values())
    return (
        f"canary of {event.workload} began: {images} beside {pods(event.policy.replicas)} of {event.stable_hash}; "
        f"steps {steps}; deadline in {shown(max(event.policy.deadline - event.at, timedelta(0)))}"
    )


@phrase.register
def _(event: events.StepEntered) -> str:
    return f"step {event.step + 1}: growing the canary to {pods(event.pods)}{_because(event.because)}{_by(event.by)}"


@phrase.register
def _(event: events.StepReached) -> str:
    return f"step {event.step + 1} reached: {pods(event.pods)}, {percent(event.weight)} of the traffic"


@phrase.register
def _(event: events.PodsSeen) -> str:
    return f"{pods(event.stable)} stable, {pods(event.canary)} canary, {event.canary_ready} ready"


@phrase.register
def _(event: events.PodTrouble) -> str:
    return f"{event.pod} cannot work ({event.kind.replace('_', ' ')}): {event.words}"


@phrase.register
def _(event: events.Judged) -> str:
    verdict = event.verdict
    gaps = ", ".join(f"{metric} {gap}" for metric, gap in verdict.gaps.items())
    look = f"look: {verdict.sentence or counts(verdict.windows)}" + (f" [{gaps}]" if gaps else "")
    return "\n".join((look, *verdict.notes))


def counts(windows: tuple[Window, ...]) -> str:
    """What a journaled look brought: `availability: 1 of 145 canary requests bad, 2 of 1,372 on stable`."""
    sums: dict[str, Pair] = {}
    for window in windows:
        for metric, pair in window.counts.items():
            before = sums.get(metric, Pair())
            sums[metric] = Pair(canary=before.canary + pair.canary, stable=before.stable + pair.stable)
    return "; ".join(
        f"{metric}: {pair.canary.bad:,} of {pair.canary.total:,} canary requests bad, "
        f"{pair.stable.bad:,} of {pair.stable.total:,} on stable"
        for metric, pair in sums.items()
    ) or "nothing new was scraped"  # fmt: skip


@phrase.register
def _(event: events.Asked) -> str:
    return f"{event.by} asked: {event.what}{_because(event.why)}"


@phrase.register
def _(event: events.PromotionStarted) -> str:
    return f"promoting{_because(event.because)}{_by(event.by)}"


@phrase.register
def _(_event: events.FullyShifted) -> str:
    return "every pod is of the new version; watching on"


@phrase.register
def _(event: events.RollbackStarted) -> str:
    return f"rolling back{_because(event.because)}{_by(event.by)}" + (f" ({event.how})" if event.how else "")


@phrase.register
def _(event: events.RolledBack) -> str:
    return f"rolled back in {shown(event.took)}: no canary pod serves, stable is whole"


@phrase.register
def _(event: events.Held) -> str:
    return f"held at {percent(event.weight)}{_because(event.because)}"


@phrase.register
def _(event: events.Resumed) -> str:
    lost = f", the runner before was lost at {event.lost_since:%H:%M:%S} UTC" if event.lost_since else ""
    return f"taken over by {event.runner}{lost}"


@phrase.register
def _(event: events.CanaryFinished) -> str:
    ending = ENDINGS[event.ending]
    told = event.sentence.startswith(ending)
    words = f"canary {event.sentence}" if told else f"canary {ending}{_because(event.sentence)}"
    return words + (f" (weights {' → '.join(percent(weight) for weight in event.weights)})" if event.weights else "")

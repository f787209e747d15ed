"""Stage: preflight and canary of a release, on real ports."""

from collections.abc import Generator

from davy.canary import preflight
from davy.canary.engine import steps
from davy.canary.engine.driver.rollout import Outcome, Resume, Start, rollout
from davy.canary.ports.snapshot import Snapshot
from davy.checks.budget import reader
from davy.checks.budget.budget import Budget
from davy.checks.ports import Metrics
from davy.checks.preflight import problems as questions
from davy.checks.traces import rules_text
from davy.pipeline.core.artifacts import Image
from davy.pipeline.core.errors import LockedOut, Unusable
from davy.pipeline.core.events import Event
from davy.pipeline.core.fast_dataclass import dataclass
from davy.workflows import wiring
from davy.workflows.config import load
from davy.workflows.images import attest, sign
from davy.workflows.story.release_task import ReleaseTask
from davy.workflows.suites import on_canary
from davy.workflows.wiring.reach import outlived


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """What was found before anything is touched, and nothing of it stands against a release."""

    warnings: tuple[str, ...]
    replicas: int


def examined(task: ReleaseTask, images: tuple[Image, ...] = ()) -> Examination:
    """Look at cluster, lock and checks. Raises Unusable with every problem, LockedOut, Unreachable."""
    config = task.config.copied(images=task.placed_images)
    _ = task.quarantine  # What is wrong with it is said before minutes are spent.
    side = task.side
    snapshot, around = side.cluster.snapshot(), side.cluster.surroundings()
    holder, router = side.lock.holder(), wiring.router()
    if holder is not None and not holder.lost(side.now()) and holder.runner != task.runner:
        raise LockedOut(
            f"{holder.runner} is releasing {side.workload} since {holder.since:%H:%M:%S} UTC",
            remedy="`davy canary watch` follows it; `davy canary abort` ends it",
        )
    metrics, stable = task.servers.metrics(), _stable(snapshot)
    found = questions.problems(config.checks, metrics, stable, side.now(), task.analysis)
    wrong = tuple(load.placed(problem, config) for problem in found)
    late = outlived(side.expires, side.now(), side.context, config.canary)
    problems = (*preflight.problems(around, snapshot, config, router, images), *wrong, *([late] if late else []))
    if problems:
        raise Unusable(f"{side.workload} cannot be released like this.", problems=problems)
    advised = questions.warnings(config.checks, metrics, stable, side.now())
    warnings = (*preflight.warnings(around, snapshot, config, router), *notes(task), *advised)
    return Examination(warnings=warnings, replicas=snapshot.replicas)


def notes(task: ReleaseTask) -> tuple[str, ...]:
    """What of the files that the configuration names could not be carried over. Raises Unusable."""
    return task.analysis.notes if task.analysis else ()


def budgeted(task: ReleaseTask) -> tuple[Budget, ...]:
    """The error budget of every objective. Raises Forbidden."""

    def metrics() -> Metrics:
        return task.servers.metrics()  # Opened only where there is an objective.

    return reader.read(task.config.checks.slos, metrics, task.clock.now())


def _stable(snapshot: Snapshot) -> list[str]:
    # While a rollout is held the Deployment's own template is the canary's.
    sides = ("", snapshot.stable_hash or snapshot.hash)
    return [pod.name for pod in snapshot.pods if pod.ready and pod.hash in sides]


def canaried(task: ReleaseTask, images: tuple[Image, ...]) -> Generator[Event, None, Outcome]:
    """Start the rollout and drive it to its end."""
    config = task.config
    yield from sign.verified(task, images)
    side = task.side
    snapshot = side.cluster.snapshot()
    placement = preflight.placed(side.cluster.surroundings(), task.placed_images, images)
    if placement.problems:
        raise Unusable("An image has no place in the Deployment.", problems=placement.problems)
    start = Start(
        release=task.release,
        workload=side.workload,
        images=placement.images,
        policy=steps.policy(
            config.canary,
            config.checks.worse,
            snapshot.replicas,
            task.clock.now(),
            router=wiring.router(),
            target=side.cluster.terms.target,
        ),
        runner=task.runner,
        rules=rules_text.text(config.checks),
    )
    return (yield from attest.canary(task, images, rolled(start, task, images)))


def rolled(wish: Start | Resume, task: ReleaseTask, images: tuple[Image, ...] = ()) -> Generator[Event, None, Outcome]:
    """Drive a rollout to its end, with suites against the canary asked beside the judge where there are any."""
    judge = task.servers.judge(task.analysis)
    own = on_canary.judged(task, images, judge, task.side.cluster_again)
    try:
        return (yield from rollout(wish, task.side.ports(own or judge, task.clock)))
    finally:
        if own:
            own.close()

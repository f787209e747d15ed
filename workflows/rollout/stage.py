"""Stage: preflight and canary of a release, on real ports."""

from collections.abc import Generator

from davy.canary import preflight
from davy.canary.engine import steps
from davy.canary.engine.driver.rollout import Outcome, Resume, Start, rollout
from davy.canary.ports.snapshot import Snapshot
from davy.checks.budget import reader
from davy.checks.budget.budget import Budget
from davy.checks.preflight import problems as questions
from davy.checks.traces import rules_text
from davy.pipeline.core.artifacts import Image
from davy.pipeline.core.errors import LockedOut, Unusable
from davy.pipeline.core.events import Event
from davy.workflows import wiring
from davy.workflows.builds import images as works
from davy.workflows.config import load
from davy.workflows.images import attest, sign
from davy.workflows.story.release_task import Order
from davy.workflows.suites import on_canary
from davy.workflows.wiring import kayenta_file
from davy.workflows.wiring.reach import outlived


def examined(task: Order, images: tuple[Image, ...] = (), *, acting: bool = False) -> tuple[str, ...]:
    """Look at cluster, lock and checks. The warnings; raises Unusable with every problem, LockedOut, Unreachable.

    `acting`: what follows changes the world; else secrets stay where they are (`wiring.metrics`).
    """
    config = task.config.copied(images=works.placed(task.config, task.folder))
    wiring.quarantine(config, task.folder)  # What is wrong with it is said before minutes are spent.
    side = wiring.side_of(config, task.reach)
    snapshot, around = side.cluster.snapshot(), side.cluster.surroundings()
    holder, router = side.lock.holder(), wiring.router()
    if holder is not None and not holder.lost(side.now()) and holder.runner != task.runner:
        raise LockedOut(
            f"{holder.runner} is releasing {side.workload} since {holder.since:%H:%M:%S} UTC",
            remedy="`davy canary watch` follows it; `davy canary abort` ends it",
        )
    metrics, stable = wiring.metrics(config, task.folder, acting=acting), _stable(snapshot)
    analysis = kayenta_file.read(config.checks, task.folder)
    found = questions.problems(config.checks, metrics, stable, side.now(), analysis)
    wrong = tuple(load.placed(problem, config) for problem in found)
    late = outlived(side.expires, side.now(), side.context, config.canary)
    problems = (*preflight.problems(around, snapshot, config, router, images), *wrong, *([late] if late else []))
    if problems:
        raise Unusable(f"{side.workload} cannot be released like this.", problems=problems)
    advised = questions.warnings(config.checks, metrics, stable, side.now())
    return (*preflight.warnings(around, snapshot, config, router), *notes(task), *advised)


def notes(task: Order) -> tuple[str, ...]:
    """What of the files that the configuration names could not be carried over. Raises Unusable."""
    analysis = kayenta_file.read(task.config.checks, task.folder)
    return analysis.notes if analysis else ()


def budgeted(task: Order, *, acting: bool = False) -> tuple[Budget, ...]:
    """The error budget of every objective. Raises Forbidden."""
    checks = task.config.checks
    return reader.read(checks.slos, lambda: wiring.metrics(task.config, task.folder, acting=acting), task.clock.now())


def _stable(snapshot: Snapshot) -> list[str]:
    # While a rollout is held the Deployment's own template is the canary's.
    sides = ("", snapshot.stable_hash or snapshot.hash)
    return [pod.name for pod in snapshot.pods if pod.ready and pod.hash in sides]


def canaried(task: Order, images: tuple[Image, ...]) -> Generator[Event, None, Outcome]:
    """Start the rollout and drive it to its end."""
    config = task.config
    yield from sign.verified(task, images)
    side = wiring.side_of(config, task.reach)
    snapshot = side.cluster.snapshot()
    placement = preflight.placed(side.cluster.surroundings(), works.placed(config, task.folder), images)
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
    return (yield from attest.canary(task, images, rolled(start, side, task, images)))


def rolled(
    wish: Start | Resume, side: wiring.Side, task: Order, images: tuple[Image, ...] = ()
) -> Generator[Event, None, Outcome]:
    """Drive a rollout to its end, with suites against the canary asked beside the judge where there are any."""
    judge = wiring.judge(task.config, task.folder)
    own = on_canary.judged(task, images, judge, lambda: wiring.side_of(task.config, task.reach).cluster)
    try:
        return (yield from rollout(wish, side.ports(own or judge, task.clock)))
    finally:
        if own:
            own.close()

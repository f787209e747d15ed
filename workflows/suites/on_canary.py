"""On canary: suites that run in the cluster against the held rollout's own pods."""

import threading
from collections.abc import Callable, Generator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from davy.canary.engine.pod_urls import held_pods, is_at_a_step, urls
from davy.canary.ports.judge import Judge
from davy.canary.ports.platform import Platform
from davy.canary.ports.snapshot import PodView, Snapshot
from davy.pipeline.config.document import DeliveryConfig
from davy.pipeline.config.sections.suites import SuiteConfig
from davy.pipeline.core.artifacts import Image
from davy.pipeline.core.errors import DavyError, Problem, Unusable
from davy.pipeline.core.events import Event
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.ports import Clock
from davy.pipeline.core.text import nouns
from davy.pipeline.suites import cleanup, driver
from davy.workflows import wiring
from davy.workflows.story.task import Task
from davy.workflows.suites import orders as asking
from davy.workflows.suites.canary_judge import Round, SuiteJudge

LOOK_SECONDS = 0.5


def meant(config: DeliveryConfig) -> list[SuiteConfig]:
    """The suites that run against a canary."""
    return [suite for suite in config.tests if suite.against == "canary"]


def reached(snapshot: Snapshot) -> tuple[PodView, ...]:
    """The canary's Ready pods. Raises Unusable where there is no canary, with what to do."""
    pods = tuple(pod for pod in held_pods(snapshot) if pod.ready and pod.ip)
    if pods:
        return pods
    held = f"release {snapshot.release} has no Ready canary pod yet" if snapshot.held else "no rollout is held there"
    raise Unusable(
        f"There is no canary of {snapshot.workload} to test.",
        problems=(Problem(what=held),),
        remedy="`davy canary start --image NAME@DIGEST` begins one, and `davy canary hold` keeps it where it is.",
    )


def told(pods: Sequence[PodView]) -> Callable[[SuiteConfig], dict[str, str]]:
    """What each suite is told of them: $DAVY_URL is the first one's, $DAVY_URLS all."""

    def of(suite: SuiteConfig) -> dict[str, str]:
        found = urls(pods, suite.port)
        return {"DAVY_URL": found[0], "DAVY_URLS": " ".join(found)}

    return of


def released(config: DeliveryConfig, snapshot: Snapshot, given: Sequence[Image]) -> tuple[Image, ...]:
    """The configuration's images as the canary runs them; those given on the command line come first."""
    found = {image.name: image for image in given}
    for reference in snapshot.images.values():
        name, at, digest = reference.partition("@")
        if at and any(image.name == name for image in config.images):
            found.setdefault(name, Image(name=name, digest=digest))
    return tuple(found.values())


def judged(task: Task, images: Sequence[Image], inner: Judge, cluster: Callable[[], Platform]) -> SuiteJudge | None:
    """The judge with the suites of the configuration; None where it has none. `cluster`: with its own connection."""
    if not meant(task.config):
        return None
    rounds = iter(range(1, 10**9))

    def play(over: Callable[[], bool]) -> Round | None:
        clock = _OwnClock(clock=task.clock, over=over)
        try:
            snapshot = _at_a_step(cluster(), clock)
            if snapshot is None:
                return None
            number = next(rounds)
            if number == 1:
                cleanup.rounds_cleared(task.out / "canary", driver.REPORT)
            out = task.out / "canary" / str(number)
            return _played(task, images, snapshot, clock=clock, out=out)
        except KeyboardInterrupt:
            return None
        except Unusable:
            raise
        except DavyError as error:
            return Round(pods=frozenset(), fault=error.what)

    return SuiteJudge(inner, play)


def _at_a_step(cluster: Platform, clock: Clock) -> Snapshot | None:
    """Once all canary pods of the step are Ready; None where it is over before."""
    while not clock.interrupted():
        snapshot = cluster.snapshot()
        if is_at_a_step(snapshot):
            return snapshot
        clock.sleep(LOOK_SECONDS)
    return None


def _played(task: Task, given: Sequence[Image], snapshot: Snapshot, *, clock: Clock, out: Path) -> Round:
    wanted, pods = meant(task.config), reached(snapshot)
    images = released(task.config, snapshot, given)
    names = frozenset(pod.name for pod in pods)
    orders = asking.ordered(task, asking.asks(task, wanted), images, out, told(pods))
    places = wiring.suite_places(task.config, task.release, clock, folder=task.folder, suites=wanted, reach=task.reach)
    masks = wiring.masks(task.config, task.folder)
    try:
        done = _ended(driver.run(orders, places, clock, out, wiring.washing(task.config), masks=masks))
    finally:
        wiring.mask_files([one.order.out for one in orders], masks)
    faults = [story for each in done.ended for story in each.stories if story.at_fault]
    if faults and all(each.suite.exit_code in (0, None) for each in done.ended):
        return Round(pods=frozenset(), fault=done.sentence)
    where = f"against {nouns.counted(len(pods), 'canary pod')}"
    if done.passed:
        return Round(pods=names, told=f"{where}: {done.sentence}")
    return Round(pods=names, failed=f"{done.sentence}, {where} (see {out})")


def _ended(story: Generator[Event, None, driver.Tested]) -> driver.Tested:
    """Play it to its end; its log is in the files, the rollout's own events go on meanwhile."""
    while True:
        try:
            next(story)
        except StopIteration as end:
            made: driver.Tested = end.value
            return made


@dataclass(frozen=True, slots=True, kw_only=True)
class _OwnClock:
    """The clock for another thread: it sleeps by itself, and ends when the rollout has no more use for the suites."""

    clock: Clock
    over: Callable[[], bool]

    def now(self) -> datetime:
        return self.clock.now()

    def elapsed(self) -> timedelta:
        return self.clock.elapsed()

    def sleep(self, seconds: float) -> None:
        threading.Event().wait(seconds)

    def interrupted(self) -> bool:
        return self.over() or self.clock.interrupted()

"""Parts: the release's parts on real ports, as the configuration says."""

from collections.abc import Generator, Iterator, Sequence
from datetime import date
from pathlib import Path

from davy.canary import preflight
from davy.canary.engine import steps as strategy
from davy.canary.ports.platform import Standing
from davy.canary.engine.driver.rollout import Outcome, Resume, Start, rollout
from davy.checks.budget import reader as budgets
from davy.checks.traces import rules_text as rulebook
from davy.checks.preflight import problems as questions
from davy.checks.budget.budget import Budget
from davy.pipeline.suites.history import archive as archiving
from davy.pipeline.files import own_files as ownfiles
from davy.pipeline.suites import driver as suites
from davy.pipeline.config.sections.images import matrix as recipes
from davy.pipeline.config.document import Config, DeliveryConfig
from davy.pipeline.core.errors import DavyError, LockedOut, Problem, Unusable
from davy.pipeline.core.events import Event, Warned
from davy.pipeline.core.artifacts import Image, Revision
from davy.pipeline.core.ports import Archive, Clock
from davy.pipeline.suites.history.record import RunRecord
from davy.pipeline.suites.parts import part_file as partfile
from davy.pipeline.suites.history import quarantine
from davy.pipeline.suites import recorder as recorded
from davy.pipeline.suites.plan.pieces import Ask
from davy.pipeline.suites.history.quarantine import Quarantine
from davy.pipeline.suites.recorder import Ended
from davy.pipeline.core.fast_dataclass import dataclass
from davy.workflows.suites import on_canary as againstcanary
from davy.workflows.images import attest as attesting
from davy.workflows.images import sign as signing
from davy.workflows.wiring import kayenta_file as canaryfile
from davy.workflows.config import load as configured
from davy.checks.gates import error_budget as gate
from davy.workflows import wiring
from davy.workflows.builds import images as works
from davy.workflows.suites.orders import Told, asks, nothing, ordered
from davy.workflows.story.task import Errand, named
from davy.checks.gates.error_budget import Accepted
from davy.workflows.wiring.reach import FILE, Reach, outlived
from davy.workflows.story.stages import Parts

LATEST = 20
"""Runs that are asked how long things take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order(Errand):
    """The task of a command that releases: with the whole configuration."""

    config: Config
    accepted: Accepted | None = None
    """A person's word that the error budgets do not matter this once."""


def order(
    config: Config, file: Path, out: Path, clock: Clock, accept_budget: str = "", *, reach: Reach = FILE
) -> Order:
    """A new release of the configured service."""
    release = named(config.service, clock.now())
    return Order(
        config=config,
        folder=file.resolve().parent,
        out=out,
        clock=clock,
        release=release,
        runner=wiring.runner(),
        reach=reach,
        accepted=Accepted(by=wiring.person(), why=accept_budget) if accept_budget else None,
    )


def parts(task: Order) -> Parts:
    """Everything wired; nothing is asked before it is needed."""
    return Parts(
        clock=task.clock,
        source=lambda: wiring.revision(task.folder),
        examine=lambda: examined(task, acting=True),
        build=lambda revision: built(task, revision),
        test=lambda images: tested(task, images, before_traffic(task)),
        canary=lambda images: canaried(task, images),
        gate=lambda: gate.asked(
            task.config.checks.gate, lambda: budgeted(task, acting=True), task.clock, task.accepted
        ),
    )


def examined(task: Order, images: tuple[Image, ...] = (), *, acting: bool = False) -> tuple[str, ...]:
    """Look at cluster, lock and checks. The warnings; raises Unusable with every problem, LockedOut, Unreachable.

    `acting`: what follows changes the world; else secrets stay where they are (`wiring.metrics`).
    """
    config = task.config.copied(images=works.placed(task.config, task.folder))
    wiring.quarantine(config, task.folder)  # What is wrong with it is said before minutes are spent.
    side = wiring.side_of(config, task.reach)
    standing, around = side.cluster.standing(), side.cluster.surroundings()
    holder = side.lock.holder()
    if holder is not None and not holder.lost(side.now()) and holder.runner != task.runner:
        raise LockedOut(
            f"{holder.runner} is releasing {side.workload} since {holder.since:%H:%M:%S} UTC",
            remedy="`davy canary watch` follows it; `davy canary abort` ends it",
        )
    metrics, stable = wiring.metrics(config, task.folder, acting=acting), _stable(standing)
    analysis = canaryfile.read(config.checks, task.folder)
    found = questions.problems(config.checks, metrics, stable, side.now(), analysis)
    wrong = tuple(configured.placed(problem, config) for problem in found)
    late = outlived(side.expires, side.now(), side.context, config.canary)
    problems = (*preflight.problems(around, standing, config, images), *wrong, *([late] if late else []))
    if problems:
        raise Unusable(f"{side.workload} cannot be released like this.", problems=problems)
    advised = questions.warnings(config.checks, metrics, stable, side.now())
    return (*preflight.warnings(around, standing, config), *notes(task), *advised)


def notes(task: Order) -> tuple[str, ...]:
    """What of the files that the configuration names could not be carried over. Raises Unusable."""
    analysis = canaryfile.read(task.config.checks, task.folder)
    return analysis.notes if analysis else ()


def budgeted(task: Order, *, acting: bool = False) -> tuple[Budget, ...]:
    """The error budget of every objective. Raises Forbidden."""
    checks = task.config.checks
    return budgets.read(checks.slos, lambda: wiring.metrics(task.config, task.folder, acting=acting), task.clock.now())


def _stable(standing: Standing) -> list[str]:
    # While a rollout is held the Deployment's own template is the canary's.
    sides = ("", standing.stable_hash or standing.template_hash)
    return [pod.name for pod in standing.pods if pod.ready and pod.hash in sides]


def built(task: Errand, revision: Revision) -> Generator[Event, None, tuple[Image, ...]]:
    """Every image, built and pushed where the registry does not have it."""
    made = yield from works.built(task, revision)
    return tuple(each.image for each in made)


def tested(
    task: Errand,
    images: tuple[Image, ...],
    asked: Sequence[Ask],
    told: Told = nothing,  # noqa: PT028 - no test
) -> Generator[Event, None, str]:
    """Run the suites; what failed, in one line. What goes wrong with the archive is said, and fails nothing."""
    config, clock = task.config, task.clock
    wanted = ordered(task, asked, images, task.out, told)
    meant = [ask.suite for ask in asked]
    places = wiring.suite_places(config, task.release, clock, folder=task.folder, suites=meant, reach=task.reach)
    archive, held, today = (
        wiring.archive(config, task.folder, acting=True),
        wiring.quarantine(config, task.folder),
        clock.now().date(),
    )
    history, warnings = archiving.recent(archive, LATEST)
    yield from warned(warnings, clock)
    ownfiles.remove(task.out / partfile.NAME)
    masks = wiring.masks(config, task.folder)
    story = suites.run(
        wanted,
        places,
        clock,
        task.out,
        wiring.washing(config),
        history=_agreed(task, archive, asked, history),
        quarantined=lambda suite, case: held.is_quarantined(suite, masks.text(case), today),
        masks=masks,
    )
    try:
        done = yield from attesting.tests(task, images, story)
    finally:
        # What suites left is theirs, and others read it: logs, reports, what was collected.
        moved = wiring.mask_files([one.order.out for one in wanted], masks)
    ownfiles.write(task.out / partfile.NAME, partfile.text(masks.value(_part(task, asked, done.ended))))
    if done.ended:
        run = recorded.run_id(task.release, asked, whole=is_whole(asked, config))
        record = masks.value(
            recorded.record(done.ended, release=run, at=clock.now(), service=config.service, revision=known(task))
        )
        yield from warned(said_of(held, (record, *history), today, whole=is_whole(asked, config)), clock)
        paths = (*([done.report] if done.report else []), *(moved.get(path.resolve(), path) for path in done.files))
        kept = archiving.keep(archive, record, paths, out=task.out, rule=config.results.archive, now=clock.now())
        yield from warned(kept.warnings, clock)
    return "" if done.passed else wiring.washing(config)(done.sentence)


def _part(task: Errand, asked: Sequence[Ask], ended: Sequence[Ended]) -> partfile.Part:
    """What another job is told of this one."""
    revision = known(task)
    return partfile.Part(
        service=task.config.service,
        revision=revision.sha if revision else "",
        release=task.release,
        at=task.clock.now(),
        suites=partfile.ran(asked, ended),
    )


def _agreed(
    task: Errand, archive: Archive, asked: Sequence[Ask], history: tuple[RunRecord, ...]
) -> tuple[RunRecord, ...]:
    """The runs that the spread goes by. Machines that work their shards out alone must all go by the same ones.

    Else a file could be nobody's. So only runs that are older than the commit count, however the archive grows
    meanwhile, and none without git. Raises what the archive raises: the others may have been able to read it.
    """
    if all(ask.shard is None or ask.share is not None or not ask.suite.files for ask in asked):
        return history
    revision = known(task)
    if revision is None:
        return ()
    return tuple(run for run in archive.recent(10 * LATEST) if run.at < revision.committed_at)[:LATEST]


def said_of(held: Quarantine, records: Sequence[RunRecord], today: date, *, whole: bool) -> tuple[str, ...]:
    """What a person should do about the quarantine, after a run. `records`: newest first, the run's own among them."""
    seen = [(case.suite, name) for case in records[0].cases for name in case.names]
    return (*quarantine.notes(held, seen, today, whole=whole), *quarantine.release_notes(held, records, today))


def is_whole(asked: Sequence[Ask], config: DeliveryConfig) -> bool:
    """Whether every suite there is runs, in full."""
    return {ask.suite.name for ask in asked if ask.shard is None} == {suite.name for suite in config.tests}


def warned(sentences: Sequence[str], clock: Clock) -> Iterator[Event]:
    """Each as a warning."""
    for what in sentences:
        yield Warned(at=clock.now(), what=what)


def known(task: Errand) -> Revision | None:
    """What git says; None where it is not asked in vain: a suite needs no work tree."""
    try:
        return wiring.source(task.folder).revision()
    except DavyError:
        return None


def before_traffic(task: Errand) -> tuple[Ask, ...]:
    """The suites of a release that run before any traffic moves."""
    return asks(task, [suite for suite in task.config.tests if suite.against is None])


def canaried(task: Order, images: tuple[Image, ...]) -> Generator[Event, None, Outcome]:
    """Start the rollout and drive it to its end."""
    config = task.config
    yield from signing.verified(task, images)
    side = wiring.side_of(config, task.reach)
    standing = side.cluster.standing()
    placement = preflight.placed(side.cluster.surroundings(), works.placed(config, task.folder), images)
    if placement.problems:
        raise Unusable("An image has no place in the Deployment.", problems=placement.problems)
    start = Start(
        release=task.release,
        workload=side.workload,
        images=placement.images,
        policy=strategy.policy(config.canary, config.checks.worse, standing.replicas, task.clock.now()),
        runner=task.runner,
        rules=rulebook.text(config.checks),
    )
    return (yield from attesting.canary(task, images, rolled(start, side, task, images)))


def rolled(
    wish: Start | Resume, side: wiring.Side, task: Order, images: tuple[Image, ...] = ()
) -> Generator[Event, None, Outcome]:
    """Drive a rollout to its end, with suites against the canary asked beside the judge where there are any."""
    judge = wiring.judge(task.config, task.folder)
    own = againstcanary.judged(task, images, judge, lambda: wiring.side_of(task.config, task.reach).cluster)
    try:
        return (yield from rollout(wish, side.ports(own or judge, task.clock)))
    finally:
        if own:
            own.close()


def image(reference: str) -> Image:
    """`name@sha256:…`. Raises Unusable for anything without a digest."""
    name, at, digest = reference.partition("@")
    hexadecimal = digest.removeprefix("sha256:")
    whole = len(hexadecimal) == 64 and all(letter in "0123456789abcdef" for letter in hexadecimal)
    if not at or not digest.startswith("sha256:") or not name or not whole:
        problem = Problem(what=f"--image {reference!r} must be name@sha256: and 64 hex digits: a tag can change")
        raise Unusable("An image is named by its digest.", problems=(problem,), remedy="`davy build` prints it.")
    return Image(name=name, digest=digest)


def given(config: DeliveryConfig, references: tuple[str, ...]) -> tuple[Image, ...]:
    """Images named on the command line. Raises Unusable where one is not of this configuration."""
    images = tuple(image(reference) for reference in references)
    known = {recipe.name for recipe in recipes.expanded(config.images)}
    strange = [one.name for one in images if one.name not in known]
    if strange:
        raise Unusable(
            f"{', '.join(strange)}: no image of the configuration has this name.",
            remedy=f"It has {', '.join(sorted(known))}.",
        )
    return images

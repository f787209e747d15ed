"""Stage: the release's parts on real ports, as the configuration says."""

from collections.abc import Generator, Iterator, Sequence
from datetime import date

from davy.pipeline.config.document import DeliveryConfig
from davy.pipeline.core.artifacts import Image
from davy.pipeline.core.events import Event, Warned
from davy.pipeline.core.ports import Clock
from davy.pipeline.files import own_files
from davy.pipeline.suites import driver, recorder
from davy.pipeline.suites.history import archive as archiving
from davy.pipeline.suites.history import quarantine
from davy.pipeline.suites.history.ports import Archive
from davy.pipeline.suites.history.quarantine import Quarantine
from davy.pipeline.suites.history.record import RunRecord
from davy.pipeline.suites.parts import part_file
from davy.pipeline.suites.plan.pieces import PlannedSuite
from davy.pipeline.suites.recorder import EndedSuite
from davy.workflows import wiring
from davy.workflows.images import attest
from davy.workflows.story.task import Task, known
from davy.workflows.suites.orders import Told, asks, nothing, ordered

LATEST = 20
"""Runs that are asked how long things take."""


def tested(
    task: Task,
    images: tuple[Image, ...],
    asked: Sequence[PlannedSuite],
    told: Told = nothing,  # noqa: PT028 - no test
) -> Generator[Event, None, str]:
    """Run the suites; what failed, in one line. What goes wrong with the archive is said, and fails nothing."""
    config, clock = task.config, task.clock
    wanted = ordered(task, asked, images, task.out, told)
    meant = [ask.suite for ask in asked]
    places = wiring.suite_places(config, task.release, clock, folder=task.folder, suites=meant, reach=task.reach)
    archive, held, today = (
        wiring.archive(config, task.folder, acting=True),
        task.quarantine,
        clock.now().date(),
    )
    history, warnings = archiving.recent(archive, LATEST)
    yield from warned(warnings, clock)
    own_files.remove(task.out / part_file.NAME)
    masks = wiring.masks(config, task.folder)
    story = driver.run(
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
        done = yield from attest.tests(task, images, story)
    finally:
        # What suites left is theirs, and others read it: logs, reports, what was collected.
        moved = wiring.mask_files([one.order.out for one in wanted], masks)
    own_files.write(task.out / part_file.NAME, part_file.text(masks.value(_part(task, asked, done.ended))))
    if done.ended:
        run = recorder.run_id(task.release, asked, whole=is_whole(asked, config))
        record = masks.value(
            recorder.record(done.ended, release=run, at=clock.now(), service=config.service, revision=known(task))
        )
        yield from warned(said_of(held, (record, *history), today, whole=is_whole(asked, config)), clock)
        paths = (*([done.report] if done.report else []), *(moved.get(path.resolve(), path) for path in done.files))
        kept = archiving.keep(archive, record, paths, out=task.out, rule=config.results.archive, now=clock.now())
        yield from warned(kept.warnings, clock)
    return "" if done.passed else wiring.washing(config)(done.sentence)


def _part(task: Task, asked: Sequence[PlannedSuite], ended: Sequence[EndedSuite]) -> part_file.PartFile:
    """What another job is told of this one."""
    revision = known(task)
    return part_file.PartFile(
        service=task.config.service,
        revision=revision.sha if revision else "",
        release=task.release,
        at=task.clock.now(),
        suites=part_file.ran(asked, ended),
    )


def _agreed(
    task: Task, archive: Archive, asked: Sequence[PlannedSuite], history: tuple[RunRecord, ...]
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


def is_whole(asked: Sequence[PlannedSuite], config: DeliveryConfig) -> bool:
    """Whether every suite there is runs, in full."""
    return {ask.suite.name for ask in asked if ask.shard is None} == {suite.name for suite in config.tests}


def warned(sentences: Sequence[str], clock: Clock) -> Iterator[Event]:
    """Each as a warning."""
    for what in sentences:
        yield Warned(at=clock.now(), what=what)


def before_traffic(task: Task) -> tuple[PlannedSuite, ...]:
    """The suites of a release that run before any traffic moves."""
    return asks(task, [suite for suite in task.config.tests if suite.against is None])

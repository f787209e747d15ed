"""Driver: runs them all, merges their reports into one, and says whether traffic may move."""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from davy.pipeline.core.errors import DavyError
from davy.pipeline.core.events import Event, Result, Stage, StageFinished, StageStarted, Warned
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.ports import Clock
from davy.pipeline.core.secrets.masks import NONE, Masks
from davy.pipeline.core.text.sanitize import washed
from davy.pipeline.files import own_files
from davy.pipeline.suites import attempts, cleanup, queue
from davy.pipeline.suites.attempts import RetryRules, Story, rules_of
from davy.pipeline.suites.history.record import RunRecord
from davy.pipeline.suites.plan import pieces as expansion
from davy.pipeline.suites.plan import sharding
from davy.pipeline.suites.plan.order import Wanted
from davy.pipeline.suites.plan.pieces import Cell, Guesses, Piece, PlannedSuite
from davy.pipeline.suites.ports import ShardRunner, SuitePlace, SuiteRunner
from davy.pipeline.suites.queue import Runs, SuiteJob, Worked
from davy.pipeline.suites.recorder import EndedSuite
from davy.pipeline.suites.reports import highlights, writer
from davy.pipeline.suites.reports.cases import CaseResult, Suite, blamed, shortage
from davy.pipeline.threads import Crew, Threads

REPORT, LOG = "junit.xml", "log.txt"
NO_TIME = timedelta(0)
Quarantine = Callable[[str, str], bool]
"""Whether the case, by its key, may fail without failing its suite: `e2e`, or with its cell `e2e[chrome]`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tested:
    """What became of the suites."""

    ended: tuple[EndedSuite, ...]
    """A cell of a matrix is one of its own."""
    report: Path | None
    """The merged JUnit; None where there was no suite."""

    @property
    def suites(self) -> tuple[Suite, ...]:
        """What each adds up to."""
        return tuple(each.suite for each in self.ended)

    @property
    def passed(self) -> bool:
        """True where no suite failed."""
        return all(suite.result is Result.PASSED for suite in self.suites)

    @property
    def sentence(self) -> str:
        """For people: each suite's count, or why it failed."""
        return " · ".join(_short(suite) for suite in self.suites) or "no suites"

    @property
    def files(self) -> tuple[Path, ...]:
        """Every log, and what was collected."""
        runs = [each.run for ended in self.ended for story in ended.stories for each in story.runs]
        return tuple(dict.fromkeys(path for run in runs for path in (run.log, *run.files)))


def nobody(suite: str, case: str) -> bool:  # noqa: ARG001 - a quarantine's shape
    """No case is in quarantine."""
    return False


def run(
    wanted: Sequence[Wanted],
    places: Mapping[str, SuitePlace],
    clock: Clock,
    out: Path,
    shown: Callable[[str], str] = washed,
    *,
    history: Sequence[RunRecord] = (),
    quarantined: Quarantine = nobody,
    crew: Callable[[], Crew[Runs]] = Threads,
    masks: Masks = NONE,
) -> Generator[Event, None, Tested]:
    """Run every suite, also after one failed: a release engineer wants all that is wrong, not the first.

    `places`: by the suite's name. `history`: earlier runs, newest first, for what takes how long. `masks`: what the
    merged report must not hold.
    At an interruption, and where a place raises, what had ended until then is still merged and kept.
    """
    began = clock.now()
    yield StageStarted(at=began, stage=Stage.TEST)
    ended: list[EndedSuite] = []
    # One of an earlier run would be read as this one's where nothing ends.
    own_files.remove(out / REPORT)
    try:
        yield from _swept(places, clock)
        for one in wanted:
            if clock.interrupted():
                raise KeyboardInterrupt
            since = clock.now()
            place = places[one.ask.suite.name]
            worked = yield from _one(
                one, place, clock, shown=shown, history=history, quarantined=quarantined, crew=crew()
            )
            own = tuple(_grouped(one, worked))
            ended += own
            for each in own:
                yield from _finished(one, each, clock.now() - since, clock, shown)
            if worked.wrong is not None:
                raise worked.wrong
    except (DavyError, KeyboardInterrupt) as error:
        _kept([*ended, *_not_begun(wanted, ended)], out, masks)
        note = shown(error.what.splitlines()[0]) if isinstance(error, DavyError) else "interrupted"
        yield _over(began, clock.now(), Result.FAILED, note)
        raise
    tested = Tested(ended=tuple(ended), report=_kept(ended, out, masks))
    result = Result.SKIPPED if not ended else Result.PASSED if tested.passed else Result.FAILED
    yield _over(began, clock.now(), result, shown(tested.sentence))
    return tested


def _over(began: datetime, now: datetime, result: Result, note: str) -> StageFinished:
    return StageFinished(at=now, stage=Stage.TEST, result=result, took=now - began, note=note)


def guesses(ask: PlannedSuite, history: Sequence[RunRecord]) -> Guesses:
    """How long its files, or its shards, are expected to take, by cell."""
    name = ask.suite.name
    return {
        cell.name: sharding.guess(history, name, cell.name, expansion.expected_items(ask, cell)) for cell in ask.cells
    }


def hands(
    ask: PlannedSuite, place: SuitePlace, history: Sequence[RunRecord]
) -> tuple[tuple[Piece, ...], list[SuiteRunner]]:
    """The pieces as that place takes them, and a runner for each that works at the same time."""
    slots = place.slots(ask.at_once)
    first = place.runner()
    if isinstance(first, ShardRunner):
        return expansion.static(ask, guesses(ask, history), slots), [first]
    pieces = expansion.queued(ask, guesses(ask, history), slots)
    return pieces, [first, *(place.runner() for _ in range(min(slots, len(pieces)) - 1))]


def _swept(places: Mapping[str, SuitePlace], clock: Clock) -> Iterator[Event]:
    """End what killed runners left. One place may stand for several suites."""
    for place in {id(place): place for place in places.values()}.values():
        for sentence in place.swept():
            yield Warned(at=clock.now(), what=sentence)


def _one(
    one: Wanted,
    place: SuitePlace,
    clock: Clock,
    *,
    shown: Callable[[str], str],
    history: Sequence[RunRecord],
    quarantined: Quarantine,
    crew: Crew[Runs],
) -> Generator[Event, None, Worked]:
    suite = one.ask.suite
    pieces, runners = hands(one.ask, place, history)
    job = SuiteJob(
        order=one.order,
        pieces=pieces,
        rules=rules_of(suite),
        excused=lambda cell, case: quarantined(sharding.key(suite.name, cell), case),
    )
    with cleanup.fresh(one.order.out, tuple(_files(job))) as stayed:
        for sentence in stayed:
            yield Warned(at=clock.now(), what=shown(sentence))
        return (yield from queue.worked(job, runners, crew, clock, shown))


def _files(job: SuiteJob) -> Iterator[Path]:
    """The log and the report of every try that its parts may need."""
    for piece in job.pieces:
        first = job.order.out / piece.folder
        again = (first / f"try-{number}" for number in range(2, job.rules.retries + attempts.FAULTS + 2))
        yield from (folder / name for folder in (first, *again) for name in (LOG, REPORT))


def _grouped(one: Wanted, worked: Worked) -> Iterator[EndedSuite]:
    suite = one.ask.suite
    rules = rules_of(suite)
    for cell in one.ask.cells:
        stories = tuple(story for story in worked.stories if story.piece.cell == cell)
        left = tuple(piece for piece in worked.left if piece.cell == cell)
        if stories or left:
            made = _added_up(one, cell, stories, rules)
            yield EndedSuite(suite=_cut_short(made, left, len(stories)) if left else made, stories=stories)


def _cut_short(suite: Suite, left: Sequence[Piece], ended: int) -> Suite:
    """Not all of it ran, so it is not passed, and its report says what is missing."""
    names = (f"{suite.name} {piece.name}".strip() for piece in left)
    missing = tuple(
        writer.whole(name, timedelta(0), CaseResult.ERROR, "it was stopped before its end") for name in names
    )
    words = f"stopped: {ended} of its {ended + len(left)} parts had ended"
    because = "; ".join(filter(None, (blamed(suite.cases), words)))
    return replace(suite, cases=(*suite.cases, *missing), exit_code=None, because=because)


def _not_begun(wanted: Sequence[Wanted], ended: Sequence[EndedSuite]) -> Iterator[EndedSuite]:
    """Suites whose turn did not come, where others had theirs."""
    told = {each.suite.name for each in ended}
    for one in wanted if ended else ():
        for name in (sharding.key(one.ask.suite.name, cell.name) for cell in one.ask.cells):
            if name not in told:
                case = writer.whole(name, timedelta(0), CaseResult.ERROR, "it did not run")
                suite = Suite(name=name, cases=(case,), took=timedelta(0), exit_code=None, because=case.message)
                yield EndedSuite(suite=suite, stories=())


def _added_up(one: Wanted, cell: Cell, stories: Sequence[Story], rules: RetryRules) -> Suite:
    """The cell's pieces as one suite. Its time is what all its runs took together."""
    each = [attempts.ended(story, rules) for story in stories]
    failed = [(story.piece.name, suite) for story, suite in zip(stories, each, strict=True)
              if suite.result is not Result.PASSED]  # fmt: skip
    cases = tuple(case for suite in each for case in suite.cases)
    because = _because(failed, blamed(cases)) if failed else ""
    needed = _at_least(one)
    if not because:
        because = shortage(sum(suite.tests for suite in each), needed)
        if not because and needed and (silent := _silent(stories, each)):
            because = f"{silent} told no test, and with `at_least` each part must"
        if because:
            cases = (*cases, writer.whole(one.ask.suite.name, timedelta(0), CaseResult.ERROR, because))
    return Suite(
        name=sharding.key(one.ask.suite.name, cell.name),
        cases=cases,
        took=sum((suite.took for suite in each), timedelta(0)),
        exit_code=failed[0][1].exit_code if failed else 0,
        because=because,
        notes=tuple(dict.fromkeys(note for suite in each for note in suite.notes)),
    )


def _silent(stories: Sequence[Story], each: Sequence[Suite]) -> str:
    """The parts that told no test, not even a skipped one; the others' tests would hide them."""
    parts = [story.piece.name for story, suite in zip(stories, each, strict=True)
             if all(case.own for case in suite.cases)]  # fmt: skip
    return f"{parts[0]}{f' and {len(parts) - 1} more' if len(parts) > 1 else ''}" if parts else ""


def _at_least(one: Wanted) -> int:
    """Tests that must have run; of a machine's part of the suite only that there are some."""
    needed = one.ask.suite.at_least
    return min(1, needed) if one.ask.shard else needed


def _because(failed: Sequence[tuple[str, Suite]], named: str) -> str:
    """`named`: the tests that failed, in words. Where that is not why, the part is named with its own reason."""
    if len(failed) == 1:
        part, suite = failed[0]
        return suite.because if not part or suite.because == named else f"{part}: {suite.because}"
    others = [f"{part}: {suite.because}" for part, suite in failed if suite.because != blamed(suite.cases)]
    return "; ".join(filter(None, (named, *others[:3])))


def _finished(
    one: Wanted, ended: EndedSuite, took: timedelta, clock: Clock, shown: Callable[[str], str]
) -> Iterator[Event]:
    """`took`: by the clock."""
    if not ended.suite.cases:
        yield Warned(at=clock.now(), what=f"suite {ended.suite.name}: its report has 0 tests")
    runs = [each.run for story in ended.stories for each in story.runs]
    told = highlights.finished(ended.suite, clock.now(), took, shown)
    link = next((run.link for run in reversed(runs) if run.link), "")
    yield replace(told, log=str(_log(one, ended)), parts=len(ended.stories), link=link)


def _log(one: Wanted, ended: EndedSuite) -> Path:
    """What to read: of the only part that failed, or the only one there is; else the folder of all."""
    last = [story.runs[-1] for story in ended.stories]
    failed = [each for each in last if not each.passed or each.run.fault] or last
    return failed[0].run.log if len(failed) == 1 else one.order.out


def _kept(ended: Sequence[EndedSuite], out: Path, masks: Masks) -> Path | None:
    if not ended:
        return None
    path = out / REPORT
    own_files.write(path, writer.merged(masks.value(each.suite) for each in ended))
    return path


def _short(suite: Suite) -> str:
    if suite.result is not Result.PASSED:
        return f"{suite.name} failed: {suite.because}"
    counts = {
        "passed": suite.count(CaseResult.PASSED),
        "flaky": sum(case.flaky for case in suite.cases),
        "quarantined": sum(case.quarantined and case.result.bad for case in suite.cases),
        "skipped": suite.count(CaseResult.SKIPPED),
    }
    told = [f"{count} {word}" for word, count in counts.items() if count or (word == "passed" and suite.cases)]
    return f"{suite.name} {', '.join(told) or '0 tests'}"

"""Queue: the pieces of one suite, worked off by runners from a shared queue; each is told as it ends."""

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from davy.pipeline.core.events import Event, LogLine, PartFinished, PartStarted, Result, Warned
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.ports import Clock
from davy.pipeline.suites import attempts
from davy.pipeline.suites.attempts import Again, RetryRules, Story, Try
from davy.pipeline.suites.plan import pieces as expansion
from davy.pipeline.suites.plan.pieces import Piece
from davy.pipeline.suites.ports import ShardRunner, SuiteOrder, SuiteRun, SuiteRunner
from davy.pipeline.suites.reports import files
from davy.pipeline.threads import Crew, Done, Speak, WorkerLine

Runs = tuple[SuiteRun, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteJob:
    """One suite's pieces, and how they are to be run."""

    order: SuiteOrder
    """Of the whole suite."""
    pieces: tuple[Piece, ...]
    """As the queue has them: the first one is begun first."""
    rules: RetryRules
    excused: Callable[[str, str], bool]
    """Says of a cell's name and a case's key whether its failure fails nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Worked:
    """What became of the pieces."""

    stories: tuple[Story, ...]
    """Of those that came to an end, in the order of the pieces."""
    wrong: BaseException | None = None
    """Why not all did: what a place raised, or a KeyboardInterrupt."""
    left: tuple[Piece, ...] = ()
    """Those that did not."""


def worked(
    job: SuiteJob, runners: Sequence[SuiteRunner], crew: Crew[Runs], clock: Clock, shown: Callable[[str], str]
) -> Generator[Event, None, Worked]:
    """Work the queue off. At an interruption, and where a place raises, all runners are stopped and waited for."""
    floor = _Floor(job, runners, crew, clock, shown)
    try:
        while True:
            floor.looked_around()
            yield from floor.begun()
            if not floor.busy:
                break
            word = crew.heard()
            if word is not None:
                yield from floor.told(word)
    except BaseException:
        floor.stopped()
        raise
    yield from floor.left()
    return Worked(stories=floor.stories(), wrong=floor.wrong, left=floor.unfinished())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Turn:
    """A piece's next run."""

    index: int
    """Of the piece in the job."""
    again: Again
    order: SuiteOrder
    since: datetime | None = None


class _Floor:
    """Who works on what. Everything here happens in the listener's thread."""

    def __init__(
        self, job: SuiteJob, runners: Sequence[SuiteRunner], crew: Crew[Runs], clock: Clock, shown: Callable[[str], str]
    ) -> None:
        self._job, self._runners, self._crew, self._clock, self._shown = job, tuple(runners), crew, clock, shown
        self._stories = {
            index: Story(label=_label(job, piece), piece=piece, command=_command(job))
            for index, piece in enumerate(job.pieces)
        }
        self._waiting = [self._turn(index, Again(piece=piece, attempt=1)) for index, piece in enumerate(job.pieces)]
        self._idle = list(range(len(self._runners)))[::-1]
        self.busy: dict[int, tuple[_Turn, ...]] = {}
        self.wrong: BaseException | None = None
        self._gave_up = False

    def looked_around(self) -> None:
        """Notice an interruption. Who is stopping is told so again: a runner may have begun only after the first."""
        if self.wrong is None and self._clock.interrupted():
            self.wrong = KeyboardInterrupt()
        if self.wrong is not None:
            self.stopped()

    def stopped(self) -> None:
        """Stop every runner that works."""
        for worker in self.busy:
            self._runners[worker].stop()

    def begun(self) -> Iterator[Event]:
        """Give each idle runner the next of the queue; one with a queue of its own all that waits."""
        while self._waiting and self._idle and self.wrong is None:
            worker = self._idle.pop()
            runner = self._runners[worker]
            count = len(self._waiting) if isinstance(runner, ShardRunner) else 1
            turns = tuple(replace(turn, since=self._clock.now()) for turn in self._waiting[:count])
            del self._waiting[:count]
            self.busy[worker] = turns
            for turn in turns:
                yield self._started(turn)
            self._crew.begin(worker, partial(_ran, runner, tuple(turn.order for turn in turns)))

    def told(self, word: WorkerLine | Done[Runs]) -> Iterator[Event]:
        """What a word means: a line, or the end of some turns."""
        match word:
            case WorkerLine():
                order = self.busy[word.worker][word.about].order
                source = " ".join(part for part in ("test", order.name, order.part) if part)
                yield LogLine(at=self._clock.now(), source=source, line=self._shown(word.line))
            case Done():
                turns = self.busy.pop(word.worker)
                self._idle.append(word.worker)
                if word.wrong is not None:
                    self.wrong = self.wrong or word.wrong
                for turn, run in zip(turns, word.made or (), strict=False):
                    yield from self._ended(turn, run)

    def left(self) -> Iterator[Event]:
        """Say what was not run, or not again."""
        if self._gave_up:
            name, count = self._job.order.name, attempts.failures(self._stories.values())
            what = f"suite {name}: {count} tests failed, more than its `retries_up_to: {self._job.rules.up_to}`"
            yield Warned(at=self._clock.now(), what=f"{what}; what failed was not tried again")
        over = len(self.stories())
        if self.wrong is not None and len(self._stories) > 1:
            what = f"suite {self._job.order.name} was stopped: {over} of its {len(self._stories)} parts had ended"
            yield Warned(at=self._clock.now(), what=what)

    def stories(self) -> tuple[Story, ...]:
        """Of the pieces that came to an end."""
        return tuple(story for story in self._stories.values() if story.runs and not self._is_open(story))

    def unfinished(self) -> tuple[Piece, ...]:
        """The pieces that did not come to an end."""
        ended = self.stories()
        return tuple(story.piece for story in self._stories.values() if story not in ended)

    def _is_open(self, story: Story) -> bool:
        return self.wrong is not None and self._again(story) is not None

    def _again(self, story: Story) -> Again | None:
        """Its next run, unless so many tests failed that something else is wrong. A fault of the place is no such."""
        again, most = attempts.again(story, self._job.rules), self._job.rules.up_to
        if again is None or story.at_fault or most is None or attempts.failures(self._stories.values()) <= most:
            return again
        self._gave_up = True
        return None

    def _ended(self, turn: _Turn, run: SuiteRun) -> Iterator[Event]:
        self.looked_around()
        if self.wrong is not None and run.exit_code is None:
            return
        now = self._clock.now()
        took = run.took if run.took is not None else now - (turn.since or now)
        before = self._stories[turn.index]
        excused = partial(self._job.excused, before.piece.cell.name)
        story = attempts.told(before, run, took, turn.order.items, excused, found=files.read(run))
        self._stories[turn.index] = story
        again = self._again(story)
        if again is not None and self.wrong is None:
            self._queued(self._turn(turn.index, again))
        yield self._finished(turn, story.runs[-1], is_again=again is not None)

    def _queued(self, turn: _Turn) -> None:
        """Among the waiting where its expected time belongs; what was tried before goes first among equals."""
        expected = turn.again.piece.expected
        at = next((at for at, each in enumerate(self._waiting) if each.again.piece.expected <= expected), None)
        self._waiting.insert(len(self._waiting) if at is None else at, turn)

    def _turn(self, index: int, again: Again) -> _Turn:
        runs = len(self._stories[index].runs)
        order = replace(self._job.order, attempt=again.attempt, failed=again.failed)
        order = expansion.ordered(order, again.piece)
        # Every run has a folder of its own: what an earlier one left is evidence.
        return _Turn(
            index=index, again=again, order=replace(order, out=order.out / f"try-{runs + 1}") if runs else order
        )

    def _started(self, turn: _Turn) -> PartStarted:
        order = turn.order
        return PartStarted(
            at=self._clock.now(),
            suite=order.name,
            part=order.part,
            attempt=order.attempt,
            waiting=len(self._waiting),
        )

    def _finished(self, turn: _Turn, last: Try, *, is_again: bool) -> PartFinished:
        order = turn.order
        return PartFinished(
            at=self._clock.now(),
            suite=order.name,
            part=order.part,
            result=Result.PASSED if last.passed and not last.run.fault else Result.FAILED,
            took=last.suite.took,
            attempt=order.attempt,
            because=self._shown(last.suite.because),
            fault=last.run.fault,
            again=is_again,
            link=last.run.link,
        )


def _ran(runner: SuiteRunner, orders: tuple[SuiteOrder, ...], say: Speak) -> Runs:
    if isinstance(runner, ShardRunner):
        return runner.run_all(orders, say)
    return (runner.run(orders[0], partial(say, 0)),)


def _command(job: SuiteJob) -> str:
    return "k6" if job.order.settings.get("k6") else job.order.run


def _label(job: SuiteJob, piece: Piece) -> str:
    return f"{job.order.name} {piece.name}" if piece.name else job.order.name

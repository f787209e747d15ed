"""Stages: source, preflight, build, test and canary as one story. Pure composition of generators."""

from collections.abc import Callable, Generator, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from davy.pipeline.core.artifacts import Image, Revision
from davy.pipeline.core.endings import Ending
from davy.pipeline.core.errors import DavyError, Unusable
from davy.pipeline.core.events import (
    Event,
    ReleaseFinished,
    ReleaseStarted,
    Result,
    SourceRead,
    Stage,
    StageFinished,
    StageStarted,
    Warned,
)
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.ports import Clock

if TYPE_CHECKING:
    from davy.canary.engine.driver.rollout import Outcome

DIRTY = "the work tree is dirty: what is built is not what is committed"
REMEDIES = {
    Ending.DONE: "",
    Ending.DEFECT: "please report it",
    Ending.UNUSABLE: "mend what is named, then `davy plan` shows what would happen",
    Ending.REJECTED: "read the log named above; no traffic moved",
    Ending.ROLLED_BACK: "stable serves; read the report for what failed, mend it, release again",
    Ending.UNDECIDED: "`davy canary status`, then `davy canary promote`, `abort` or `resume`",
    Ending.UNREACHABLE: "`davy canary status` once it answers; `davy canary resume` goes on where one was running",
    Ending.STUCK: "act by hand: `kubectl rollout status`, `kubectl rollout undo`; then `davy canary resume`",
    Ending.LOCKED_OUT: "`davy canary watch` follows the release that holds it",
    Ending.INTERRUPTED: "`davy canary status` says where traffic is; release again when ready",
}

ALONE = {
    Ending.UNUSABLE: "mend what is named, then look with --dry-run",
    Ending.REJECTED: "read the log named above",
    Ending.UNREACHABLE: "once it answers, run the same again",
    Ending.INTERRUPTED: "run the same again when ready",
}
"""Of `davy build` and `davy test`, which move no traffic."""

GATE = "`davy slo status` shows more; wait, release what mends it, or go on with `--accept-budget WHY`, which is kept"


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """How a part of a release ended; no remedy of its own means the ending's usual one."""

    ending: Ending
    sentence: str
    remedy: str = ""


Story = Generator[Event, None, End]
"""Events, and how it ended."""


class Stages(Protocol):
    """What a release is made of; each may raise any DavyError."""

    @property
    def clock(self) -> Clock:
        """The release's."""
        ...

    def source(self) -> Revision:
        """What git says."""
        ...

    def examine(self) -> tuple[str, ...]:
        """Look at cluster and checks before minutes are spent. The warnings; raises Unusable with every problem."""
        ...

    def gate(self) -> Generator[Event, None, str]:
        """Why the error budgets let no release through, in one line; empty where they do. Raises Unreachable."""
        ...

    def build(self, revision: Revision, /) -> Generator[Event, None, tuple[Image, ...]]:
        """Raises Rejected where a build fails."""
        ...

    def test(self, images: tuple[Image, ...], /) -> Generator[Event, None, str]:
        """What failed, in one line; empty where nothing did."""
        ...

    def canary(self, images: tuple[Image, ...], /) -> Generator[Event, None, "Outcome"]:
        """Raises what the rollout does."""
        ...


def framed(started: ReleaseStarted, clock: Clock, story: Story) -> Iterator[Event]:
    """The story between ReleaseStarted and ReleaseFinished; what davy says no with is an end like any other."""
    yield started
    try:
        end = yield from story
    except Unusable as error:
        end = End(ending=error.ending, sentence="\n".join([error.what, *map(str, error.problems)]), remedy=error.remedy)
    except DavyError as error:
        end = End(ending=error.ending, sentence=error.what, remedy=error.remedy)
    except KeyboardInterrupt:
        sentence = "by Ctrl-C or a signal" if started.part else "interrupted before any traffic moved"
        end = End(ending=Ending.INTERRUPTED, sentence=sentence)
    now = clock.now()
    usual = REMEDIES | ALONE if started.part else REMEDIES
    yield ReleaseFinished(
        at=now,
        ending=end.ending,
        sentence=end.sentence,
        took=now - started.at,
        remedy=end.remedy or usual[end.ending],
    )


def release(stages: Stages) -> Story:
    """The whole way. Preflight comes before the build: bad input is found before minutes are spent."""
    revision = stages.source()
    yield from sourced(revision, stages.clock)
    yield from examined(stages)
    if stop := (yield from gated(stages)) or stopped(stages.clock):
        return stop
    images = yield from stages.build(revision)
    if stop := stopped(stages.clock):
        return stop
    failed = yield from stages.test(images)
    if failed:
        return End(ending=Ending.REJECTED, sentence=f"{failed}; no traffic moved")
    # Again: a build and its tests take their time, and a budget may have begun to burn meanwhile.
    if stop := stopped(stages.clock) or (yield from gated(stages)):
        return stop
    return (yield from canary_stage(stages.clock, lambda: stages.canary(images)))


def gated(stages: Stages) -> Generator[Event, None, End | None]:
    """The end where the error budgets let no release through."""
    refused = yield from stages.gate()
    return End(ending=Ending.REJECTED, sentence=f"{refused}; no traffic moved", remedy=GATE) if refused else None


def sourced(revision: Revision, clock: Clock) -> Iterator[Event]:
    """What git said; a dirty tree is said loudly."""
    yield SourceRead(at=clock.now(), revision=revision)
    if revision.dirty:
        yield Warned(at=clock.now(), what=DIRTY)


def examined(stages: Stages) -> Iterator[Event]:
    """Preflight's warnings. Raises Unusable with every problem."""
    for warning in stages.examine():
        yield Warned(at=stages.clock.now(), what=warning)


def stopped(clock: Clock) -> End | None:
    """The end where a person or the machine asked to stop, before any traffic moved."""
    if not clock.interrupted():
        return None
    return End(ending=Ending.INTERRUPTED, sentence="interrupted before any traffic moved")


def canary_stage(clock: Clock, canary: Callable[[], Generator[Event, None, "Outcome"]]) -> Story:
    """The canary as a stage, whatever way it ends."""
    began = clock.now()
    yield StageStarted(at=began, stage=Stage.CANARY)
    try:
        outcome = yield from canary()
    except KeyboardInterrupt:
        # Ctrl-C for the third time, while traffic was being made safe: no one knows how far that came.
        yield _finished(began, clock.now(), Result.FAILED, "broken off")
        return End(ending=Ending.STUCK, sentence="broken off by a third interruption before traffic was safe")
    except DavyError as error:
        yield _finished(began, clock.now(), Result.FAILED, error.what)
        raise
    result = Result.PASSED if outcome.ending is Ending.DONE else Result.FAILED
    yield _finished(began, clock.now(), result, "promoted" if result is Result.PASSED else "")
    return End(ending=outcome.ending, sentence=outcome.sentence)


def _finished(began: datetime, now: datetime, result: Result, note: str) -> StageFinished:
    return StageFinished(at=now, stage=Stage.CANARY, result=result, took=now - began, note=note)

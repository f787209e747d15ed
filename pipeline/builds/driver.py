"""Driver: the driver that looks every image up by its key and builds what is missing, as parallel as the graph lets.

A generator of events. What it asks and does goes through ports; builds run in threads of their own.
"""

from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from itertools import count
from pathlib import Path
from typing import assert_never

from davy.pipeline.builds import lookup
from davy.pipeline.builds import worker as making
from davy.pipeline.builds.content import graph
from davy.pipeline.builds.content.base_images import HANDS
from davy.pipeline.builds.content.keyed_images import Keyed, Workshop
from davy.pipeline.builds.ports import Built
from davy.pipeline.builds.worker import Approve, Made, Maker, Source, Tools
from davy.pipeline.core.artifacts import Image
from davy.pipeline.core.errors import DavyError, Rejected, Unreachable, Unusable
from davy.pipeline.core.events import (
    BuildAction,
    BuildFailed,
    BuildStarted,
    Event,
    ImageBuilt,
    LogLine,
    Result,
    Stage,
    StageFinished,
    StageStarted,
    Warned,
)
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.ports import Say
from davy.pipeline.registry.ports import Stored
from davy.pipeline.threads import Done, Threads, WorkerLine

FEW = 3
"""So many images are told by name where the stage ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildRequest:
    """What is wanted of a workshop."""

    only: Collection[str] = ()
    """Ids; empty: all."""
    force: bool = False
    """Build also what the registry has."""
    parallel: int = 4
    out: Path = Path("davy-out")


def anything(images: Sequence[Image]) -> Generator[Event, None, None]:  # noqa: ARG001 - the shape of an Approve
    """Nothing is refused."""
    yield from ()


def build(
    prepare: Callable[[], Workshop], wish: BuildRequest, tools: Tools, approve: Approve = anything
) -> Generator[Event, None, tuple[Built, ...]]:
    """Build what has to be; every image that was wished for, in the workshop's order.

    A build that fails stops what is built from it; the others go on, and every failure is told at the end: the stage
    as failed, then Rejected, Unusable or Unreachable with all their words, washed. KeyboardInterrupt once all stopped.
    Tags other than the key's move at the end, when every image is there and `approve` raised nothing: what is refused
    is known by its key alone, and asked about again by the next run.
    """
    began = tools.clock.now()
    yield StageStarted(at=began, stage=Stage.BUILD)
    try:
        story = _Story(prepare(), wish, tools)
        yield from story.told()
        yield from approve(story.images())
        yield from story.settled()
    except DavyError as error:
        lines = [tools.shown(line) for line in error.what.splitlines()] or [""]
        yield _finished(began, tools, Result.FAILED, lines[0])
        if isinstance(error, Rejected):
            raise Rejected("\n".join(lines), remedy=error.remedy) from error
        raise
    except KeyboardInterrupt:
        yield _finished(began, tools, Result.FAILED, "interrupted")
        raise
    made = story.wished()
    yield _finished(began, tools, Result.PASSED, story.note())
    return made


def _finished(began: datetime, tools: Tools, result: Result, note: str) -> StageFinished:
    now = tools.clock.now()
    return StageFinished(at=now, stage=Stage.BUILD, result=result, took=now - began, note=note)


class _Story:
    """One run over a workshop: what is done, what runs, what waits, what failed."""

    def __init__(self, shop: Workshop, wish: BuildRequest, tools: Tools) -> None:
        self._shop, self._wish, self._tools = shop, wish, tools
        self._images = shop.by_id
        self._wanted = tuple(one for one in self._images if not wish.only or one in wish.only)
        self._done: dict[str, Made] = {}
        self._failed: dict[str, DavyError] = {}
        self._lost: set[str] = set()
        """Not built because what they are built from failed."""
        self._crew: Threads[Made] = Threads()
        self._running: dict[int, str] = {}
        """By worker, the id of what it is at."""
        self._began: dict[str, datetime] = {}
        self._because: dict[str, str] = {}
        self._interrupted = False

    def wished(self) -> tuple[Built, ...]:
        """What was asked for, not what it was built from."""
        return tuple(self._done[one].built for one in self._wanted)

    def images(self) -> tuple[Image, ...]:
        """All that the run built or took, also those that others were built from."""
        return tuple(self._done[one].built.image for one in self._images if one in self._done)

    def settled(self) -> Generator[Event, None, None]:
        """Move every image's tags, several at once. Raises as `_together` has it."""
        if self._tools.clock.interrupted():
            raise KeyboardInterrupt
        done = self._done
        waiting = [one for one in done if not making.is_settled(self._images[one], done[one], self._tools)]
        if not waiting:
            return
        with ThreadPoolExecutor(HANDS) as hands:
            ends = tuple(hands.map(self._settled, waiting))
        for end in ends:
            for warning in end if isinstance(end, tuple) else ():
                yield Warned(at=self._tools.clock.now(), what=self._tools.shown(warning))
        wrong = [end for end in ends if isinstance(end, DavyError)]
        if wrong:
            raise wrong[0] if len(wrong) == 1 else _together(wrong, ())

    def _settled(self, image: str) -> tuple[str, ...] | DavyError:
        try:
            return making.settled(self._images[image], self._done[image], self._tools)
        except DavyError as error:
            return error

    def note(self) -> str:
        """What became of them: by name where they are few. Reused is only what no builder was asked for."""
        reused = {one for one in self._wanted if one not in self._because}
        if len(self._wanted) <= FEW:
            return " · ".join(
                f"{self._done[one].built.image.short}{' reused' if one in reused else ''}" for one in self._wanted
            )
        return f"{len(self._wanted)} images: {len(self._wanted) - len(reused)} built, {len(reused)} reused"

    def told(self) -> Generator[Event, None, None]:
        tools, shop = self._tools, self._shop
        for warning in shop.warnings:
            yield Warned(at=tools.clock.now(), what=tools.shown(warning))
        asked = [self._images[one] for one in graph.ancestors(self._wanted, shop.parents)]
        finds = {} if self._wish.force else lookup.found(asked, tools.store)
        for find in finds.values():
            if find.wrong:
                yield Warned(at=tools.clock.now(), what=find.wrong)
        there = {one: find.stored for one, find in finds.items() if find.stored is not None}
        need = graph.needed(self._wanted, there, shop.parents)
        waiting = [self._images[one] for one in need]
        builders = making.chosen([one for one in waiting if one.id not in there], tools)
        yield from self._played(waiting, {**there, **builders})
        self._raised()

    def _played(self, waiting: list[Keyed], sources: Mapping[str, Source]) -> Generator[Event, None, None]:
        while waiting or self._running:
            self._interrupted = self._interrupted or self._tools.clock.interrupted()
            yield from self._begun(waiting, sources)
            if not self._running:
                break
            said = self._crew.heard()
            match said:
                case WorkerLine():
                    source = f"build {self._images[self._running[said.worker]].label}"
                    yield LogLine(at=self._tools.clock.now(), source=source, line=said.line)
                case Done():
                    yield from self._ended(self._running.pop(said.worker), said)
                case None:
                    pass
        if self._interrupted:
            raise KeyboardInterrupt

    def _begun(self, waiting: list[Keyed], sources: Mapping[str, Source]) -> Generator[Event, None, None]:
        """Start whatever may start now; what can never start any more is lost."""
        for keyed in list(waiting):
            source = sources[keyed.id]
            bad = next((one for one in keyed.parents if one in self._failed or one in self._lost), None)
            if isinstance(source, Maker) and bad is not None:
                waiting.remove(keyed)
                self._lost.add(keyed.id)
                yield self._failure(keyed, f"{self._images[bad].label}, which it is built from, was not built")
            elif not self._interrupted and self._may_start(keyed, source):
                waiting.remove(keyed)
                yield from self._start(keyed, source)

    def _may_start(self, keyed: Keyed, source: Source) -> bool:
        match source:
            case Stored():
                return True
            case Maker():
                return len(self._running) < self._wish.parallel and all(one in self._done for one in keyed.parents)

    def _start(self, keyed: Keyed, source: Source) -> Generator[Event, None, None]:
        now = self._tools.clock.now()
        self._began[keyed.id] = now
        match source:
            case Stored():
                self._done[keyed.id] = making.reused(source)
                yield self._image(keyed, self._done[keyed.id], now)
            case Maker():
                self._because[keyed.id] = why = making.because(keyed, self._shop, self._tools, forced=self._wish.force)
                yield BuildStarted(at=now, label=keyed.label, because=self._tools.shown(why))
                parents = {one: self._done[one].built.image for one in keyed.parents}
                job = making.BuildJob(
                    keyed=keyed, parents=parents, maker=source, log=making.log_of(keyed, self._wish.out)
                )
                self._begin(keyed, lambda say: making.built(job, self._tools, say))
            case _:
                assert_never(source)

    def _begin(self, keyed: Keyed, work: Callable[[Say], Made]) -> None:
        worker = next(number for number in count() if number not in self._running)
        self._running[worker] = keyed.id
        self._crew.begin(worker, lambda speak: work(partial(speak, 0)))

    def _ended(self, image: str, said: Done[Made]) -> Generator[Event, None, None]:
        keyed = self._images[image]
        now = self._tools.clock.now()
        match said.wrong:
            case None if said.made is not None:
                self._done[keyed.id] = said.made
                for warning in said.made.warnings:
                    yield Warned(at=now, what=self._tools.shown(warning))
                yield self._image(keyed, said.made, now)
            case DavyError() as error:
                self._failed[keyed.id] = error
                log = str(making.log_of(keyed, self._wish.out)) if keyed.id in self._because else ""
                yield self._failure(keyed, self._tools.shown(error.what.splitlines()[0]), log)
            case KeyboardInterrupt():
                self._interrupted = True
            case BaseException() as defect:
                raise defect

    def _image(self, keyed: Keyed, made: Made, now: datetime) -> ImageBuilt:
        built = keyed.id in self._because
        return ImageBuilt(
            at=now,
            image=made.built.image,
            took=now - self._began[keyed.id],
            cached=made.built.cached,
            label=keyed.label,
            key=keyed.key,
            action=BuildAction.BUILD if built else BuildAction.REUSE,
            because=self._tools.shown(self._because[keyed.id]) if built else "the registry has its key",
        )

    def _failure(self, keyed: Keyed, why: str, log: str = "") -> BuildFailed:
        # A builder's error begins with the image's name, for it may stand alone; here the label says it.
        why = why.removeprefix(f"{keyed.recipe.name} was not built").removeprefix(":").strip()
        return BuildFailed(at=self._tools.clock.now(), label=keyed.label, why=why, log=log)

    def _raised(self) -> None:
        """Every failure in one error; by its kind what a person can mend comes before what only time can."""
        if not self._failed:
            return
        errors = tuple(self._failed.values())
        if len(errors) == 1 and not self._lost:
            raise errors[0]
        raise _together(errors, [self._images[one].label for one in self._images if one in self._lost])


def _together(errors: Sequence[DavyError], lost: Sequence[str]) -> DavyError:
    """Several failures as one: with the words of all, and the kind of the one that a person has to mend first."""
    kinds = (Rejected, Unusable, Unreachable)
    kind = next((kind for kind in kinds if any(isinstance(one, kind) for one in errors)), Rejected)
    lines = [error.what for error in errors]
    lines += [f"Not built, for what they are built from was not: {', '.join(lost)}."] if lost else []
    remedy = next((error.remedy for error in errors if isinstance(error, kind) and error.remedy), "")
    if kind is Unusable:
        problems = tuple(problem for error in errors if isinstance(error, Unusable) for problem in error.problems)
        return Unusable("\n".join(lines), problems=problems, remedy=remedy)
    return kind("\n".join(lines), remedy=remedy)

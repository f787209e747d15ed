"""Twins: the pipeline's ports in memory, for rehearsals and tests. Deterministic; faults are put in by hand."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from davy.pipeline.files import own_files as ownfiles
from davy.pipeline.suites.history import run_file as runfile
from davy.pipeline.builds.content.inputs import Inputs
from davy.pipeline.builds.record import Build, Remembered
from davy.pipeline.core.errors import DavyError
from davy.pipeline.core.artifacts import Image, Revision
from davy.pipeline.builds.ports import BuildOrder, Built
from davy.pipeline.core.ports import Say, unheard
from davy.pipeline.suites.ports import SuiteOrder, SuiteRun, SuiteRunner
from davy.pipeline.suites.history.record import RunRecord
from davy.pipeline.suites.reports import paths as reportpaths

REHEARSED = Revision(sha="0" * 40, committed_at=datetime(2026, 1, 1, tzinfo=UTC), branch="main", version="rehearsal")


@dataclass(slots=True, kw_only=True)
class MemorySource:
    """A work tree that is always at one revision."""

    at: Revision = REHEARSED
    fault: Exception | None = None

    def revision(self) -> Revision:
        """The revision it was given."""
        if self.fault:
            raise self.fault
        return self.at


@dataclass(slots=True, kw_only=True)
class MemoryRecords:
    """The builds that a machine knows of."""

    kept: dict[str, Remembered] = field(default_factory=dict)

    def last(self, recipe: str) -> Build | None:
        """The newest of the image."""
        return self.kept[recipe].build if recipe in self.kept else None

    def inputs(self, recipe: str) -> Inputs | None:
        """What it was made from."""
        return self.kept[recipe].inputs if recipe in self.kept else None

    def keep(self, record: Remembered) -> None:
        """In place of the one before."""
        self.kept[record.build.id] = record


@dataclass(slots=True, kw_only=True)
class MemoryBuilder:
    """Names images by what was ordered: the same order, the same digest, and from the second time on cached."""

    faults: dict[str, Exception] = field(default_factory=dict)
    """By image name, what building it raises."""
    registry: dict[str, BuildOrder] = field(default_factory=dict)
    """By `name@digest`, what was pushed."""
    tags: dict[str, str] = field(default_factory=dict)
    """By `name:tag`, the digest behind it."""
    push: Callable[[str, str, Mapping[str, str]], Image] | None = None
    """Where it pushes to instead: takes name, tag and annotations; the image there."""
    _layers: set[str] = field(default_factory=set)

    def lacks(self, order: BuildOrder) -> tuple[str, ...]:  # noqa: ARG002 - the port names it
        """Nothing."""
        return ()

    def build(self, order: BuildOrder, say: Say) -> Built:
        """Push the order itself."""
        say(f"Step 1/1 : {order.dockerfile}")
        if order.name in self.faults:
            raise self.faults[order.name]
        layers = _digest(
            [order.name, str(order.context), order.dockerfile, order.dockerfile_text, order.args, order.target]
        )
        image = Image(name=order.name, digest=_digest([layers, order.annotations]))
        if self.push:
            image = self.push(order.name, order.tag, order.annotations)
        cached = layers in self._layers
        self._layers.add(layers)
        self.registry[image.reference] = order
        self.tags[f"{order.name}:{order.tag}"] = image.digest
        return Built(image=image, cached=cached)


def _digest(of: list[object]) -> str:
    text = json.dumps(
        of, sort_keys=True, default=lambda value: dict(value) if isinstance(value, Mapping) else str(value)
    )
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What a suite does in memory."""

    exit_code: int | None = 0
    lines: tuple[str, ...] = ()
    junit: str | None = None
    because: str = ""
    files: Mapping[str, bytes] = field(default_factory=dict)
    """By absolute path in the container; those that were asked for are collected."""
    fault: Exception | None = None


@dataclass(slots=True, kw_only=True)
class MemorySuites:
    """Plays a scene by the suite's name; the others pass. The log and files are really written."""

    scenes: Mapping[str, Scene] = field(default_factory=dict)
    act: Callable[[SuiteOrder], Scene] | None = None
    """Instead of scenes: what an order does."""
    stopped: bool = False

    def run(self, order: SuiteOrder, say: Say) -> SuiteRun:
        """Play it."""
        scene = self.act(order) if self.act else self.scenes.get(order.name, Scene())
        if scene.fault:
            raise scene.fault
        log = order.out / "log.txt"
        ownfiles.write(log, "".join(f"{line}\n" for line in scene.lines))
        for line in scene.lines:
            say(line)
        files, reports = [], []
        for path, body in scene.files.items():
            if any(path == asked or path.startswith(f"{asked.rstrip('/')}/") for asked in order.collect):
                target = order.out / "files" / path.strip("/")
                with ownfiles.create(target) as file:
                    file.write(body)
                files.append(target)
        for path, body in scene.files.items():
            if any(reportpaths.means(glob, path) for glob in reportpaths.absolute(order.reports, "/")):
                reports.append(order.out / "reports" / path.strip("/"))
                reports[-1].parent.mkdir(parents=True, exist_ok=True)
                reports[-1].write_bytes(body)
        return SuiteRun(
            exit_code=scene.exit_code,
            junit=scene.junit,
            log=log,
            because=scene.because,
            files=tuple(files),
            reports=tuple(reports),
        )

    def stop(self) -> None:
        """Remember it."""
        self.stopped = True


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryPlace:
    """Takes `most` tries at once, each by a runner of its own."""

    made: Callable[[], SuiteRunner]
    most: int = 256
    left: tuple[str, ...] = ()
    """What a killed runner left there."""

    def slots(self, wanted: int) -> int:
        """At most `most`."""
        return max(1, min(wanted, self.most))

    def runner(self) -> SuiteRunner:
        """A new one each time."""
        return self.made()

    def swept(self) -> tuple[str, ...]:
        """Says what was left."""
        return self.left


@dataclass(slots=True, kw_only=True)
class MemoryArchive:
    """Keeps runs and the bytes of their files."""

    runs: dict[str, RunRecord] = field(default_factory=dict)
    """By name, as a real archive names them."""
    files: dict[str, dict[str, bytes]] = field(default_factory=dict)
    fault: DavyError | None = None

    def keep(self, record: RunRecord, files: Sequence[tuple[str, Path]]) -> str:
        """Over the same run kept before."""
        self._checked()
        name = runfile.name(record)
        self.files[name] = {
            runfile.inside(inside): path.read_bytes()
            for inside, path in files
            if path.is_file() and not path.is_symlink()
        }
        self.runs[name] = record
        return f"memory:{name}"

    def recent(self, most: int, note: Say = unheard) -> tuple[RunRecord, ...]:  # noqa: ARG002 - its are whole
        """Newest first."""
        self._checked()
        return tuple(self.runs[name] for name in sorted(self.runs, reverse=True)[:most])

    def prune(self, before: datetime, keep_at_least: int) -> int:
        """As the others do."""
        self._checked()
        gone = runfile.expired(self.runs, before, keep_at_least)
        for name in gone:
            del self.runs[name], self.files[name]
        return len(gone)

    def _checked(self) -> None:
        if self.fault:
            raise self.fault

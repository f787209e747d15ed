"""Memory: the pipeline's ports in memory, for rehearsals and tests. Deterministic; faults are put in by hand."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from davy.pipeline.core.ports import Say
from davy.pipeline.files import own_files
from davy.pipeline.suites.ports import SuiteOrder, SuiteRun, SuiteRunner
from davy.pipeline.suites.reports import paths


@dataclass(frozen=True, slots=True, kw_only=True)
class MemorySuite:
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

    scenes: Mapping[str, MemorySuite] = field(default_factory=dict)
    act: Callable[[SuiteOrder], MemorySuite] | None = None
    """Instead of scenes: what an order does."""
    stopped: bool = False

    def run(self, order: SuiteOrder, say: Say) -> SuiteRun:
        """Play it."""
        scene = self.act(order) if self.act else self.scenes.get(order.name, MemorySuite())
        if scene.fault:
            raise scene.fault
        log = order.out / "log.txt"
        own_files.write(log, "".join(f"{line}\n" for line in scene.lines))
        for line in scene.lines:
            say(line)
        files, reports = [], []
        for path, body in scene.files.items():
            if any(path == asked or path.startswith(f"{asked.rstrip('/')}/") for asked in order.collect):
                target = order.out / "files" / path.strip("/")
                with own_files.create(target) as file:
                    file.write(body)
                files.append(target)
        for path, body in scene.files.items():
            if any(paths.means(glob, path) for glob in paths.absolute(order.reports, "/")):
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

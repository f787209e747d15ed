"""Ports to where test suites run."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from datetime import timedelta
from pathlib import Path
from typing import Protocol, runtime_checkable

from davy.pipeline.core.artifacts import Image
from davy.pipeline.core.errors import Unusable
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.ports import Say


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteOrder:
    """One try at a suite, or at one part of it: a shard, a cell of its matrix."""

    name: str
    image: Image | None
    """None where no image is tested: a process on this machine, a cloud."""
    run: str
    """For `/bin/sh -c`; `$JUNIT` is where the report belongs."""
    env: Mapping[str, str] = field(default_factory=dict)
    network: str = "bridge"
    memory_bytes: int = 512 * 2**20
    cpus: float = 1.0
    timeout: timedelta = timedelta(minutes=10)
    collect: tuple[str, ...] = ()
    reports: tuple[str, ...] = ()
    """Beside `$JUNIT`: globs of report files, or their folders, relative to where the command starts."""
    out: Path = Path("davy-out")
    """Folder of this try's log, report and collected files; made where it is not there."""
    folder: Path = Path()
    """Of the configuration: where a process starts, and what names in `settings` are relative to."""
    part: str = ""
    """Names the shard or cell among the suite's: `2-of-8`, `chrome-windows`; empty where it is the whole suite."""
    items: tuple[str, ...] = ()
    """Test files it is to run, relative to `folder`: `$DAVY_TESTS`, separated by spaces. Empty: all."""
    shard: tuple[int, int] = (1, 1)
    """Number from 1, and how many: `$DAVY_SHARD` and `$DAVY_SHARDS`."""
    cell: Mapping[str, str] = field(default_factory=dict)
    """Its values of the matrix; `$DAVY_BROWSER` for `browser`."""
    attempt: int = 1
    failed: tuple[str, ...] = ()
    """At a second try, the cases that failed, `classname::name`: `$DAVY_FAILED`, one a line."""
    settings: Mapping[str, object] = field(default_factory=dict)
    """What only this kind of place understands, as the configuration says it."""

    @property
    def within(self) -> Image:
        """The image whose container it runs in. Raises Unusable where none was given."""
        if self.image is None:
            raise Unusable(f"Suite {self.name} runs in a container, and there is no image for it.")
        return self.image


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteRun:
    """What became of it."""

    exit_code: int | None
    """None where it had to be stopped or never began."""
    junit: str | None
    """The report's text; None where none was written, or where it lies in `reports`."""
    log: Path
    because: str = ""
    """Where it did not end by itself: `timed out after 5m`, `out of memory (limit 512 MiB)`, `image pull error: …`."""
    files: tuple[Path, ...] = ()
    link: str = ""
    """Where a person can look at it: the cloud's own page."""
    fault: bool = False
    """True where the place failed and not the test: `because` says how. It may be tried again without a retry spent."""
    reports: tuple[Path, ...] = ()
    """Reports on this machine, instead of `junit`: of any size and number; they are read as they stream."""
    took: timedelta | None = None
    """How long the test itself ran, where the place knows it better than who waits for it."""
    notes: tuple[str, ...] = ()
    """Of its reports, a sentence each: what was not read, and why."""


class SuiteRunner(Protocol):
    """Runs suites somewhere, one try at a time; for several at once there are several runners."""

    def run(self, order: SuiteOrder, say: Say) -> SuiteRun:
        """Raises Unreachable where the place did not answer. A failing suite is a result, no error."""
        ...

    def stop(self) -> None:
        """End what runs and leave nothing behind. May come from another thread, and twice."""
        ...


@runtime_checkable
class ShardRunner(SuiteRunner, Protocol):
    """Runs all shards of a suite at once, as one thing of its own: an Indexed Job."""

    def run_all(self, orders: Sequence[SuiteOrder], say: Callable[[int, str], None]) -> tuple[SuiteRun, ...]:
        """A run for each order, in their order. `say`: which of them, from 0, and its line."""
        ...


class SuitePlace(Protocol):
    """A kind of place that suites run in."""

    def slots(self, wanted: int) -> int:
        """How many tries it takes at once, at least 1: what the account allows. Raises Forbidden, Unreachable."""
        ...

    def runner(self) -> SuiteRunner:
        """A runner of its own for each that works at the same time; a ShardRunner where the place has its own queue."""
        ...

    def swept(self) -> tuple[str, ...]:
        """End what a killed runner of the same service left running there; a sentence for each."""
        ...

"""Ports of the pipeline: clock, source, builder, image store, suite runner, archive. Each call is safe to repeat."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol, runtime_checkable

from davy.pipeline.errors import Unusable
from davy.pipeline.model import Commit, Image, Revision
from davy.pipeline.record import RunRecord
from davy.pipeline.steps import Steps
from davy.pipeline.value import dataclass

Say = Callable[[str], None]
"""Takes one line that a child printed."""


def unheard(_: str) -> None:
    """Says nothing to anybody."""


class Clock(Protocol):
    """The only place time comes from."""

    def now(self) -> datetime:
        """Aware UTC: for what is written down. It may be set, forward and back, while a command runs."""
        ...

    def elapsed(self) -> timedelta:
        """Time since some fixed moment, for every wait and interval. Nobody sets it; a suspended machine's counts."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait; comes back early when `interrupted` turns true."""
        ...

    def interrupted(self) -> bool:
        """True once Ctrl-C or SIGTERM came."""
        ...


class Source(Protocol):
    """The work tree."""

    def revision(self) -> Revision:
        """Raises Unusable where the folder is no git work tree or has no commit."""
        ...


class History(Protocol):
    """The commits of the work tree."""

    def since(self, sha: str, paths: Sequence[Path], most: int) -> tuple[Commit, ...]:
        """The newest commits that `sha` does not hold and that touch one of the paths, at most so many.

        None where this clone does not know `sha`, or where no git is to be asked: they only explain.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildSecret:
    """A secret of a build, by where its value is; the value itself is only read by the adapter."""

    id: str
    env: str | None = None
    file: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildOrder:
    """One image to build and push. What a builder cannot do of it, it says before it starts."""

    name: str
    """Registry and repository."""
    context: Path
    dockerfile: str = "Dockerfile"
    args: Mapping[str, str] = field(default_factory=dict)
    target: str | None = None
    annotations: Mapping[str, str] = field(default_factory=dict)
    """OCI annotations; set as labels of the image and as annotations of its manifest."""
    tag: str = "latest"
    """The tag pushed with; from there on the digest is the name."""
    dockerfile_text: str | None = None
    """What to build by in place of the file's own text: the same with its bases pinned to digests."""
    files: Mapping[str, tuple[str, str]] | None = None
    """Of the context, what belongs to the build: by path, (mode, blob id) that its key counts, as git writes them.

    The disk's mode does not matter: it is another one where git keeps no modes. Other content than the id's is not
    built; an empty id is held against nothing. None: as `.dockerignore` says."""
    contexts: Mapping[str, Path] = field(default_factory=dict)
    """Further folders, by the name the Dockerfile uses."""
    context_files: Mapping[str, Mapping[str, tuple[str, str]]] = field(default_factory=dict)
    """Of each further folder, the same; one that is not named here is taken as it is."""
    platforms: tuple[str, ...] = ()
    """Empty: the builder's own."""
    secrets: tuple[BuildSecret, ...] = ()
    ssh: tuple[str, ...] = ()
    steps: Steps = field(default_factory=Steps)
    """In what surroundings they run."""
    no_cache: bool = False
    """True: no step is taken from a builder's cache."""
    cache_from: tuple[str, ...] = ()
    """As buildx writes them: `type=registry,ref=…`."""
    cache_to: tuple[str, ...] = ()
    sbom: bool = False
    sbom_scanner: str = ""
    """The image that makes it; empty: the builder's own."""
    provenance: str = "off"
    """`off`, `min` or `max`."""
    epoch: int | None = None
    """SOURCE_DATE_EPOCH: seconds since 1970 that every timestamp of the image is set to."""
    limit: timedelta = timedelta(minutes=30)
    """A build, and a push, that takes longer is stopped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """A pushed image."""

    image: Image
    cached: bool
    """True where no layer had to be made."""


class Builder(Protocol):
    """Makes images and puts them into the registry. May be asked by several threads at once."""

    def lacks(self, order: BuildOrder) -> tuple[str, ...]:
        """What of the order it cannot do, a sentence each; empty: it can. Raises Missing where it is not there."""
        ...

    def build(self, order: BuildOrder, say: Say) -> Built:
        """Raises Rejected where the build fails, Unusable on bad input, Forbidden without rights, Unreachable."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Something said of an image, kept in the registry beside it as an OCI referrer."""

    kind: str
    """The artifact's type: `application/vnd.in-toto+json`, `application/vnd.davy.verdict.v1+json`, …"""
    body: bytes
    media_type: str = "application/json"
    annotations: Mapping[str, str] = field(default_factory=dict)
    digest: str = ""
    """Of its manifest, once it is in the registry."""


class WorkTree(Protocol):
    """The files that builds read, by their content and without reading what git knows already."""

    def entries(
        self, folder: Path, keeps: Callable[[str], bool], enters: Callable[[str], bool]
    ) -> Mapping[str, tuple[str, str]]:
        """Every file below it that is kept, also untracked and ignored ones: (mode, blob id) by path relative to it.

        `keeps` is asked with a file's path, `enters` with a folder's: False where nothing below it is kept. Only what
        is kept is read. Raises Unusable with every file that cannot be read, Missing without git.
        """
        ...

    def target(self, path: Path) -> str:
        """Where a link of the entries points to. Raises Unusable where it cannot be read."""
        ...

    def text(self, path: Path) -> str | None:
        """What a small file says, bytes that are no UTF-8 as lone surrogates; None where it is not there.

        Raises Unusable where it is no file.
        """
        ...

    def own_text(self, path: Path, folder: Path) -> str | None:
        """The same of a file that must lie in the work tree of `folder`, or in `folder` where that is in none.

        Raises Unusable also where it does not, after links were followed: what is said of it may be read by anybody.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """An image as the registry holds it."""

    image: Image
    annotations: Mapping[str, str] = field(default_factory=dict)
    """Of its manifest, or of its index."""


class ImageStore(Protocol):
    """A registry's images. Tags are moved and images copied without a pull. Asked by several threads at once."""

    def digest(self, name: str, reference: str) -> str | None:
        """Of a tag or digest; None where there is none. Raises Forbidden, Unreachable."""
        ...

    def stored(self, name: str, reference: str) -> Stored | None:
        """The image behind a tag or digest with what it says of itself, in one question; None where there is none.

        Raises Forbidden, Unreachable.
        """
        ...

    def manifest(self, image: Image) -> bytes:
        """The manifest as the registry holds it. Raises Missing, Forbidden, Unreachable."""
        ...

    def held_back(self, image: Image) -> tuple[str, ...]:
        """What it holds back by ONBUILD for whatever is made on it, an instruction each; of its first platform.

        Raises Missing, Forbidden, Unreachable.
        """
        ...

    def tag(self, image: Image, tags: Sequence[str]) -> None:
        """Put the same manifest under more tags. Raises Missing, Forbidden, Unreachable."""
        ...

    def copy(self, image: Image, name: str) -> Image:
        """The very same image under another name, also on another registry, with all its platforms."""
        ...

    def attach(self, subject: Image, evidence: Evidence) -> str:
        """Put it beside the image; the digest of its manifest. The same twice is there once."""
        ...

    def attached(self, subject: Image, kind: str = "") -> tuple[Evidence, ...]:
        """What was put beside the image, of one kind or all; oldest first where they say when."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanOrder:
    """One image to be scanned, by a command of the user's."""

    image: Image
    run: str
    """For `/bin/sh -c`; `$IMAGE` is the image by digest, `$REPORT` where the report belongs."""
    report: Path
    folder: Path = Path()
    """Where it starts."""
    limit: timedelta = timedelta(minutes=10)


class Scanner(Protocol):
    """Runs scanners. What they found is in the report, and is no matter of this port."""

    def scan(self, order: ScanOrder, say: Say) -> int | None:
        """Its exit code; None where it took too long. A report of an earlier run is gone before it starts.

        Raises KeyboardInterrupt where it was stopped because nobody wants it any more.
        """
        ...


class Signer(Protocol):
    """Signs images, and says whether they are signed."""

    def sign(self, image: Image) -> None:
        """Raises Missing without the tool, Rejected with its words where it fails."""
        ...

    def verify(self, image: Image) -> str:
        """Empty: it is signed as it should be. Otherwise why not, in one line. Raises Missing, Unusable."""
        ...


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


class Archive(Protocol):
    """Where the results of runs are kept."""

    def keep(self, record: RunRecord, files: Sequence[tuple[str, Path]]) -> str:
        """Keep the record and the files (their names there, and where they are now); where that is, for people."""
        ...

    def recent(self, most: int, note: Say = unheard) -> tuple[RunRecord, ...]:
        """The newest runs of the service, newest first; a record that cannot be read is left out, and noted."""
        ...

    def prune(self, before: datetime, keep_at_least: int) -> int:
        """Delete older runs; how many."""
        ...

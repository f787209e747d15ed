"""Ports of the pipeline: clock, source, builder, suite runner. In the pipeline's words, each call safe to repeat."""

from collections.abc import Callable, Mapping
from dataclasses import field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from davy.pipeline.model import Image, Revision
from davy.pipeline.value import dataclass

Say = Callable[[str], None]
"""Takes one line that a child printed."""


class Clock(Protocol):
    """The only place time comes from."""

    def now(self) -> datetime:
        """Aware UTC."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildOrder:
    """One image to build and push."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """A pushed image."""

    image: Image
    cached: bool
    """True where no layer had to be made."""


class Builder(Protocol):
    """Makes images and puts them into the registry."""

    def build(self, order: BuildOrder, say: Say) -> Built:
        """Raises Rejected where the build fails, Unusable on bad input, Forbidden without rights, Unreachable."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteOrder:
    """One suite to run in a container of `image`."""

    name: str
    image: Image
    run: str
    """For `/bin/sh -c`; `$JUNIT` is where the report belongs."""
    env: Mapping[str, str] = field(default_factory=dict)
    network: str = "bridge"
    memory_bytes: int = 512 * 2**20
    cpus: float = 1.0
    timeout: timedelta = timedelta(minutes=10)
    collect: tuple[str, ...] = ()
    out: Path = Path("davy-out")
    """Folder of this suite's log, report and collected files; made where it is not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteRun:
    """What became of it."""

    exit_code: int | None
    """None where it had to be stopped or never began."""
    junit: str | None
    """The report's text; None where none was written."""
    log: Path
    because: str = ""
    """Where it did not end by itself: `timed out after 5m`, `out of memory (limit 512 MiB)`, `image pull error: …`."""
    files: tuple[Path, ...] = ()


class SuiteRunner(Protocol):
    """Runs a suite somewhere."""

    def run(self, order: SuiteOrder, say: Say) -> SuiteRun:
        """Raises Unreachable where the place did not answer. A failing suite is a result, no error."""
        ...

    def stop(self) -> None:
        """End what runs and leave nothing behind."""
        ...

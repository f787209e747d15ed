"""Ports to what every part of a release needs: the time, the work tree and its commits, the archive of runs."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from davy.pipeline.core.artifacts import Commit, Revision
from davy.pipeline.suites.history.record import RunRecord

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


class Rules(Protocol):
    """What a context leaves out. Asked of what is right in one folder, all at once; paths are the context's."""

    def kept(self, files: Sequence[str]) -> Sequence[str]:
        """Those of the files that are part of it, in their order."""
        ...

    def entered(self, folders: Sequence[str]) -> Sequence[str]:
        """Those of the folders in which anything may be part of it, in their order."""
        ...


class WorkTree(Protocol):
    """The files that builds read, by their content and without reading what git knows already."""

    def entries(self, folder: Path, rules: Rules) -> Mapping[str, tuple[str, str]]:
        """Every file below it that is kept, also untracked and ignored ones: (mode, blob id) by path relative to it.

        Only what is kept is read. Raises Unusable with every file that cannot be read, Missing without git.
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

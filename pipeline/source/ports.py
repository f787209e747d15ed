"""Ports to the work tree and its commits."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from davy.pipeline.core.artifacts import Commit, Revision


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


class ContextRules(Protocol):
    """What a context leaves out. Asked of what is right in one folder, all at once; paths are the context's."""

    def kept(self, files: Sequence[str]) -> Sequence[str]:
        """Those of the files that are part of it, in their order."""
        ...

    def entered(self, folders: Sequence[str]) -> Sequence[str]:
        """Those of the folders in which anything may be part of it, in their order."""
        ...


class WorkTree(Protocol):
    """The files that builds read, by their content and without reading what git knows already."""

    def entries(self, folder: Path, rules: ContextRules) -> Mapping[str, tuple[str, str]]:
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

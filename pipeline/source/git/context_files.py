"""Context files: one context's files, by git's ids: what git knows to be unchanged is not read, all else is.

What lies behind a link is no part of it: a link counts by where it points. A folder of which nothing is kept is passed
over as a whole, however many files git knows in it.
"""

import errno
import os
import stat
from collections.abc import Sequence
from typing import Protocol

from davy.pipeline.core.errors import Problem
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.source import object_id
from davy.pipeline.source.git.listing import Listing
from davy.pipeline.source.ports import ContextRules

Entry = tuple[str, str]
"""Mode and id."""
PIECE = 2**20
LINK, FILE, PROGRAM = "120000", "100644", "100755"
GIT = ".git"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How git would name what it does not know yet."""

    format: str = "sha1"
    executable: bool = True


class Tree(Protocol):
    """What contexts share."""

    def listed(self, place: str) -> Listing | None:
        """What git says of the work tree that holds the folder; None outside of any."""
        ...

    def is_link(self, path: str) -> bool:
        """Whether what should be a folder is a link."""
        ...


class ContextFiles:
    """Gathers. `found` and `problems` are complete once `add` has returned."""

    def __init__(self, tree: Tree, rules: ContextRules) -> None:
        self._tree, self.rules = tree, rules
        self.is_link = tree.is_link
        self._waiting: list[tuple[str, str, Manner]] = []
        """Folders that git does not know: place, prefix and manner."""
        self.found: dict[str, Entry] = {}
        self.problems: list[Problem] = []

    def add(self, place: str) -> None:
        """What is below `place`, an absolute folder that no link leads to."""
        self._add(place, "")
        while self._waiting:
            self._walk(*self._waiting.pop())

    def _add(self, place: str, prefix: str) -> None:
        known = self._tree.listed(place)
        if known is None:
            self._waiting.append((place, prefix, Manner()))
            return
        inside = os.path.relpath(place, known.root)
        below = "" if inside == "." else inside + "/"
        if _is_unknown(below, known):
            self._waiting.append((place, prefix, _manner(known)))
            return
        _Tracked(self, known, below, prefix).add()
        for folder in known.folders:
            if folder.startswith(below):
                self._untracked(folder.rstrip("/"), known, below, prefix)

    def _untracked(self, folder: str, known: Listing, below: str, prefix: str) -> None:
        """Those above it may be left out already."""
        name, place = prefix + folder[len(below) :], os.path.join(known.root, folder)
        at = len(below) - 1
        while (at := folder.find("/", at + 1)) >= 0:
            above = prefix + folder[len(below) : at]
            # Links are no folders.
            if not self._enters(above) or self.is_link(os.path.join(known.root, folder[:at])):
                return
        self.read(place, name, _manner(known))

    def _enters(self, name: str) -> bool:
        return bool(self.rules.entered((name,)))

    def enter(self, place: str, name: str, manner: Manner) -> None:
        """A folder; one with a `.git` that git takes is asked of its own git, another one is walked."""
        if not self._enters(name):
            return
        if os.path.lexists(os.path.join(place, GIT)):
            own = self._tree.listed(place)
            if own is not None and own.root == place:
                self._add(place, name + "/")
                return
        self._waiting.append((place, name + "/", manner))

    def _walk(self, place: str, prefix: str, manner: Manner) -> None:
        try:
            with os.scandir(place) as listed:
                names = sorted(child.name for child in listed if child.name != GIT)
        except OSError as error:
            self.problems.append(Problem(what=f"cannot be read: {error.strerror}", file=place))
            return
        for name in names:
            self.read(os.path.join(place, name), prefix + name, manner)

    def read(self, path: str, name: str, manner: Manner, mode: str = "") -> None:
        """A file by its content; one that is not there, or is no file, is left out. `mode`: git's, over the disk's."""
        try:
            seen = os.lstat(path)
            if stat.S_ISDIR(seen.st_mode):
                self.enter(path, name, manner)
            elif not self.rules.kept((name,)):
                return
            elif stat.S_ISLNK(seen.st_mode):
                self.found[name] = (LINK, object_id.blob(os.fsencode(os.readlink(path)), manner.format))
            elif stat.S_ISREG(seen.st_mode):
                of_disk = PROGRAM if manner.executable and seen.st_mode & stat.S_IXUSR else FILE
                self.found[name] = (mode or of_disk, _blob_of(path, seen.st_size, manner.format))
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            self.problems.append(Problem(what=f"cannot be read: {error.strerror}", file=path))


class _Tracked:
    """What one work tree's index says of a context, folder by folder."""

    def __init__(self, files: ContextFiles, known: Listing, below: str, prefix: str) -> None:
        self._files, self._known, self._below, self._prefix = files, known, below, prefix
        self._manner = _manner(known)

    def add(self) -> None:
        """All that is below."""
        waiting = [self._below.rstrip("/")]
        while waiting:
            here = self._known.inner.get(waiting.pop())
            if here is None:
                continue
            if here.files:
                kept = self._files.rules.kept(self._names(tuple(here.files)))
                self._files.found |= zip(kept, map(here.files.__getitem__, self._paths(kept)), strict=True)
            for path, name in zip(here.unsure, self._names(here.unsure), strict=True):
                place = os.path.join(self._known.root, path)
                self._files.read(place, name, self._manner, self._known.modes.get(path, ""))
            if here.folders:
                inside = self._paths(self._files.rules.entered(self._names(here.folders)))
                waiting += (one for one in inside if not self._files.is_link(os.path.join(self._known.root, one)))

    def _names(self, paths: Sequence[str]) -> Sequence[str]:
        """In the context, of paths from the root."""
        if not (self._below or self._prefix):
            return paths
        prefix, length = self._prefix, len(self._below)
        return [prefix + path[length:] for path in paths]

    def _paths(self, names: Sequence[str]) -> Sequence[str]:
        """From the root, of names in the context."""
        if not (self._below or self._prefix):
            return names
        below, length = self._below, len(self._prefix)
        return [below + name[length:] for name in names]


def _is_unknown(below: str, known: Listing) -> bool:
    """Whether git lists nothing in the folder: it, or one above, is untracked, or a submodule or file to it."""
    above = [below[:at] for at, character in enumerate(below) if character == "/"]
    return any(folder in known.entries for folder in above) or any(below.startswith(one) for one in known.folders)


def _manner(known: Listing) -> Manner:
    return Manner(format=known.format, executable=known.executable)


def _blob_of(path: str, size: int, format_: str) -> str:
    """Git's id of a file, read in pieces. Raises OSError where it grows or shrinks meanwhile."""
    made, read = object_id.begun(size, format_), 0
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        while piece := file.read(PIECE):
            made.update(piece)
            read += len(piece)
            if read > size:
                break
    if read != size:
        raise OSError(errno.EBUSY, "it changes while it is read")
    return made.hexdigest()

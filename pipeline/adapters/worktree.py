"""Work tree: every file of a context by git's id of its content; what git knows to be unchanged is not read.

A file that differs from the index, is untracked or ignored is read and named as git would name it, so that a commit
changes no id. Where git may keep other bytes than the file has (line endings, filters, LFS) the file is read, too.
"""

import errno
import os
import stat
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from davy.pipeline.adapters.gitlisting import Listing, listing
from davy.pipeline.builds import gitids
from davy.pipeline.errors import Problem, Unusable
from davy.pipeline.value import dataclass

Keeps = Callable[[str], bool]
MOST_TEXT = 2**20
"""Bytes of a Dockerfile or a `.dockerignore`; more is no such file."""
PIECE = 2**20
LINK, FILE, PROGRAM = "120000", "100644", "100755"


class GitWorkTree:
    """Files of folders, in a git work tree or not. Git is asked once for each work tree."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._listings: dict[str, Listing] = {}
        self._roots: dict[str, str] = {}

    def entries(self, folder: Path, keeps: Keeps, enters: Keeps) -> Mapping[str, tuple[str, str]]:
        """As the port says. `.git` is never part of it: it is another one in each clone."""
        place = os.path.realpath(folder)
        if not os.path.isdir(place):
            what = "is no folder" if os.path.lexists(place) else "is not there"
            raise Unusable(f"The context {folder} {what}.", remedy="See `context` and `contexts` of the image.")
        gathering = _Gathering(self, keeps, enters)
        gathering.add(place, "")
        if gathering.problems:
            raise Unusable(f"{folder} holds files that cannot be read.", problems=tuple(gathering.problems))
        return gathering.found

    def target(self, path: Path) -> str:
        """As the port says. With `core.symlinks=false` git leaves a file that holds it."""
        try:
            return os.readlink(path) if os.path.islink(path) else self.text(path) or ""
        except OSError as error:
            raise _unusable(path, f"cannot be read: {error.strerror}") from error

    def text(self, path: Path) -> str | None:
        """As the port says."""
        try:
            with path.open("rb") as file:
                content = file.read(MOST_TEXT + 1)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise _unusable(path, f"cannot be read: {error.strerror}") from error
        if len(content) > MOST_TEXT:
            raise _unusable(path, "is larger than 1 MiB")
        try:
            return content.decode()
        except UnicodeDecodeError as error:
            raise _unusable(path, f"is not UTF-8 text (byte {error.start})") from error

    def listed(self, place: str) -> Listing | None:
        """What git says of the work tree that holds the folder; None outside of any."""
        root = self._root(place)
        if not root:
            return None
        if root not in self._listings:
            self._listings[root] = listing(root, self._environment)
        return self._listings[root]

    def _root(self, place: str) -> str:
        """The nearest folder above, or itself, that holds `.git`."""
        if place not in self._roots:
            above = os.path.dirname(place)
            here = os.path.lexists(os.path.join(place, ".git"))
            self._roots[place] = place if here else self._root(above) if above != place else ""
        return self._roots[place]


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How git would name what it does not know yet."""

    format: str = "sha1"
    executable: bool = True


def _manner(known: Listing) -> Manner:
    return Manner(format=known.format, executable=known.executable)


class _Gathering:
    """One context's files."""

    def __init__(self, tree: GitWorkTree, keeps: Keeps, enters: Keeps) -> None:
        self._tree, self._keeps, self._enters = tree, keeps, enters
        self.found: dict[str, tuple[str, str]] = {}
        self.problems: list[Problem] = []

    def add(self, place: str, prefix: str) -> None:
        """What is below `place`, an absolute folder, under `prefix` in the context."""
        known = self._tree.listed(place)
        if known is None:
            self._walk(place, prefix, Manner())
            return
        inside = os.path.relpath(place, known.root)
        below = "" if inside == "." else inside + "/"
        if any(below.startswith(folder) for folder in known.folders):
            self._walk(place, prefix, _manner(known))
            return
        self._add_tracked(known, below, prefix)
        for folder in _starting(known.folders, below):
            self._walk_in(folder, known, below, prefix)

    def _add_tracked(self, known: Listing, below: str, prefix: str) -> None:
        keeps, found, length, manner = self._keeps, self.found, len(below), _manner(known)
        for path in _starting(known.paths, below):
            name = prefix + path[length:]
            if not keeps(name):
                continue
            entry = known.entries[path]
            if entry is not None:
                found[name] = entry
            else:
                self._read(os.path.join(known.root, path), name, manner, known.modes.get(path, ""))
        for path in _starting(known.modules, below):
            self._enter(os.path.join(known.root, path), prefix + path[length:])

    def _walk_in(self, folder: str, known: Listing, below: str, prefix: str) -> None:
        """An untracked folder; those above it may be left out already."""
        name = prefix + folder[len(below) :].rstrip("/")
        if self._enters_all(name):
            self._enter(os.path.join(known.root, folder.rstrip("/")), name, _manner(known))

    def _enters_all(self, name: str) -> bool:
        parts = name.split("/")
        return all(self._enters("/".join(parts[: count + 1])) for count in range(len(parts)))

    def _enter(self, place: str, name: str, manner: Manner | None = None) -> None:
        """A folder with a `.git` of its own is asked of its own git; another one is walked."""
        if not os.path.isdir(place) or os.path.islink(place) or not self._enters(name):
            return
        if os.path.lexists(os.path.join(place, ".git")):
            self.add(place, name + "/")
        elif manner:
            self._walk(place, name + "/", manner)

    def _walk(self, place: str, prefix: str, manner: Manner) -> None:
        try:
            with os.scandir(place) as listed:
                children = sorted(listed, key=lambda child: child.name)
        except OSError as error:
            self.problems.append(Problem(what=f"cannot be read: {error.strerror}", file=place))
            return
        for child in children:
            if child.name == ".git":
                continue
            name = prefix + child.name
            if child.is_dir(follow_symlinks=False):
                self._enter(child.path, name, manner)
            elif self._keeps(name):
                self._read(child.path, name, manner)

    def _read(self, path: str, name: str, manner: Manner, mode: str = "") -> None:
        """A file by its content; one that is not there, or is no file, is left out. `mode`: git's, over the disk's."""
        try:
            seen = os.lstat(path)
            if stat.S_ISLNK(seen.st_mode):
                self.found[name] = (LINK, gitids.blob(os.fsencode(os.readlink(path)), manner.format))
            elif stat.S_ISREG(seen.st_mode):
                of_disk = PROGRAM if manner.executable and seen.st_mode & stat.S_IXUSR else FILE
                self.found[name] = (mode or of_disk, _blob_of(path, seen.st_size, manner.format))
            elif stat.S_ISDIR(seen.st_mode):
                # A file of the index that is a folder now.
                self._enter(path, name, manner)
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            self.problems.append(Problem(what=f"cannot be read: {error.strerror}", file=path))


def _blob_of(path: str, size: int, format_: str) -> str:
    """Git's id of a file, read in pieces. Raises OSError where it grows or shrinks meanwhile."""
    made, read = gitids.begun(size, format_), 0
    with open(path, "rb") as file:
        while piece := file.read(PIECE):
            made.update(piece)
            read += len(piece)
    if read != size:
        raise OSError(errno.EBUSY, "it changes while it is read")
    return made.hexdigest()


def _starting(names: list[str], beginning: str) -> Iterator[str]:
    """Of sorted names those that begin so."""
    at = bisect_left(names, beginning)
    while at < len(names) and names[at].startswith(beginning):
        yield names[at]
        at += 1


def _unusable(path: Path, what: str) -> Unusable:
    return Unusable(f"{path} {what}.", problems=(Problem(what=what, file=str(path)),))

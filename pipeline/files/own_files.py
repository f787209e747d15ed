"""Own files: what davy writes, in folders that repositories and tests may have filled. Nothing goes through a link.

Every folder on the way is opened from the one above it and is refused where it is a link; a file is always made anew,
so whatever lay there under its name (a link, a pipe, another name of a file elsewhere) is not written to.
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from pathlib import Path
from typing import BinaryIO, TextIO

from davy.pipeline.core.errors import Unusable
from davy.pipeline.files import plain_file

HOLD = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_CLOEXEC
"""Folders above may be entered without being read."""
ONLY = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
"""No link, and no pipe that is waited for."""
PIECE = 2**20
NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | ONLY


class Unwritable(Unusable, OSError):
    """A file or folder of davy's own that cannot be written; an OSError for those who can do without it."""

    def __init__(self, path: Path, error: OSError) -> None:
        is_link = error.errno == errno.ELOOP
        words = f"{path.name} is a link" if error.strerror == os.strerror(errno.ELOOP) else error.strerror or str(error)
        remedy = "Remove what lies there" if is_link else "Check the owner and mode of its folder"
        Unusable.__init__(
            self, f"{path} cannot be written: {words}.", remedy=f"{remedy}, or name another folder with --out."
        )
        self.errno, self.strerror, self.filename = error.errno, words, str(path)

    def __str__(self) -> str:
        return self.what


def followed(folder: Path) -> Path:
    """A folder that a user names may be a link, or lie behind one: followed here once, and no more after it."""
    real = os.path.realpath(folder)
    return folder if real == os.path.abspath(folder) else Path(real)


def make_folder(path: Path) -> None:
    """With all above it. Raises Unwritable, also where one of them is a link."""
    with _writing(path), inside(path, make=True):
        pass


def create(path: Path, *, mode: int = 0o666) -> BinaryIO:
    """A new file in place of what has the name, its folder made. Raises Unwritable."""
    with _writing(path), inside(path.parent, make=True) as folder:
        with suppress(FileNotFoundError):
            os.unlink(path.name, dir_fd=folder)
        return os.fdopen(os.open(path.name, NEW, mode, dir_fd=folder), "wb")


def create_text(path: Path) -> TextIO:
    """The same, for text."""
    return TextIOWrapper(create(path), encoding="utf-8")


def append(path: Path) -> TextIO:
    """A file that is there already, to be gone on with. Raises Unwritable, also where it has another name elsewhere."""
    with _writing(path), inside(path.parent) as folder:
        handle = os.open(path.name, os.O_WRONLY | os.O_APPEND | ONLY, dir_fd=folder)
        _refuse_other(handle, path.name)
        return TextIOWrapper(os.fdopen(handle, "ab"), encoding="utf-8")


def keep_open(path: Path) -> int:
    """The handle of a file that stays, made where it is not there. Raises Unwritable, also where it is an other's."""
    with _writing(path), inside(path.parent, make=True) as folder:
        handle = os.open(path.name, os.O_RDWR | os.O_CREAT | ONLY, 0o644, dir_fd=folder)
        _refuse_other(handle, path.name)
        return handle


def write(path: Path, text: str) -> None:
    """The whole file. Raises Unwritable."""
    with _writing(path), create(path) as file:
        file.write(text.encode())


def copy(source: Path, path: Path) -> None:
    """A plain file's content. Raises Unwritable, and OSError where the source is none."""
    with plain_file.open_file(source) as content, create(path) as file, _writing(path):
        while piece := content.read(PIECE):
            file.write(piece)


def replace(path: Path, text: str) -> None:
    """Whole or not at all: written beside, then put in its place. Raises Unwritable."""
    beside = f".{path.name}.{os.urandom(4).hex()}"
    with _writing(path), inside(path.parent, make=True) as folder:
        try:
            with os.fdopen(os.open(beside, NEW, 0o666, dir_fd=folder), "wb") as file:
                file.write(text.encode())
            os.replace(beside, path.name, src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException:
            with suppress(OSError):
                os.unlink(beside, dir_fd=folder)
            raise


def remove(path: Path) -> None:
    """The file or the link itself, where there is one. Raises Unwritable."""
    with _writing(path), suppress(FileNotFoundError, NotADirectoryError), inside(path.parent) as folder:
        os.unlink(path.name, dir_fd=folder)


@contextmanager
def inside(path: Path, *, make: bool = False) -> Iterator[int]:
    """The folder's handle. Raises OSError where it, or one above it, is a link, no folder, or not there."""
    held = os.open(path.anchor or ".", HOLD)
    try:
        for part in path.parts[bool(path.anchor) :]:
            inner = step(held, part, make=make)
            os.close(held)
            held = inner
        yield held
    finally:
        os.close(held)


def step(folder: int, name: str, *, make: bool = False) -> int:
    """The handle of a folder in a folder, which is no link."""
    if make:
        with suppress(FileExistsError):
            os.mkdir(name, dir_fd=folder)
    try:
        return os.open(name, HOLD | os.O_NOFOLLOW, dir_fd=folder)
    except OSError as error:
        if error.errno in (errno.ENOTDIR, errno.ELOOP) and _is_link(name, folder):
            raise OSError(errno.ELOOP, f"{name} is a link, and nothing is read or written through one") from error
        raise


def _refuse_other(handle: int, name: str) -> None:
    """What has another name elsewhere is somebody else's, too. Closes it then."""
    seen = os.fstat(handle)
    if not stat.S_ISREG(seen.st_mode) or seen.st_nlink > 1:
        os.close(handle)
        raise OSError(errno.EMLINK, f"{name} is no plain file of one name")


def _is_link(name: str, folder: int) -> bool:
    with suppress(OSError):
        return stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
    return False


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except Unwritable:
        raise
    except OSError as error:
        raise Unwritable(path, error) from error

"""Folder: one that is held open; what is below it is opened, made and linked without going through any link."""

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from davy.pipeline.files import own_files


class Folder:
    """Names are relative to it and written with slashes. Everything raises OSError. The folder itself may be a link."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._root = os.open(path, own_files.HOLD)
        self._last: tuple[str, int] | None = None
        """The folder that the last name was in: names come folder by folder."""

    def __enter__(self) -> "Folder":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._forget()
        os.close(self._root)

    def open(self, name: str) -> BinaryIO:
        """A plain file, to be read."""
        folder, last = self._held(name)
        try:
            handle = os.open(last, os.O_RDONLY | own_files.ONLY, dir_fd=folder)
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise OSError(errno.ELOOP, "it became a link while it was built") from error
            raise
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            raise OSError(errno.ENOTSUP, "is no file any more")
        return os.fdopen(handle, "rb")

    def pointed(self, name: str) -> str | None:
        """Where the link points to; None where it is none."""
        folder, last = self._held(name)
        try:
            return os.readlink(last, dir_fd=folder)
        except OSError as error:
            if error.errno == errno.EINVAL:
                return None
            raise

    def create(self, name: str) -> BinaryIO:
        """A file that was not there, with the folders that it is in."""
        folder, last = self._held(name, make=True)
        return os.fdopen(os.open(last, own_files.NEW, 0o600, dir_fd=folder), "wb")

    def link(self, name: str, to: str) -> None:
        """A link that was not there, with the folders that it is in."""
        folder, last = self._held(name, make=True)
        os.symlink(to, last, dir_fd=folder)

    def date(self, name: str, epoch: int) -> None:
        """Set the times of a file or link."""
        folder, last = self._held(name)
        os.utime(last, (epoch, epoch), dir_fd=folder, follow_symlinks=False)

    def _held(self, name: str, *, make: bool = False) -> tuple[int, str]:
        above, _, last = name.rpartition("/")
        parts = above.split("/") if above else []
        if name.startswith("/") or not {"", ".", ".."}.isdisjoint([*parts, last]):
            raise OSError(errno.EINVAL, "leads out of the context")
        if not parts:
            return self._root, last
        if self._last is None or self._last[0] != above:
            held = self._stepped(parts, make=make)
            self._forget()
            self._last = (above, held)
        return self._last[1], last

    def _stepped(self, parts: list[str], *, make: bool) -> int:
        held = self._root
        for part in parts:
            try:
                inner = own_files.step(held, part, make=make)
            finally:
                if held != self._root:
                    os.close(held)
            held = inner
        return held

    def _forget(self) -> None:
        if self._last is not None:
            with suppress(OSError):
                os.close(self._last[1])
            self._last = None

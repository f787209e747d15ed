"""Folder lock: one davy at a time writes into a folder. The lock is the kernel's: it ends with its holder, however."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from davy.pipeline.core.errors import LockedOut
from davy.pipeline.files import own_files

NAME = ".lock"
MOST = 300
"""Bytes that are read of the holder's name."""


@contextmanager
def held(folder: Path, holder: str) -> Iterator[None]:
    """Hold the folder, which is made where it is not there. Raises LockedOut with who has it, and Unwritable.

    `holder`: one line that tells a person who it is. git is told to ignore the folder: what davy keeps there is no
    part of the source.
    """
    try:
        import fcntl  # noqa: PLC0415 - not on every system
    except ImportError:
        yield
        return
    descriptor = _opened(folder)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise _locked_out(folder, os.pread(descriptor, MOST, 0)) from None
        os.truncate(descriptor, 0)
        os.pwrite(descriptor, f"{holder}\n".encode()[:MOST], 0)
        yield
    finally:
        os.close(descriptor)


def _opened(folder: Path) -> int:
    own_files.write(folder / ".gitignore", "*\n")
    return own_files.keep_open(folder / NAME)


def _locked_out(folder: Path, who: bytes) -> LockedOut:
    name = re.sub(r"[^ -~]", "", who.decode(errors="replace").partition("\n")[0]) or "somebody"
    return LockedOut(
        f"Another davy writes into {folder}: {name}.",
        remedy="Wait for its end, or give this one a folder of its own with --out.",
    )

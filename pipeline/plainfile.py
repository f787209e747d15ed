"""Plain file: what a file holds, up to a limit, in no more time than a disk needs: no pipe, no device, no folder."""

import os
import stat
from pathlib import Path


class NoFile(OSError):
    """It is a pipe, a device, a socket; reading it may never end."""


class TooLarge(OSError):
    """It holds more than it may."""


def content(path: Path, most: int) -> bytes:
    """The bytes. Raises NoFile, TooLarge, and OSError as `open` does."""
    # A pipe without a writer would be waited for without O_NONBLOCK.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(21, "is a folder, not a file", str(path))
        if not stat.S_ISREG(mode):
            raise NoFile(22, "is no plain file", str(path))
        held = file.read(most + 1)
    if len(held) > most:
        raise TooLarge(27, f"is larger than {most / 2**20:g} MiB", str(path))
    return held

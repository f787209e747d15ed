"""Plain file: a file that a user names, read within bounds. No pipe, no device, and no more than it may hold.

A pipe would be waited for without end, and a device may have no end. What cannot be read raises OSError, whose
`strerror` is a sentence's end for people.
"""

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

PIECE = 2**20
NO_SUCH = (errno.EFBIG, errno.ENOTSUP)
"""What is too large, or no plain file."""


def open_file(path: Path | str) -> BinaryIO:
    """The file, to be read as it streams. Raises OSError where it is none."""
    # Looked at first: to open some devices is to do something to them.
    _refuse_other(os.stat(path))
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    try:
        _refuse_other(os.fstat(handle))
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def content(path: Path | str, most: int) -> bytes:
    """All that it holds. Raises OSError, also where that is more than `most` bytes."""
    with open_file(path) as file:
        found = bytearray()
        # In pieces: to read so much at once would take the memory for it, however small the file.
        while len(found) <= most and (piece := file.read(min(PIECE, most + 1 - len(found)))):
            found += piece
    if len(found) > most:
        raise OSError(errno.EFBIG, f"is larger than {_size(most)}", str(path))
    return bytes(found)


def text(path: Path | str, most: int) -> str:
    """The same as UTF-8 text, without its byte order mark. Raises OSError and UnicodeDecodeError."""
    return content(path, most).decode("utf-8-sig")


def why(error: OSError | UnicodeDecodeError) -> str:
    """What stands between "FILE" and the full stop: why it cannot be had."""
    if isinstance(error, UnicodeDecodeError):
        return f"is not UTF-8 text (byte {error.start})"
    if error.errno in NO_SUCH:
        return str(error.strerror)
    return f"cannot be read: {error.strerror or error}"


def _refuse_other(seen: os.stat_result) -> None:
    if stat.S_ISDIR(seen.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(seen.st_mode):
        raise OSError(errno.ENOTSUP, "is no file but a pipe, a socket or a device")


def _size(most: int) -> str:
    return f"{most // 2**20} MiB" if most >= 2**20 else f"{most // 2**10} KiB" if most >= 2**10 else f"{most} bytes"

"""Width: how many columns a stream has."""

import shutil
from typing import TextIO


def width_of(stream: TextIO) -> int | None:
    """Columns of a terminal; None where it is none."""
    return shutil.get_terminal_size().columns if stream.isatty() else None

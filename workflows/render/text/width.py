"""Width: how many columns a stream has."""

from typing import TextIO


def width_of(stream: TextIO) -> int | None:
    """Columns of a terminal; None where it is none."""
    if not stream.isatty():
        return None
    import shutil  # noqa: PLC0415 - it brings packers along, and most often nobody looks on

    return shutil.get_terminal_size().columns

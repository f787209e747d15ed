"""Suite report: a report that came to this machine, as its text, or as a file where it is large or no UTF-8."""

from pathlib import Path

from davy.pipeline import ownfiles

JUNIT = "junit.xml"
"""Its name in the folder of a try."""
MOST_TEXT = 32 * 2**20
"""Bytes; a larger report is read as it streams."""


def place(out: Path) -> Path:
    """Where the report of this try belongs; one that an earlier run left there is gone."""
    ownfiles.make_folder(out)
    path = out / JUNIT
    ownfiles.remove(path)
    return path


def told(path: Path) -> tuple[str | None, tuple[Path, ...]]:
    """For `junit` and `reports` of a run: one of them, or neither where there is no report."""
    if not path.is_file():
        return None, ()
    if path.stat().st_size > MOST_TEXT:
        return None, (path,)
    try:
        return path.read_text(encoding="utf-8"), ()
    except UnicodeDecodeError:
        # It says its encoding itself, or it is broken; who reads its bytes finds out.
        return None, (path,)

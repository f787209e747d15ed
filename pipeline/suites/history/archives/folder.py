"""Folder: runs kept in a folder, each in one of its own that appears whole or not at all."""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path

from davy.pipeline.core.errors import Unreachable
from davy.pipeline.core.ports import Say, unheard
from davy.pipeline.files import own_files, plain_file
from davy.pipeline.suites.history import run_file
from davy.pipeline.suites.history.record import RunRecord

HALF = ".half-"
FORGOTTEN = timedelta(days=1)
"""A half-written run that nobody has touched for so long is a killed runner's."""


class FolderArchive:
    """`<root>/<service>/<time>-<release>/`, with `record.json` and the files."""

    def __init__(self, root: Path, service: str) -> None:
        # The folder that the file names may be a link; what is in it may not.
        self._root = own_files.followed(root)
        self._runs = self._root / service

    def keep(self, record: RunRecord, files: Sequence[tuple[str, Path]]) -> str:
        """Write it beside, then move it into its place. Raises Unreachable with the system's own words."""
        place = self._runs / run_file.name(record)
        with self._said("written"):
            own_files.make_folder(self._runs)
            # An archive inside the work tree is no part of the source.
            own_files.write(self._root / ".gitignore", "*\n")
            half = Path(tempfile.mkdtemp(prefix=HALF, dir=self._runs))
            try:
                _filled(half, record, files)
                _moved(half, place)
            except BaseException:
                shutil.rmtree(half, ignore_errors=True)
                raise
        return str(place)

    def recent(self, most: int, note: Say = unheard) -> tuple[RunRecord, ...]:
        """Newest first. A folder without a record is no run; one whose record cannot be read is noted."""
        found: list[RunRecord] = []
        with self._said("read"):
            for name in sorted(self._names(), reverse=True):
                if len(found) >= most:
                    break
                try:
                    found.append(_read(self._runs / name / run_file.RECORD))
                except (FileNotFoundError, NotADirectoryError):
                    continue
                except ValueError:
                    note(run_file.unreadable(name))
        return tuple(found)

    def prune(self, before: datetime, keep_at_least: int) -> int:
        """Also what killed runners left half-written."""
        with self._said("cleaned up"):
            gone = run_file.expired(self._names(), before, keep_at_least)
            for name in gone:
                # Renamed first: a run that is half deleted must not look like one.
                half = self._runs / f"{HALF}{name}"
                (self._runs / name).rename(half)
                shutil.rmtree(half)
            self._swept()
        return len(gone)

    def _names(self) -> Iterator[str]:
        if not self._runs.is_dir() or self._runs.is_symlink():
            return
        for path in self._runs.iterdir():
            if run_file.is_name(path.name) and path.is_dir() and not path.is_symlink():
                yield path.name

    def _swept(self) -> None:
        if not self._runs.is_dir() or self._runs.is_symlink():
            return
        oldest = time.time() - FORGOTTEN.total_seconds()
        for path in self._runs.glob(f"{HALF}*"):
            with suppress(FileNotFoundError):
                if path.lstat().st_mtime < oldest and not path.is_symlink():
                    shutil.rmtree(path)

    @contextmanager
    def _said(self, deed: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            words = error.strerror or str(error)
            raise Unreachable(
                f"The archive {self._root} cannot be {deed}: {words}.",
                remedy="Make room, or name another folder as results.archive.folder.",
            ) from error


def _filled(half: Path, record: RunRecord, files: Sequence[tuple[str, Path]]) -> None:
    for name, path in files:
        if path.is_symlink() or not path.is_file():
            continue
        own_files.copy(path, half / run_file.inside(name))
    with own_files.create_text(half / run_file.RECORD) as file:
        file.write(run_file.text(record))
        file.flush()
        os.fsync(file.fileno())
    half.chmod(0o755)


def _moved(half: Path, place: Path) -> None:
    """Into its place, over the same run kept before."""
    if os.path.lexists(place):
        old = Path(tempfile.mkdtemp(prefix=HALF, dir=place.parent))
        place.rename(old / "old")
        half.rename(place)
        shutil.rmtree(old, ignore_errors=True)
    else:
        half.rename(place)


def _read(path: Path) -> RunRecord:
    try:
        return run_file.record(plain_file.content(path, run_file.MOST_BYTES))
    except OSError as error:
        if error.errno in plain_file.NO_SUCH:
            raise ValueError("no file that a record could be") from error
        raise

"""Output: a suite's lines, told as they come and kept in a file that does not grow without end."""

import stat
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TextIO

from davy.pipeline.core.ports import Say
from davy.pipeline.core.secrets.masks import NONE, Masks
from davy.pipeline.core.text import nouns
from davy.pipeline.files import own_files
from davy.pipeline.suites.reports import paths as reportpaths
from davy.pipeline.suites.reports.formats import text as junittext
from davy.pipeline.suites.runners.tarball import MOST_BYTES

JUNIT = "junit.xml"
"""Its name in the folder of a try."""
KEPT = "reports"
"""Beside it: copies of the files that the suite's `junit` means."""
MOST_TEXT = 32 * 2**20
"""Bytes; a larger report is read as it streams."""
HEAD = 2**10
Seen = Mapping[Path, tuple[int, ...]]
"""What a file was when it was looked at: another one is another file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """What a run reported, as its `SuiteRun` has it."""

    junit: str | None = None
    reports: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()
    because: str = ""
    """Why not all of it is here, where it is not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportPlaces:
    """Where the reports of a run on this machine belong."""

    report: Path
    """`$JUNIT`: a file, or a folder that the suite makes."""
    folder: Path
    """What the globs are relative to."""
    globs: tuple[str, ...] = ()


def place(out: Path) -> Path:
    """Where the report of this try belongs; one that an earlier run left there is gone."""
    own_files.make_folder(out)
    path = out / JUNIT
    if path.is_symlink() or not path.is_dir():
        own_files.remove(path)
    return path


def told(path: Path) -> tuple[str | None, tuple[Path, ...]]:
    """For `junit` and `reports` of a run: one of them, or neither where there is no report."""
    if _kind(path) != "file":
        return None, ()
    if path.stat().st_size > MOST_TEXT or not _is_utf8(path):
        return None, (path,)
    try:
        return path.read_text(encoding="utf-8"), ()
    except UnicodeDecodeError:
        # It says its encoding itself, or it is broken; who reads its bytes finds out.
        return None, (path,)


def there(asked: ReportPlaces) -> Seen:
    """What is there before the run."""
    found = (path for files in _found(asked).values() for path in files)
    return {path: _state(path) for path in islice(found, reportpaths.MOST)}


def gathered(asked: ReportPlaces, before: Seen) -> Gathered:
    """What the run wrote. Files that the globs mean are copied: the next run writes over them."""
    found = _found(asked)
    fresh = {glob: [path for path in files if before.get(path) != _state(path)] for glob, files in found.items()}
    notes = tuple(_notes(asked, fresh, sum(map(len, found.values())) - sum(map(len, fresh.values()))))
    own = fresh.pop("", [])
    others = list(dict.fromkeys(path for files in fresh.values() for path in files))
    if len(own) + len(others) > reportpaths.MOST or sum(path.stat().st_size for path in others) > MOST_BYTES:
        words = f"it wrote more than {reportpaths.MOST:,} report files, or {MOST_BYTES // 2**20} MiB"
        return Gathered(notes=notes, because=f"{words}; name fewer under `junit`")
    if not own and not others and (strange := _strange(asked.report)):
        return Gathered(notes=notes, because=strange)
    if own == [asked.report] and not others:
        text, reports = told(asked.report)
        return Gathered(junit=text, reports=reports, notes=notes)
    return Gathered(reports=(*own, *_copied(others, asked)), notes=notes)


def _found(asked: ReportPlaces) -> dict[str, list[Path]]:
    """By glob; `$JUNIT`'s own under no name."""
    kind = _kind(asked.report)
    own = [asked.report] if kind == "file" else list(_below(asked.report)) if kind == "folder" else []
    return {"": own, **{glob: sorted(_matching(asked.folder, glob)) for glob in asked.globs}}


def _matching(folder: Path, glob: str) -> Iterator[Path]:
    """Plain files, also below a folder that matches; nothing that leads out of the folder."""
    several = (one for match in folder.glob(glob) for one in (_below(match) if match.is_dir() else [match]))
    plain = (path for path in several if _kind(path) == "file" and path.resolve().is_relative_to(folder))
    return islice(plain, reportpaths.MOST + 1)


def _below(folder: Path) -> Iterator[Path]:
    if not folder.is_symlink():
        plain = (
            path for path in sorted(folder.rglob("*")) if path.suffix in reportpaths.ENDS and _kind(path) == "file"
        )
        yield from islice(plain, reportpaths.MOST + 1)


def outdated(files: int) -> str:
    """What is said of so many report files that were there before the run."""
    return f"{nouns.counted(files, 'report file')} {'is' if files == 1 else 'are'} of an earlier run, and not read"


def _notes(asked: ReportPlaces, fresh: Mapping[str, Sequence[Path]], stale: int) -> Iterator[str]:
    kind = _kind(asked.report)
    if kind not in ("", "file", "folder"):
        yield f"what it wrote as its report is {kind}; that is not read"
    if stale:
        yield outdated(stale)
    for glob in asked.globs:
        if not fresh[glob]:
            yield f"it wrote no report at {glob}"


def _strange(report: Path) -> str:
    """Why a folder that has something in it is no report."""
    inside = sorted(each.name for each in report.iterdir()) if _kind(report) == "folder" else []
    return reportpaths.no_reports(inside) if inside else ""


def _kind(path: Path) -> str:
    """`file`, `folder`, or in words what else it is; empty where nothing is there. No link is followed."""
    try:
        mode = path.lstat().st_mode
    except OSError:
        return ""
    if stat.S_ISREG(mode):
        return "file"
    if stat.S_ISDIR(mode):
        return "folder"
    return "a link" if stat.S_ISLNK(mode) else "no plain file"


def _state(path: Path) -> tuple[int, ...]:
    said = path.lstat()
    return said.st_dev, said.st_ino, said.st_size, said.st_mtime_ns, said.st_ctime_ns


def _is_utf8(path: Path) -> bool:
    with path.open("rb") as file:
        try:
            return junittext.is_utf8(file.read(HEAD))
        except junittext.BrokenReport:
            return False


def _copied(paths: Sequence[Path], asked: ReportPlaces) -> Iterator[Path]:
    for path in paths:
        target = asked.report.parent / KEPT / path.relative_to(asked.folder)
        own_files.copy(path, target)
        yield target


MOST_LOG = 64 * 2**20


@dataclass(slots=True, kw_only=True)
class SuiteLog:
    """The lines of one try."""

    kept: TextIO
    say: Say
    masks: Masks = NONE
    most: int = MOST_LOG
    """Letters of the log, and of what is shown of it."""
    _size: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def tell(self, line: str) -> None:
        """May come from two threads: the suite's own lines, and what is noted of it. Both ends are cut at one place."""
        line = self.masks.text(line)
        with self._lock:
            if self._size > self.most:
                return
            self._size += len(line) + 1
            told = line if self._size <= self.most else f"(the log was cut here, at {self.most // 2**20} MiB)"
            if not self.kept.closed:
                self.kept.write(f"{told}\n")
                self.kept.flush()
        self.say(told)

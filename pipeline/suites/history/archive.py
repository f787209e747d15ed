"""Archive: a run kept, and earlier ones asked for. An archive that fails is a warning: results lie here as well."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

from davy.pipeline.config.sections.suites import ArchiveConfig
from davy.pipeline.core.errors import DavyError
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.suites.history.ports import Archive
from davy.pipeline.suites.history.record import RunRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What became of it."""

    place: str = ""
    """Where the run is kept, for people; empty where it could not be."""
    pruned: int = 0
    """Older runs that were deleted."""
    warnings: tuple[str, ...] = ()


def recent(archive: Archive, most: int) -> tuple[tuple[RunRecord, ...], tuple[str, ...]]:
    """The newest runs, and a warning where they could not be had, or one of them not."""
    notes: list[str] = []
    try:
        return archive.recent(most, notes.append), tuple(notes)
    except DavyError as error:
        return (), (f"Earlier runs are not known: {_words(error)}",)


def keep(
    archive: Archive, record: RunRecord, paths: Iterable[Path], *, out: Path, rule: ArchiveConfig, now: datetime
) -> Kept:
    """The record and this run's files, by their names below `out`; then the rule of retention."""
    try:
        place = archive.keep(record, tuple(named(paths, out)))
    except DavyError as error:
        return Kept(warnings=(f"The run is not archived: {_words(error)} Its results are in {out}.",))
    try:
        return Kept(place=place, pruned=archive.prune(now - rule.keep, rule.keep_at_least))
    except DavyError as error:
        return Kept(place=place, warnings=(f"Old runs are not deleted: {_words(error)}",))


def named(paths: Iterable[Path], out: Path) -> Iterator[tuple[str, Path]]:
    """Each file with its name there; of a folder all that is below it. A link is none: it may lead anywhere."""
    for path in paths:
        inner = sorted(path.rglob("*")) if path.is_dir() and not path.is_symlink() else [path]
        for one in inner:
            if one.is_file() and not one.is_symlink():
                yield (one.relative_to(out).as_posix() if one.is_relative_to(out) else one.name), one


def _words(error: DavyError) -> str:
    return " ".join(part for part in (error.what, error.remedy) if part)

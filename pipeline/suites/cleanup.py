"""Cleanup: files that runs of a suite made in its folder, listed there, and deleted before the next one.

Only what is listed is ever deleted, and nothing behind a symbolic link: the folder is the user's.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

from davy.pipeline.core.json import tree
from davy.pipeline.files import own_files, plain_file

INDEX = ".davy-files"
"""In a suite's folder: a line for each file that is davy's own, as a JSON string, relative to the folder."""

MOST_INDEX = 64 * 2**20
MOST_NAME = 2**15
"""Characters: no path is longer than 4,096 bytes, of which each is written as six at most."""


@contextmanager
def fresh(folder: Path, expected: Sequence[Path]) -> Iterator[tuple[str, ...]]:
    """Around a suite's run: earlier runs' files are gone, and its own are listed for the next.

    `expected`: files that it will make, listed at once in case it is killed. All else that is there at its end in
    their folders, and was not at its beginning, is its own, too. Gives a sentence for what could not be deleted.
    """
    stayed = cleared(folder)
    places = sorted({path.parent for path in expected})
    theirs = _below(places) - {folder / name for name in stayed}
    _listed(folder, set(expected) - theirs, stayed)
    try:
        yield tuple(f"of an earlier run, {folder / name} could not be deleted" for name in stayed)
    finally:
        _listed(folder, _below(places) - theirs, stayed)


def cleared(folder: Path) -> tuple[str, ...]:
    """Delete the files that are listed, and their folders where nothing else is in them. Those that would not go."""
    if not _is_own(folder):
        return ()
    stayed = []
    for name in _names(folder):
        try:
            _deleted(folder, PurePosixPath(name))
        except OSError:
            stayed.append(name)
    with suppress(OSError):
        own_files.remove(folder / INDEX)
        folder.rmdir()
    return tuple(stayed)


def rounds_cleared(folder: Path, report: str) -> None:
    """Delete what an earlier rollout's rounds made: `folder` has one for each, with the suites' folders and a report.

    A rollout has as many rounds as it has steps, so the last ones of an earlier rollout would stay.
    """
    for place in sorted(path.parent for path in folder.glob(f"*/*/{INDEX}")):
        if not _is_own(place):
            continue
        cleared(place)
        with suppress(OSError):
            own_files.remove(place.parent / report)
            place.parent.rmdir()


def _deleted(folder: Path, name: PurePosixPath) -> None:
    """Nothing where the name leads out of the folder, or through a link, or is one: that is not davy's."""
    if name.is_absolute() or ".." in name.parts:
        return
    path = folder / name
    above = [parent for parent in path.parents if parent.is_relative_to(folder)]
    if any(one.is_symlink() for one in (path, *above)) or not path.is_file():
        return
    path.unlink()
    with suppress(OSError):  # One that is not empty stays.
        for parent in above[:-1]:
            parent.rmdir()


def _is_own(folder: Path) -> bool:
    """Whether no link leads there."""
    try:
        with own_files.inside(folder):
            return True
    except OSError:
        return False


def _names(folder: Path) -> Iterator[str]:
    """What is listed; a line that says nothing of the kind is left out."""
    try:
        lines = plain_file.text(folder / INDEX, MOST_INDEX).splitlines()
    except (OSError, UnicodeDecodeError):
        return
    for line in lines:
        with suppress(ValueError):
            name = tree.exact(line, MOST_NAME)
            if isinstance(name, str) and name and "\0" not in name:
                yield name


def _below(places: Iterable[Path]) -> set[Path]:
    """Plain files; `rglob` does not go through links."""
    inner = (path for place in places if not place.is_symlink() for path in place.rglob("*"))
    return {path for path in inner if path.is_file() and not path.is_symlink() and path.name != INDEX}


def _listed(folder: Path, paths: Iterable[Path], stayed: Iterable[str]) -> None:
    """Where it cannot be written, the next run deletes less: no reason to fail this one."""
    names = sorted({path.relative_to(folder).as_posix() for path in paths} | set(stayed))
    with suppress(OSError):
        own_files.write(folder / INDEX, "".join(json.dumps(name) + "\n" for name in names))

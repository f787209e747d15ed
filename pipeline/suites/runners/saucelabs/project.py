"""Project: a folder as the archives that Sauce Labs' machines unpack; the same content is the same bytes."""

import json
import os
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from davy.pipeline.core.errors import Problem, Unusable
from davy.pipeline.files import plain_file
from davy.pipeline.suites.clouds.saucelabs import ignore_file as sauceignore

MODULES = "node_modules"
IGNORED = ".sauceignore"
MOST_IGNORED = 2**20
"""Bytes of it."""
SETTINGS = "sauce-runner.json"
BEGINNING = (1980, 1, 1, 0, 0, 0)
"""The first moment that a zip can hold: with a file's own, every checkout would be uploaded again."""


def files(root: Path, ignore_file: str = "") -> tuple[str, ...]:
    """The project's files, relative to its root, in order; without what .sauceignore names, and without links."""
    if not root.is_dir():
        problem = Problem(what="is no folder; `rootDir` is relative to where davy.yaml lies", file=str(root))
        raise Unusable("There is no project to upload.", problems=(problem,))
    named = root / (ignore_file or IGNORED)
    try:
        text = plain_file.text(named, MOST_IGNORED) if named.is_file() else ""
    except (OSError, UnicodeDecodeError) as error:
        problem = Problem(what=plain_file.why(error), file=str(named))
        raise Unusable("What the project leaves out cannot be read.", problems=(problem,)) from error
    return sauceignore.kept(tuple(_walked(root)), sauceignore.read(text))


def _walked(root: Path) -> Iterator[str]:
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if name != ".git")
        for name in sorted(names):
            path = Path(folder, name)
            if path.is_file():
                yield path.relative_to(root).as_posix()


@contextmanager
def archives(root: Path, ignore_file: str = "") -> Iterator[tuple[Path, ...]]:
    """The project, and its node_modules apart where it has them, as zips that are there until the block ends."""
    found = files(root, ignore_file)
    modules = [path for path in found if path.startswith(f"{MODULES}/")]
    with tempfile.TemporaryDirectory(prefix="davy-sauce-") as folder:
        made = [_zipped(Path(folder, "app.zip"), root, [path for path in found if path not in set(modules)])]
        if modules:
            made.append(_zipped(Path(folder, f"{MODULES}.zip"), root, modules))
        yield tuple(made)


@contextmanager
def settings(tree: Mapping[str, Any]) -> Iterator[Path]:
    """The runner's settings, as a zip."""
    with tempfile.TemporaryDirectory(prefix="davy-sauce-") as folder:
        path = Path(folder, "config.zip")
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(_entry(SETTINGS, 0o644), json.dumps(tree, sort_keys=True))
        yield path


def _zipped(path: Path, root: Path, names: list[str]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            mode = (root / name).stat().st_mode
            with (root / name).open("rb") as file, archive.open(_entry(name, mode), "w") as entry:
                while chunk := file.read(2**20):
                    entry.write(chunk)
    return path


def _entry(name: str, mode: int) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, BEGINNING)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = (0o100755 if mode & 0o111 else 0o100644) << 16
    return entry

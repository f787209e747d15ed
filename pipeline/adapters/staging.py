"""Staging: a build's files set out so that the same files give the same image, wherever and whenever they came here."""

import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from davy.pipeline.errors import Problem, Unusable
from davy.pipeline.ports import BuildOrder

FILE, PROGRAM, FOLDER = 0o644, 0o755, 0o755
"""Git keeps no more of a mode than whether it may be run; the rest is the umask of whoever cloned."""
OWN_NAME, IGNORE = ".davy.Dockerfile", ".dockerignore"


@dataclass(frozen=True, slots=True, kw_only=True)
class Staged:
    """Where a builder finds what it needs."""

    context: Path
    dockerfile: Path
    ignore: Path
    """Rules of what to leave out of the context; empty where all of it belongs to the build."""
    contexts: Mapping[str, Path]
    folder: Path
    """A folder of this build alone, removed after it."""


@contextmanager
def staged(order: BuildOrder) -> Iterator[Staged]:
    """Set the order out for a tool that reads folders. Raises Unusable where the context or the Dockerfile is missing.

    With `order.files` the context is a copy of just these, with the epoch as their time. A fresh name each time:
    BuildKit keeps what it was sent by the name of the folder, and compares times and sizes only.
    """
    text = dockerfile(order)
    with tempfile.TemporaryDirectory(prefix="davy-build-") as made:
        folder = Path(made)
        (folder / "by").mkdir()
        (folder / "by" / "Dockerfile").write_bytes(text)
        ignore = folder / "by" / "Dockerfile.dockerignore"
        ignore.write_bytes(b"" if order.files is not None else ignored(order))
        context = order.context.absolute()
        if order.files is not None:
            context = folder / f"context-{folder.name}"
            _copied(order.context, order.files, context, order.epoch)
        contexts = {name: path.absolute() for name, path in order.contexts.items()}
        for number, (name, files) in enumerate(order.context_files.items()):
            # Not by its name: that may be an image's, with slashes in it.
            contexts[name] = folder / f"further-{number}-{folder.name}"
            _copied(order.contexts[name], files, contexts[name], order.epoch)
        yield Staged(
            context=context, dockerfile=folder / "by" / "Dockerfile", ignore=ignore, contexts=contexts, folder=folder
        )


def dockerfile(order: BuildOrder) -> bytes:
    """What to build by. Raises Unusable where the context or the Dockerfile is not there."""
    if not order.context.is_dir():
        raise _absent(order, f"the build context {order.context} is not there, or no folder", "context")
    path = Path(order.context, order.dockerfile)
    if not path.is_file():
        raise _absent(order, f"there is no Dockerfile at {path}", "dockerfile")
    return path.read_bytes() if order.dockerfile_text is None else order.dockerfile_text.encode()


def ignored(order: BuildOrder) -> bytes:
    """The ignore file that BuildKit would take: the one beside the Dockerfile under its name, else the context's."""
    for path in (Path(order.context, f"{order.dockerfile}.dockerignore"), order.context / ".dockerignore"):
        if path.is_file():
            return path.read_bytes()
    return b""


def packed(order: BuildOrder, into: BinaryIO) -> str:
    """Write the order's files as a tar for the Engine; the Dockerfile's name in it.

    Where the Dockerfile is none of the files, it goes in under a name of its own, and an ignore file names both:
    the Engine takes its Dockerfile and its ignore file out of the context where that says so.
    """
    text, files, epoch = dockerfile(order), dict.fromkeys(order.files or ()), order.epoch or 0
    with tarfile.open(fileobj=into, mode="w", format=tarfile.PAX_FORMAT) as archive:
        own = order.dockerfile in files and Path(order.context, order.dockerfile).read_bytes() == text
        if not own:
            _add_text(archive, OWN_NAME, text, epoch)
            rules = ignored(order) if IGNORE in files else IGNORE.encode()
            _add_text(archive, IGNORE, rules + f"\n{OWN_NAME}\n".encode(), epoch)
            files.pop(IGNORE, None)
        for path in sorted(files):
            with _told(order, path):
                _add(archive, order.context / path, path, epoch)
    return order.dockerfile if own else OWN_NAME


def _add(archive: tarfile.TarFile, source: Path, name: str, epoch: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.mtime = epoch
    if source.is_symlink():
        entry.type, entry.linkname, entry.mode = tarfile.SYMTYPE, os.readlink(source), 0o777  # noqa: PTH115 - as text
        archive.addfile(entry)
        return
    seen = source.stat()
    entry.size, entry.mode = seen.st_size, _mode(seen.st_mode)
    with source.open("rb") as content:
        archive.addfile(entry, content)


def _add_text(archive: tarfile.TarFile, name: str, text: bytes, epoch: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mtime, entry.mode = len(text), epoch, FILE
    archive.addfile(entry, BytesIO(text))


def _mode(mode: int) -> int:
    return PROGRAM if mode & 0o100 else FILE


def _copied(source: Path, files: tuple[str, ...], into: Path, epoch: int | None) -> None:
    """Copies of the files, with modes as git has them and the epoch as their time."""
    into.mkdir()
    made = {into}
    for name in files:
        target = into / name
        target.parent.mkdir(parents=True, exist_ok=True)
        made.update(parent for parent in target.parents if parent.is_relative_to(into))
        try:
            shutil.copyfile(source / name, target, follow_symlinks=False)
        except OSError as error:
            raise _unreadable(source / name, error) from error
        if not target.is_symlink():
            target.chmod(_mode((source / name).stat().st_mode))
        if epoch is not None:
            os.utime(target, (epoch, epoch), follow_symlinks=False)
    for folder in made:
        folder.chmod(FOLDER)
        if epoch is not None:
            os.utime(folder, (epoch, epoch))


@contextmanager
def _told(order: BuildOrder, name: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _unreadable(order.context / name, error) from error


def _unreadable(path: Path, error: OSError) -> Unusable:
    what = f"{path} cannot be read: {error.strerror or error}"
    return Unusable(f"A file of the build {what}.", problems=(Problem(what=what, file=str(path)),))


def _absent(order: BuildOrder, what: str, key: str) -> Unusable:
    to = "the configuration file" if key == "context" else "the context"
    return Unusable(
        f"{order.name} cannot be built: {what}.",
        problems=(Problem(what=what, path=f"images[].{key}"),),
        remedy=f"`{key}` is relative to {to}.",
    )

"""Context: a build's files set out so that the same files give the same image, wherever and whenever they came here."""

import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from davy.pipeline.builds.ports import BuildOrder
from davy.pipeline.clients.files.folder import Folder
from davy.pipeline.core.errors import Problem, Rejected, Unusable
from davy.pipeline.files import plain_file
from davy.pipeline.source import object_id

FILE, PROGRAM, FOLDER = 0o644, 0o755, 0o755
"""Git keeps no more of a mode than whether it may be run; the rest is the umask of whoever cloned."""
GIT_PROGRAM, GIT_LINK = "100755", "120000"
MOST_TEXT = 2**20
"""Bytes of a Dockerfile or an ignore file."""
MOST_TARGET = 2**16
"""Bytes that a link may point by; Linux takes 4096."""
OWN_NAME, IGNORE = ".davy.Dockerfile", ".dockerignore"


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedContext:
    """Where a builder finds what it needs."""

    context: Path
    dockerfile: Path
    ignore: Path
    """Rules of what to leave out of the context; empty where all of it belongs to the build."""
    contexts: Mapping[str, Path]
    folder: Path
    """A folder of this build alone, removed after it."""


class Heard:
    """A file that is read by somebody else, and git's id of what they read of it."""

    def __init__(self, file: BinaryIO, size: int, wanted: str) -> None:
        """`wanted`: the id that it will be held against."""
        self._file, self._sum = file, object_id.begun(size, object_id.format_of(wanted))

    def read(self, size: int = -1) -> bytes:
        """As a file's."""
        piece = self._file.read(size)
        self._sum.update(piece)
        return piece

    @property
    def blob(self) -> str:
        """Of what was read until now."""
        return self._sum.hexdigest()


@contextmanager
def staged(order: BuildOrder) -> Iterator[StagedContext]:
    """Set the order out for a tool that reads folders. Raises Unusable where the context or the Dockerfile is missing.

    With `order.files` the context is a copy of just these, with the modes said there and the epoch as their time. A
    fresh name each time: BuildKit keeps what it was sent by the name of the folder, and compares times and sizes only.
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
        yield StagedContext(
            context=context, dockerfile=folder / "by" / "Dockerfile", ignore=ignore, contexts=contexts, folder=folder
        )


def dockerfile(order: BuildOrder) -> bytes:
    """What to build by. Raises Unusable where the context or the Dockerfile is not there."""
    if not order.context.is_dir():
        raise _absent(order, f"the build context {order.context} is not there, or no folder", "context")
    path = Path(order.context, order.dockerfile)
    if not path.is_file():
        raise _absent(order, f"there is no Dockerfile at {path}", "dockerfile")
    # Bytes that are no UTF-8 were read as what they are, and are written so.
    text = order.dockerfile_text
    return _text(path) if text is None else text.encode(errors="surrogateescape")


def dockerfile_said(order: BuildOrder) -> str:
    """The same as text, to be asked what it needs; empty where it is not there."""
    try:
        return dockerfile(order).decode(errors="surrogateescape")
    except Unusable:
        return ""


def ignored(order: BuildOrder) -> bytes:
    """The ignore file that BuildKit would take: the one beside the Dockerfile under its name, else the context's."""
    for path in (Path(order.context, f"{order.dockerfile}.dockerignore"), order.context / ".dockerignore"):
        if path.is_file():
            return _text(path)
    return b""


def _text(path: Path) -> bytes:
    try:
        return plain_file.content(path, MOST_TEXT)
    except OSError as error:
        raise _unreadable(path, error) from error


def packed(order: BuildOrder, into: BinaryIO) -> str:
    """Write the order's files as a tar for the Engine; the Dockerfile's name in it.

    Where the Dockerfile is none of the files, it goes in under a name of its own, and an ignore file names both:
    the Engine takes its Dockerfile and its ignore file out of the context where that says so.
    """
    text, files, epoch = dockerfile(order), dict(order.files or {}), order.epoch or 0
    with tarfile.open(fileobj=into, mode="w", format=tarfile.PAX_FORMAT) as archive:
        own = order.dockerfile in files and _text(Path(order.context, order.dockerfile)) == text
        if not own:
            _add_text(archive, OWN_NAME, text, epoch)
            rules = ignored(order) if IGNORE in files else IGNORE.encode()
            _add_text(archive, IGNORE, rules + f"\n{OWN_NAME}\n".encode(), epoch)
            files.pop(IGNORE, None)
        with Folder(order.context) as source:
            for path in sorted(files):
                with _told(order.context / path):
                    _add(archive, source, path, files[path], epoch)
    return order.dockerfile if own else OWN_NAME


def _add(archive: tarfile.TarFile, source: Folder, name: str, counted: tuple[str, str], epoch: int) -> None:
    mode, wanted = counted
    entry = tarfile.TarInfo(name)
    entry.mtime = epoch
    if mode == GIT_LINK:
        entry.type, entry.linkname, entry.mode = tarfile.SYMTYPE, _pointed(source, name, wanted), 0o777
        archive.addfile(entry)
        return
    with source.open(name) as content:
        entry.size, entry.mode = os.fstat(content.fileno()).st_size, _mode(mode)
        heard = Heard(content, entry.size, wanted)
        archive.addfile(entry, heard)
        _same(heard.blob, wanted, source.path / name)


def _add_text(archive: tarfile.TarFile, name: str, text: bytes, epoch: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mtime, entry.mode = len(text), epoch, FILE
    archive.addfile(entry, BytesIO(text))


def _mode(mode: str) -> int:
    return PROGRAM if mode == GIT_PROGRAM else FILE


def _pointed(source: Folder, name: str, wanted: str) -> str:
    """Where a link points to. With `core.symlinks=false` git leaves a file that holds it."""
    to = source.pointed(name)
    if to is None:
        with source.open(name) as file:
            to = os.fsdecode(file.read(MOST_TARGET))
    _same(object_id.blob(os.fsencode(to), object_id.format_of(wanted)), wanted, source.path / name)
    return to


def _same(blob: str, wanted: str, source: Path) -> None:
    """What the key does not count is not built under it. Raises Rejected."""
    if wanted and blob != wanted:
        raise Rejected(
            f"{source} changed while it was being built, so nothing is built of it.",
            remedy="Run it again once the work tree is at rest: a key is of one state of the files.",
        )


def _copied(source: Path, files: Mapping[str, tuple[str, str]], into: Path, epoch: int | None) -> None:
    """Copies of the files as their key counts them, with the epoch as their time."""
    into.mkdir()
    with Folder(source) as given, Folder(into) as staged:
        for name, counted in files.items():
            with _told(source / name):
                _copy(given, staged, name, counted)
                if epoch is not None:
                    staged.date(name, epoch)
    for folder in _folders(files):
        (into / folder).chmod(FOLDER)
        if epoch is not None:
            os.utime(into / folder, (epoch, epoch))


def _folders(names: Iterable[str]) -> set[str]:
    """All that the names are in; the empty one is the context itself."""
    found = {""}
    for name in names:
        found |= {name[:at] for at, character in enumerate(name) if character == "/"}
    return found


def _copy(source: Folder, staged: Folder, name: str, counted: tuple[str, str]) -> None:
    mode, wanted = counted
    if mode == GIT_LINK:
        staged.link(name, _pointed(source, name, wanted))
        return
    with source.open(name) as content, staged.create(name) as copy:
        heard = Heard(content, os.fstat(content.fileno()).st_size, wanted)
        shutil.copyfileobj(heard, copy)
        # Whatever the umask is.
        os.fchmod(copy.fileno(), _mode(mode))
    _same(heard.blob, wanted, source.path / name)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> Unusable:
    what = plain_file.why(error)
    return Unusable(f"A file of the build, {path}, {what}.", problems=(Problem(what=what, file=str(path)),))


def _absent(order: BuildOrder, what: str, key: str) -> Unusable:
    to = "the configuration file" if key == "context" else "the context"
    return Unusable(
        f"{order.name} cannot be built: {what}.",
        problems=(Problem(what=what, path=f"images[].{key}"),),
        remedy=f"`{key}` is relative to {to}.",
    )

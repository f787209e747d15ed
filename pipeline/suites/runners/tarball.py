"""Tarball: files taken out of a container, which nobody has to trust."""

import io
import shutil
import tarfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from davy.pipeline.files import own_files

MOST_BYTES = 512 * 2**20
MOST_FILES = 10_000


class RefusedArchive(Exception):
    """The archive is larger than it may be, or broken."""


class _Stream(io.RawIOBase):
    """Chunks as a file, for tarfile's streaming mode."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks, self._left = iter(chunks), b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        while len(self._left) < size:
            chunk = next(self._chunks, None)
            if chunk is None:
                break
            self._left += chunk
        taken, self._left = self._left[:size], self._left[size:]
        return taken


def extracted(
    chunks: Iterable[bytes], into: Path, *, most_bytes: int = MOST_BYTES, most_files: int = MOST_FILES
) -> tuple[Path, ...]:
    """Write the archive's plain files under `into`. Links, devices and paths that lead out of it are left out."""
    written: list[Path] = []
    size = 0
    try:
        with tarfile.open(fileobj=_Stream(chunks), mode="r|") as archive:
            for member in archive:
                size += member.size
                if size > most_bytes or len(written) >= most_files:
                    raise RefusedArchive(
                        f"more than {most_bytes // 2**20} MiB or {most_files:,} files; the rest was left out"
                    )
                path = _inside(into, member.name)
                source = archive.extractfile(member) if member.isreg() and path else None
                if path is None or source is None:
                    continue
                with source, own_files.create(path) as target:
                    shutil.copyfileobj(source, target)
                written.append(path)
    except (tarfile.TarError, OSError, EOFError) as error:
        raise RefusedArchive(f"the copy broke off: {error}") from error
    return tuple(written)


def _inside(into: Path, name: str) -> Path | None:
    """Where the member belongs; None where it leads out. No link is made, and none that lies there is gone through."""
    parts = [part for part in PurePosixPath(name).parts if part not in ("/", ".")]
    return into.joinpath(*parts) if parts and ".." not in parts and "\0" not in name else None

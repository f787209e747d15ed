"""Files out of a container that nobody has to trust."""

import io
import tarfile
from pathlib import Path

import pytest

from davy.pipeline.suites.runners.tarball import RefusedArchive, extracted


def tar(*members: tuple[str, bytes | str]) -> list[bytes]:
    """Members by name: bytes are a file, a text is the target of a symbolic link."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for name, body in members:
            entry = tarfile.TarInfo(name)
            if isinstance(body, str):
                entry.type, entry.linkname = tarfile.SYMTYPE, body
                archive.addfile(entry)
            else:
                entry.size = len(body)
                archive.addfile(entry, io.BytesIO(body))
    whole = made.getvalue()
    return [whole[start : start + 700] for start in range(0, len(whole), 700)]


def test_plain_files_are_written(tmp_path: Path) -> None:
    written = extracted(tar(("a/b", b"x" * 2000), ("c", b"")), tmp_path)
    assert [path.relative_to(tmp_path).as_posix() for path in written] == ["a/b", "c"]
    assert (tmp_path / "a/b").read_bytes() == b"x" * 2000


def test_nothing_leads_out_of_the_folder(tmp_path: Path) -> None:
    inner = tmp_path / "in"
    members = (("../out", b"x"), ("/abs", b"y"), ("a/../../out", b"z"), ("link", str(tmp_path)), ("link/out", b"w"))
    extracted(tar(*members), inner)
    assert not (tmp_path / "out").exists()
    assert (inner / "abs").read_bytes() == b"y"
    assert not (inner / "link").is_symlink()


def test_too_many_bytes_or_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedArchive):
        extracted(tar(("a", b"x" * 100)), tmp_path, most_bytes=99)
    with pytest.raises(RefusedArchive):
        extracted(tar(("a", b""), ("b", b"")), tmp_path, most_files=1)


def test_an_archive_that_breaks_off_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedArchive):
        extracted(tar(("a", b"x" * 5000))[:3], tmp_path)

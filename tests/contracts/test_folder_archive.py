"""The archive in a folder: what is on the disk, and what is when the disk is full or a runner was killed."""

import os
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from davy.pipeline.config.sections.suites import ArchiveConfig
from davy.pipeline.suites.history import archive as archiving
from davy.pipeline.suites.history.archives.folder import FolderArchive
from davy.pipeline.suites.history.record import RunRecord

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
RUN = RunRecord(id="shop-20260501-120000", at=NOON, service="shop", revision="a" * 40)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "davy-out"
    (folder / "unit").mkdir(parents=True)
    (folder / "junit.xml").write_text("<testsuites/>")
    (folder / "unit" / "log.txt").write_text("log\n")
    (folder / "unit" / "shadow").symlink_to("/etc/passwd")
    return folder


def there(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def test_a_run_is_a_folder_that_people_can_read_and_git_does_not_see(tmp_path: Path, out: Path) -> None:
    root = tmp_path / "archive"
    kept = archiving.keep(FolderArchive(root, "shop"), RUN, [out], out=out, rule=ArchiveConfig(), now=NOON)
    run = "shop/20260501T120000Z-shop-20260501-120000"
    assert kept.place == str(root / run)
    assert there(root) == [".gitignore", f"{run}/junit.xml", f"{run}/record.json", f"{run}/unit/log.txt"]


def test_a_name_never_leaves_the_run_and_never_takes_the_records_place(tmp_path: Path, out: Path) -> None:
    root = tmp_path / "archive"
    names = ("../../evil", "/etc/evil", "..\\evil", "record.json")
    FolderArchive(root, "shop").keep(RUN, [(name, out / "junit.xml") for name in names])
    run = "shop/20260501T120000Z-shop-20260501-120000"
    assert there(root) == [
        ".gitignore", f"{run}/etc/evil", f"{run}/evil", f"{run}/files/record.json", f"{run}/record.json",
    ]  # fmt: skip
    assert FolderArchive(root, "shop").recent(1) == (RUN,)


def test_what_a_killed_runner_left_is_no_run_and_is_swept_when_a_day_old(tmp_path: Path) -> None:
    archive = FolderArchive(tmp_path, "shop")
    archive.keep(RUN, ())
    for name in (".half-young", ".half-old", "20260501T130000Z-shop-half"):
        (tmp_path / "shop" / name).mkdir()
    yesterday = datetime.now(UTC).timestamp() - 2 * 86400
    os.utime(tmp_path / "shop" / ".half-old", (yesterday, yesterday))
    assert archive.recent(9) == (RUN,)
    archive.prune(NOON - timedelta(days=1), 1)
    assert not (tmp_path / "shop" / ".half-old").exists()
    assert (tmp_path / "shop" / ".half-young").exists()


@pytest.mark.parametrize("body", ["", "{", "[]", '{"davy_run": 2}', '{"davy_run": 1}', '{"davy_run": 1, "at": 5}'])
def test_a_record_that_cannot_be_read_is_left_out(tmp_path: Path, body: str) -> None:
    archive = FolderArchive(tmp_path, "shop")
    archive.keep(RUN, ())
    strange = tmp_path / "shop" / "20260501T140000Z-shop-strange"
    strange.mkdir()
    (strange / "record.json").write_text(body)
    assert archive.recent(9) == (RUN,)
    runs, warnings = archiving.recent(archive, 9)
    assert (runs, len(warnings)) == ((RUN,), 1)
    assert "20260501T140000Z-shop-strange of the archive is left out: its record cannot be read" in warnings[0]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(disk)], check=False, capture_output=True
    )
    if made.returncode:
        pytest.skip("only root mounts a small disk")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk_is_a_warning_with_its_words_and_loses_nothing(small_disk: Path, out: Path) -> None:
    archive = FolderArchive(small_disk, "shop")
    assert archiving.keep(archive, RUN, [out], out=out, rule=ArchiveConfig(), now=NOON).warnings == ()
    (out / "video.mp4").write_bytes(b"v" * 2**20)
    later = RunRecord(id="later", at=NOON + timedelta(hours=1), service="shop", revision="a" * 40)
    kept = archiving.keep(archive, later, [out], out=out, rule=ArchiveConfig(), now=NOON)
    assert kept.place == ""
    assert "No space left on device" in kept.warnings[0]
    assert str(out) in kept.warnings[0]
    assert archive.recent(9) == (RUN,)
    assert (out / "video.mp4").stat().st_size == 2**20
    assert not list((small_disk / "shop").glob(".half-*"))


def test_a_folder_that_may_not_be_written_is_a_warning(tmp_path: Path, out: Path) -> None:
    (tmp_path / "archive").write_text("a file where the folder should be")
    kept = archiving.keep(
        FolderArchive(tmp_path / "archive", "shop"), RUN, [out], out=out, rule=ArchiveConfig(), now=NOON
    )
    assert "cannot be written" in kept.warnings[0]
    assert archiving.recent(FolderArchive(tmp_path / "archive", "shop"), 5)[0] == ()

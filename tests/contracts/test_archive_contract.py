"""What every Archive must do: the one in memory, the one in a folder, and the one in a bucket on a real S3 API."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from moto.server import ThreadedMotoServer

from davy.pipeline.config.sections.suites import S3Config
from davy.pipeline.suites.history.archives.folder import FolderArchive
from davy.pipeline.suites.history.archives.s3 import s3_archive
from davy.pipeline.suites.history.ports import Archive
from davy.pipeline.suites.history.record import CaseRecord, RunRecord
from twins.archives import MemoryArchive

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
CASES = (
    CaseRecord(suite="unit", name="c::näme\x07", result="failed", seconds=0.25, attempts=2, quarantined=True),
    CaseRecord(suite="unit", name="c::b", result="passed", flaky=True, attempts=3),
)


def run(hours: int) -> RunRecord:
    at = NOON + timedelta(hours=hours)
    return RunRecord(
        id=f"shop-{at:%Y%m%d-%H%M%S}",
        at=at,
        service="shop",
        revision="a" * 40,
        branch="main",
        passed=False,
        cases=CASES,
        items={"e2e[chrome]": {"tests/a.py": 1.5}},
    )


@pytest.fixture(scope="session")
def s3_url() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(params=["memory", "folder", "s3"])
def archive(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Archive:
    if request.param == "memory":
        return MemoryArchive()
    if request.param == "folder":
        return FolderArchive(tmp_path / "archive", "shop")
    for name, value in {
        "AWS_ACCESS_KEY_ID": "davy",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_CONFIG_FILE": "/dev/null",
    }.items():
        monkeypatch.setenv(name, value)
    bucket = f"kept-{request.node.name[:30].replace('_', '-').replace('[', '-').lower()}-{id(request)}"[:60]
    said = S3Config(bucket=bucket, endpoint=request.getfixturevalue("s3_url"), prefix="davy/")
    made = s3_archive(said, "shop")
    made._client.create_bucket(Bucket=bucket)
    return made


def test_a_run_comes_back_as_it_was_kept(archive: Archive) -> None:
    assert archive.recent(5) == ()
    archive.keep(run(0), ())
    assert archive.recent(5) == (run(0),)


def test_runs_come_newest_first_and_no_more_than_asked_for(archive: Archive) -> None:
    for hours in (1, 3, 0, 2):
        archive.keep(run(hours), ())
    assert [record.at.hour for record in archive.recent(3)] == [15, 14, 13]


def test_the_same_run_kept_again_is_there_once_as_it_is_now(archive: Archive, tmp_path: Path) -> None:
    (tmp_path / "log.txt").write_text("old")
    archive.keep(run(0), [("log.txt", tmp_path / "log.txt")])
    archive.keep(replace(run(0), passed=True), [("log.txt", tmp_path / "log.txt")])
    assert [record.passed for record in archive.recent(5)] == [True]


def test_only_runs_that_are_too_old_go_and_never_the_newest(archive: Archive) -> None:
    for hours in range(5):
        archive.keep(run(hours), ())
    assert archive.prune(NOON + timedelta(hours=3), 1) == 3
    assert [record.at.hour for record in archive.recent(9)] == [16, 15]
    assert archive.prune(NOON + timedelta(days=365), 2) == 0
    assert archive.prune(NOON + timedelta(days=365), 1) == 1


def test_files_that_are_gone_or_are_links_are_left_out(archive: Archive, tmp_path: Path) -> None:
    (tmp_path / "real").write_text("x")
    (tmp_path / "link").symlink_to("/etc/passwd")
    archive.keep(run(0), [(name, tmp_path / name) for name in ("real", "link", "gone")])
    assert archive.recent(1) == (run(0),)


def test_a_service_knows_only_its_own_runs(tmp_path: Path) -> None:
    FolderArchive(tmp_path, "shop").keep(run(0), ())
    assert FolderArchive(tmp_path, "sho").recent(5) == ()

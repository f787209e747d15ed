"""`davy test flaky` and `davy test history` as a subprocess, on an archive in a folder and on one in a bucket."""

import json
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from moto.server import ThreadedMotoServer

from davy.pipeline.suites.history.archives.folder import FolderArchive
from davy.pipeline.suites.history.record import CaseRecord, RunRecord

Davy = Callable[..., subprocess.CompletedProcess[str]]

CONFIG = """\
service: shop
tests: [{name: unit, in: image, run: pytest}]
images: [{name: registry.example.com/shop}]
"""
QUARANTINE = """\
- {test: "tests.pay::*", owner: team-pay, reason: the sandbox, expires: 2099-12-31}
- {test: "tests.old::a", owner: team-old, reason: gone, expires: 2020-01-31}
"""
START = datetime(2026, 5, 1, 12, tzinfo=UTC)


def run(number: int) -> RunRecord:
    total = "failed" if number % 4 == 0 else "passed"
    return RunRecord(
        id=f"shop-{number}",
        at=START + timedelta(hours=number),
        service="shop",
        revision=f"{number // 2:040x}",
        branch="main",
        passed=number % 4 != 0,
        cases=(
            CaseRecord(suite="unit", name="tests.cart::\x1b[31mtest_total", result=total),
            CaseRecord(suite="unit", name="tests.cart::test_add", result="passed", flaky=number == 7),
            CaseRecord(suite="unit", name="tests.pay::a", result="passed", quarantined=True),
        ),
    )


@pytest.fixture
def archive(tmp_path: Path) -> FolderArchive:
    (tmp_path / "davy.yaml").write_text(CONFIG + "results: {quarantine: quarantine.yaml}\n")
    (tmp_path / "quarantine.yaml").write_text(QUARANTINE)
    kept = FolderArchive(tmp_path / ".davy/archive", "shop")
    for number in range(24):
        kept.keep(run(number), ())
    return kept


@pytest.mark.usefixtures("archive")
def test_the_table_fits_80_columns_and_the_surest_flake_stands_first(davy: Davy) -> None:
    shown = davy("test", "flaky")
    assert shown.returncode == 0
    lines = shown.stdout.splitlines()
    assert " ".join(lines[:2]).endswith("2026-05-01 to 2026-05-02.")
    assert lines[3].split() == ["test", "flaky", "failed", "last", "trend"]
    assert lines[4].startswith("unit tests.cart::test_total")
    assert lines[5].startswith("unit tests.cart::test_add")
    assert max(map(len, lines)) <= 79
    assert "\x1b" not in shown.stdout


@pytest.mark.usefixtures("archive")
def test_what_to_do_about_the_quarantine_is_said_on_stderr(davy: Davy) -> None:
    said = davy("test", "flaky").stderr
    assert "quarantine.yaml:1: tests.pay::* passed in its last 20 runs; release it" in said
    assert "quarantine.yaml:2: tests.old::a expired on 2020-01-31 and counts again; ask team-old" in said


@pytest.mark.usefixtures("archive")
def test_json_counts_runs_with_their_interval(davy: Davy) -> None:
    said = json.loads(davy("test", "flaky", "--last", "8", "-o", "json").stdout)
    assert (said["davy_flaky"], said["runs"], said["service"]) == (1, 8, "shop")
    (one,) = said["tests"]
    assert one["flaky"] == {"runs": 2, "of": 8, "rate": 0.25, "low": 0.0715, "high": 0.5907, "across_runs": 2}


@pytest.mark.usefixtures("archive")
def test_the_lines_for_the_quarantine_wait_for_an_owner(davy: Davy, tmp_path: Path) -> None:
    lines = davy("test", "flaky", "-o", "quarantine").stdout
    (tmp_path / "quarantine.yaml").write_text(lines)
    refused = davy("test", "flaky")
    assert refused.returncode == 2
    assert "owner: is missing" in refused.stderr
    (tmp_path / "quarantine.yaml").write_text(lines.replace("owner: ", "owner: me"))
    assert davy("test", "flaky").returncode == 0


def test_without_an_archive_it_says_so_and_that_is_no_failure(davy: Davy, tmp_path: Path) -> None:
    (tmp_path / "davy.yaml").write_text(CONFIG)
    shown = davy("test", "flaky")
    assert (shown.returncode, shown.stdout) == (0, "No run of shop is in the archive yet; `davy test` keeps one.\n")


@pytest.mark.usefixtures("archive")
def test_a_suite_that_is_not_there_is_named(davy: Davy) -> None:
    shown = davy("test", "flaky", "--suite", "e2e")
    assert shown.returncode == 2
    assert "--suite 'e2e'" in shown.stderr


@pytest.mark.usefixtures("archive")
def test_history_lists_the_last_runs(davy: Davy) -> None:
    lines = davy("test", "history", "--last", "2").stdout.splitlines()
    assert lines == [
        "when                       tests  failed  flaky  quarantined  revision  branch",
        "2026-05-02 11:00Z  passed      3       0      0            0  0000000   main",
        "2026-05-02 10:00Z  passed      3       0      0            0  0000000   main",
    ]
    assert json.loads(davy("test", "history", "-o", "json", "--last", "1").stdout)["runs"][0]["tests"] == 3


def test_a_quarantine_that_is_not_there_is_named_with_its_key(davy: Davy, tmp_path: Path) -> None:
    (tmp_path / "davy.yaml").write_text(CONFIG + "results: {quarantine: nowhere.yaml}\n")
    for words in (["test", "flaky"], ["test"]):
        refused = davy(*words)
        assert refused.returncode == 2
        assert "results.quarantine: names nowhere.yaml, which is not there" in refused.stderr


@pytest.fixture
def bucket(tmp_path: Path) -> Iterator[dict[str, str]]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    archive = f"results: {{archive: {{s3: {{bucket: kept, endpoint: 'http://{host}:{port}'}}}}}}\n"
    (tmp_path / "davy.yaml").write_text(CONFIG + archive)
    yield {"AWS_ACCESS_KEY_ID": "davy", "AWS_SECRET_ACCESS_KEY": "s3cr3t-of-davy", "AWS_CONFIG_FILE": "/dev/null"}
    server.stop()


def test_a_bucket_that_is_not_there_ends_with_2_and_no_secret(davy: Davy, bucket: dict[str, str]) -> None:
    refused = davy("test", "history", env=bucket)
    assert refused.returncode == 2
    assert "The bucket kept" in refused.stderr
    assert "s3cr3t-of-davy" not in refused.stderr + refused.stdout

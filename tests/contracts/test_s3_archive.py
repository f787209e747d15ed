"""The archive in a bucket: large files, busy services, and every way that a bucket says no."""

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from moto.server import ThreadedMotoServer
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from davy.pipeline.config.sections.suites import ArchiveConfig, S3Config
from davy.pipeline.core.errors import Forbidden, Missing, Unreachable, Unusable
from davy.pipeline.suites.history import archive as archiving
from davy.pipeline.suites.history.archives.s3 import S3Archive, s3_archive
from davy.pipeline.suites.history.record import RunRecord

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
RUN = RunRecord(id="shop-20260501-120000", at=NOON, service="shop", revision="a" * 40)
SECRET = "wJalrXUtnFEMI-secret-of-the-bucket"


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(autouse=True)
def login(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)


def bucket(url: str, name: str) -> S3Archive:
    archive = s3_archive(S3Config(bucket=name, endpoint=url), "shop")
    archive._client.create_bucket(Bucket=name)
    return archive


def keys(archive: S3Archive) -> list[str]:
    return [item["Key"] for item in archive._client.list_objects_v2(Bucket=archive._bucket).get("Contents", ())]


def body(archive: S3Archive, key: str) -> bytes:
    read: bytes = archive._client.get_object(Bucket=archive._bucket, Key=key)["Body"].read()
    return read


def test_a_run_lies_where_a_person_finds_it(s3: str, tmp_path: Path) -> None:
    archive = bucket(s3, "plain")
    (tmp_path / "unit").mkdir()
    (tmp_path / "unit" / "log.txt").write_text("log")
    kept = archiving.keep(archive, RUN, [tmp_path], out=tmp_path, rule=ArchiveConfig(), now=NOON)
    run = "20260501T120000Z-shop-20260501-120000"
    assert kept.place == f"s3://plain/davy/shop/runs/{run}/"
    assert keys(archive) == [f"davy/shop/records/{run}.json", f"davy/shop/runs/{run}/unit/log.txt"]


def test_a_large_file_goes_in_parts_and_is_the_same_file(s3: str, tmp_path: Path) -> None:
    archive = bucket(s3, "large")
    archive._part = 5 * 2**20
    video = tmp_path / "video.mp4"
    video.write_bytes(b"".join(hashlib.sha256(str(n).encode()).digest() * 1024 for n in range(400)))
    archive.keep(RUN, [("video.mp4", video)])
    (key,) = [key for key in keys(archive) if key.endswith("video.mp4")]
    assert body(archive, key) == video.read_bytes()
    assert archive._client.head_object(Bucket="large", Key=key)["ETag"].endswith('-3"')


def test_a_run_that_was_cut_short_is_no_run_and_its_files_go_with_the_old_ones(s3: str, tmp_path: Path) -> None:
    archive = bucket(s3, "cut")
    (tmp_path / "a").write_text("a")
    archive.keep(RUN, [("a", tmp_path / "a")])
    half = "davy/shop/runs/20260401T120000Z-shop-half/a"
    archive._client.put_object(Bucket="cut", Key=half, Body=b"x")
    assert archive.recent(9) == (RUN,)
    assert archive.prune(NOON - timedelta(days=1), 1) == 0
    assert half not in keys(archive)
    assert len(keys(archive)) == 2


def test_a_pruned_run_leaves_nothing(s3: str, tmp_path: Path) -> None:
    archive = bucket(s3, "pruned")
    (tmp_path / "a").write_text("a")
    later = RunRecord(id="later", at=NOON + timedelta(days=2), service="shop", revision="b" * 40)
    for record in (RUN, later):
        archive.keep(record, [("a", tmp_path / "a")])
    assert archive.prune(NOON + timedelta(days=1), 1) == 1
    assert [key for key in keys(archive) if "later" not in key] == []


def test_runs_are_listed_over_pages(s3: str) -> None:
    archive = bucket(s3, "pages")
    archive._page = 3
    for hours in range(8):
        archive.keep(replace(RUN, at=NOON + timedelta(hours=hours)), ())
    assert [record.at.hour for record in archive.recent(9)] == [19, 18, 17, 16, 15, 14, 13, 12]


def test_a_bucket_that_is_not_there_is_named(s3: str) -> None:
    archive = s3_archive(S3Config(bucket="nowhere", endpoint=s3), "shop")
    for deed in (lambda: archive.recent(1), lambda: archive.keep(RUN, ()), lambda: archive.prune(NOON, 1)):
        with pytest.raises(Missing, match="nowhere") as caught:
            deed()
        assert "results.archive.s3.bucket" in caught.value.remedy


def answering(server: HTTPServer, answer: Callable[[Request], Response]) -> S3Archive:
    server.expect_request(r"/").respond_with_handler(answer)
    server.expect_request(re.compile(r"/.*")).respond_with_handler(answer)
    return s3_archive(S3Config(bucket="b", endpoint=server.url_for("").rstrip("/")), "shop")


def refusal(code: str, status: int, words: str = "no") -> Response:
    return Response(f"<Error><Code>{code}</Code><Message>{words}</Message></Error>", status, mimetype="application/xml")


@pytest.mark.parametrize("code", ["AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken"])
def test_without_rights_it_says_which_are_needed_and_no_secret(httpserver: HTTPServer, code: str) -> None:
    archive = answering(httpserver, lambda _: refusal(code, 403))
    with pytest.raises(Forbidden, match=code) as caught:
        archive.recent(1)
    assert "s3:ListBucket" in caught.value.remedy
    assert SECRET not in f"{caught.value} {caught.value.problems} {caught.value.remedy}"


def test_a_service_that_is_busy_for_a_while_is_asked_again(httpserver: HTTPServer) -> None:
    asked: list[str] = []

    def busy(request: Request) -> Response:
        asked.append(request.path)
        return refusal("SlowDown", 503) if len(asked) < 3 else Response("<ListBucketResult/>", 200)

    assert answering(httpserver, busy).recent(1) == ()
    assert len(asked) == 3


def test_an_endpoint_that_is_not_there_is_named() -> None:
    archive = s3_archive(S3Config(bucket="b", endpoint="http://127.0.0.1:9"), "shop")
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1:9 did not answer"):
        archive.recent(1)


def test_without_credentials_it_says_how_to_give_them(monkeypatch: pytest.MonkeyPatch, s3: str) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    with pytest.raises(Unusable, match="Nobody is logged in") as caught:
        s3_archive(S3Config(bucket="b", endpoint=s3), "shop").recent(1)
    assert "AWS_ACCESS_KEY_ID" in caught.value.remedy


@pytest.mark.parametrize("endpoint", ["minio:9000", "not a url", ""])
def test_an_endpoint_that_is_no_url_is_a_problem_with_its_place(endpoint: str) -> None:
    with pytest.raises((Unusable, Unreachable)):
        s3_archive(S3Config(bucket="b", endpoint=endpoint or "http://"), "shop").recent(1)


def test_any_failure_of_the_bucket_is_a_warning_to_the_run(httpserver: HTTPServer, tmp_path: Path) -> None:
    archive = answering(httpserver, lambda _: refusal("AccessDenied", 403))
    kept: Any = archiving.keep(archive, RUN, [tmp_path], out=tmp_path, rule=ArchiveConfig(), now=NOON)
    assert (kept.place, "AccessDenied" in kept.warnings[0]) == ("", True)
    assert "Earlier runs are not known" in archiving.recent(archive, 5)[1][0]

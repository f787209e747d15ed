"""S3: runs kept in a bucket of any service that speaks S3. A run is there once its record is."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from davy.pipeline.config.sections.suites import S3Config
from davy.pipeline.core.errors import DavyError, Forbidden, Missing, Problem, Unreachable, Unusable
from davy.pipeline.core.ports import Say, unheard
from davy.pipeline.suites.history import run_file
from davy.pipeline.suites.history.record import RunRecord

if TYPE_CHECKING:
    from botocore.client import BaseClient

PATH = "results.archive.s3"
TRIES = 5
CONNECT_SECONDS, READ_SECONDS = 5, 60
PART_BYTES = 16 * 2**20
"""Larger files go in parts of this size; S3 takes 10,000 of them: 160 GiB."""
REFUSED = {"AccessDenied", "Forbidden", "403", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken",
           "InvalidToken", "AllAccessDisabled", "AccountProblem", "401", "Unauthorized"}  # fmt: skip


def s3_archive(said: S3Config, service: str) -> "S3Archive":
    """With the credentials that AWS' own tools would take. Raises Unusable where botocore is not here."""
    try:
        import botocore.session  # noqa: PLC0415 - heavy, and an extra
        from botocore.config import Config  # noqa: PLC0415
    except ImportError as error:
        problem = Problem(path=PATH, what="needs the package botocore, which is not here")
        raise Unusable("The archive in S3 cannot be used.", problems=(problem,), remedy="Install davy[aws].") from error
    settings: dict[str, Any] = {
        "retries": {"mode": "standard", "max_attempts": TRIES},
        "connect_timeout": CONNECT_SECONDS,
        "read_timeout": READ_SECONDS,
    }
    if said.endpoint:
        # Others than Amazon seldom have a host name for each bucket, or Amazon's newer checksums.
        settings["s3"] = {"addressing_style": "path"}
        settings["request_checksum_calculation"] = "when_required"
        settings["response_checksum_validation"] = "when_required"
    with _said(said):
        session = botocore.session.Session()
        region = said.region or session.get_config_variable("region") or ("us-east-1" if said.endpoint else None)
        client = session.create_client("s3", region_name=region, endpoint_url=said.endpoint, config=Config(**settings))
    return S3Archive(client, said, service)


class S3Archive:
    """`<prefix><service>/records/<run>.json`, and its files under `<prefix><service>/runs/<run>/`."""

    def __init__(
        self, client: "BaseClient", said: S3Config, service: str, *, part_bytes: int = PART_BYTES, page: int = 1000
    ) -> None:
        """`part_bytes`: at least 5 MiB, which is S3's own limit; `page`: keys in one answer, at most 1000."""
        self._client: Any = client
        self._said, self._bucket, self._part, self._page = said, said.bucket, part_bytes, page
        top = f"{said.prefix}{service}"
        self._records, self._runs = f"{top}/records/", f"{top}/runs/"

    def keep(self, record: RunRecord, files: Sequence[tuple[str, Path]]) -> str:
        """The files first, the record last."""
        name = run_file.name(record)
        with _said(self._said):
            for inside, path in files:
                if path.is_file() and not path.is_symlink():
                    self._put(f"{self._runs}{name}/{run_file.inside(inside)}", path)
            body = run_file.text(record).encode()
            self._client.put_object(
                Bucket=self._bucket, Key=f"{self._records}{name}.json", Body=body, ContentType="application/json"
            )
        return f"s3://{self._bucket}/{self._runs}{name}/"

    def recent(self, most: int, note: Say = unheard) -> tuple[RunRecord, ...]:
        """Newest first; what cannot be read is left out, and noted."""
        found: list[RunRecord] = []
        with _said(self._said):
            for name in sorted(self._names(), reverse=True):
                if len(found) >= most:
                    break
                if (record := self._read(name, note)) is not None:
                    found.append(record)
        return tuple(found)

    def prune(self, before: datetime, keep_at_least: int) -> int:
        """Records first: without one a run is none. Then files that are as old and have no record any more."""
        with _said(self._said):
            names = set(self._names())
            gone = run_file.expired(names, before, keep_at_least)
            for name in gone:
                self._client.delete_object(Bucket=self._bucket, Key=f"{self._records}{name}.json")
            kept = names - set(gone)
            for prefix in self._folders():
                name = prefix.removeprefix(self._runs).rstrip("/")
                if name < run_file.stamp(before) and name not in kept:
                    self._emptied(prefix)
        return len(gone)

    def _names(self) -> Iterator[str]:
        for page in self._pages(self._records):
            for item in page.get("Contents", ()):
                name = item["Key"].removeprefix(self._records).removesuffix(".json")
                if run_file.is_name(name):
                    yield name

    def _folders(self) -> list[str]:
        return [
            item["Prefix"] for page in self._pages(self._runs, Delimiter="/") for item in page.get("CommonPrefixes", ())
        ]

    def _emptied(self, prefix: str) -> None:
        # One at a time: deleting many needs a checksum that not every service takes.
        for key in [item["Key"] for page in self._pages(prefix) for item in page.get("Contents", ())]:
            self._client.delete_object(Bucket=self._bucket, Key=key)

    def _pages(self, prefix: str, **more: str) -> Iterator[dict[str, Any]]:
        pages = self._client.get_paginator("list_objects_v2")
        yield from pages.paginate(Bucket=self._bucket, Prefix=prefix, PaginationConfig={"PageSize": self._page}, **more)

    def _read(self, name: str, note: Say) -> RunRecord | None:
        from botocore.exceptions import ClientError  # noqa: PLC0415

        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=f"{self._records}{name}.json")
            if answer["ContentLength"] > run_file.MOST_BYTES:
                raise ValueError("too large for a record")
            return run_file.record(answer["Body"].read())
        except ValueError:
            note(run_file.unreadable(name))
            return None
        except ClientError as error:
            # Another runner's retention was faster.
            if error.response["Error"]["Code"] in ("NoSuchKey", "404"):
                return None
            raise

    def _put(self, key: str, path: Path) -> None:
        with path.open("rb") as file:
            if path.stat().st_size <= self._part:
                self._client.put_object(Bucket=self._bucket, Key=key, Body=file)
            else:
                self._put_in_parts(key, file)

    def _put_in_parts(self, key: str, file: BinaryIO) -> None:
        whole = {"Bucket": self._bucket, "Key": key}
        upload = self._client.create_multipart_upload(**whole)["UploadId"]
        try:
            parts: list[dict[str, Any]] = []
            while chunk := file.read(self._part):
                number = len(parts) + 1
                made = self._client.upload_part(**whole, UploadId=upload, PartNumber=number, Body=chunk)
                parts.append({"PartNumber": number, "ETag": made["ETag"]})
            self._client.complete_multipart_upload(**whole, UploadId=upload, MultipartUpload={"Parts": parts})
        except BaseException:
            # Parts that belong to nothing are paid for.
            self._client.abort_multipart_upload(**whole, UploadId=upload)
            raise


@contextmanager
def _said(said: S3Config) -> Iterator[None]:
    """What botocore and the service have against it, as davy's errors."""
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    try:
        yield
    except ClientError as error:
        raise _answered(error.response, said) from error
    except (BotoCoreError, ValueError) as error:
        raise _unasked(error, said) from error
    except OSError as error:
        raise Unreachable(f"A file for the archive cannot be read: {error.strerror or error}.") from error


def _answered(response: dict[str, Any], said: S3Config) -> DavyError:
    code = str(response.get("Error", {}).get("Code", ""))
    words = str(response.get("Error", {}).get("Message", ""))[:200]
    place = f"The bucket {said.bucket}" + (f" at {said.endpoint}" if said.endpoint else "")
    if code in ("NoSuchBucket", "404"):
        problem = Problem(path=f"{PATH}.bucket", what=f"names a bucket that is not there: {said.bucket}")
        return Missing(f"{place} is not there.", remedy=f"Make it, or mend {problem.path}.")
    if code in REFUSED:
        problem = Problem(path=PATH, what=f"the service refused: {code}: {words}")
        remedy = "Give these credentials s3:ListBucket, GetObject, PutObject, DeleteObject and AbortMultipartUpload."
        return Forbidden(
            f"{place} may not be used with these credentials ({code}).", problems=(problem,), remedy=remedy
        )
    return Unreachable(f"{place} answered {code or 'with an error'}: {words}", remedy="Try again.")


def _unasked(error: Exception, said: S3Config) -> DavyError:
    from botocore import exceptions as no  # noqa: PLC0415

    if isinstance(error, no.NoCredentialsError | no.PartialCredentialsError):
        problem = Problem(path=PATH, what="there are no AWS credentials, or not all of them")
        remedy = "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, or a role."
        return Unusable(f"Nobody is logged in for the bucket {said.bucket}.", problems=(problem,), remedy=remedy)
    if isinstance(error, no.HTTPClientError | no.ConnectionError):
        place = said.endpoint or "S3"
        kind = type(error).__name__
        return Unreachable(f"{place} did not answer ({kind}).", remedy=f"Check {PATH}.endpoint and the network.")
    problem = Problem(path=PATH, what=str(error)[:200])
    return Unusable("The archive in S3 cannot be used.", problems=(problem,), remedy="Mend the settings.")

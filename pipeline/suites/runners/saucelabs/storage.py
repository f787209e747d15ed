"""Storage: files uploaded to Sauce Labs once, known again by their content."""

import hashlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from davy.pipeline.core.errors import Problem, Unreachable, Unusable
from davy.pipeline.suites.clouds.saucelabs import api_calls
from davy.pipeline.suites.runners.webdriver.api import CloudApi


def kept(api: CloudApi, path: Path) -> str:
    """`storage:ID` of the file, uploaded where it is not there yet. Raises Unusable, Forbidden, Unreachable."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        problem = Problem(what=f"cannot be read: {error.strerror}", file=str(path))
        raise Unusable("There is no app to upload.", problems=(problem,)) from error
    if size > api_calls.MOST_BYTES:
        problem = Problem(what="is larger than 4 GiB, and Sauce Labs takes no larger file", file=str(path))
        raise Unusable("The app is too large.", problems=(problem,))
    there = api_calls.stored_in(api.called(api_calls.stored_call(api.cloud, content)))
    return there or _uploaded(api, path)


class UploadForm:
    """A multipart form with one file, read as it is sent: an app may be larger than the memory."""

    def __init__(self, name: str, file: IO[bytes]) -> None:
        self._file, self._boundary = file, secrets.token_hex(16)
        plain = name.encode("ascii", "replace").decode().replace('"', "_")
        kind = "Content-Type: application/octet-stream"
        disposition = f'Content-Disposition: form-data; name="payload"; filename="{plain}"'
        self._head = f"--{self._boundary}\r\n{disposition}\r\n{kind}\r\n\r\n".encode()
        self._tail = f"\r\n--{self._boundary}--\r\n".encode()
        self._size = os.fstat(file.fileno()).st_size

    @property
    def kind(self) -> str:
        """Its content type."""
        return f"multipart/form-data; boundary={self._boundary}"

    def __len__(self) -> int:
        return len(self._head) + self._size + len(self._tail)

    def __iter__(self) -> Iterator[bytes]:
        self._file.seek(0)
        yield self._head
        while chunk := self._file.read(2**20):
            yield chunk
        yield self._tail


def _uploaded(api: CloudApi, path: Path) -> str:
    with path.open("rb") as file:
        answer = api.called(api_calls.upload_call(api.cloud), form=UploadForm(path.name, file))
    found = api_calls.stored_in(answer)
    if not found:
        raise Unreachable(f"Sauce Labs took {path.name} and did not say under which name it keeps it.")
    return found

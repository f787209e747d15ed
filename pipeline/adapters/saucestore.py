"""Sauce store: files uploaded to Sauce Labs once, known again by their content."""

import hashlib
from pathlib import Path

from davy.pipeline.adapters.cloudapi import CloudApi
from davy.pipeline.errors import Problem, Unreachable, Unusable
from davy.pipeline.testing import saucecalls


def kept(api: CloudApi, path: Path) -> str:
    """`storage:ID` of the file, uploaded where it is not there yet. Raises Unusable, Forbidden, Unreachable."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        problem = Problem(what=f"cannot be read: {error.strerror}", file=str(path))
        raise Unusable("There is no app to upload.", problems=(problem,)) from error
    if size > saucecalls.MOST_BYTES:
        problem = Problem(what="is larger than 4 GiB, and Sauce Labs takes no larger file", file=str(path))
        raise Unusable("The app is too large.", problems=(problem,))
    there = saucecalls.stored_in(api.called(saucecalls.stored_call(api.cloud, content)))
    return there or _uploaded(api, path)


def _uploaded(api: CloudApi, path: Path) -> str:
    with path.open("rb") as file:
        answer = api.called(saucecalls.upload_call(api.cloud), files={"payload": (path.name, file)})
    found = saucecalls.stored_in(answer)
    if not found:
        raise Unreachable(f"Sauce Labs took {path.name} and did not say under which name it keeps it.")
    return found

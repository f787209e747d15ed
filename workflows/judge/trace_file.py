"""Trace file: where a trace's lines are read from and written to."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from davy.pipeline.core.errors import Problem, Unusable
from davy.pipeline.files import plain_file


@contextmanager
def opened(path: str) -> Iterator[IO[bytes]]:
    """The trace's bytes; `-` is stdin. Raises Unusable where there are none."""
    if path == "-":
        yield sys.stdin.buffer
        return
    try:
        with plain_file.open_file(path) as lines:
            yield lines
    except OSError as error:
        problem = Problem(what=plain_file.why(error), file=path)
        remedy = (
            "Name a trace, or `-` for a pipe: `davy canary trace -o FILE` writes one, docs/trace.md has the format."
        )
        raise Unusable(f"{path} cannot be read.", problems=(problem,), remedy=remedy) from error


def name_of(path: str) -> str:
    """What its problems are told under."""
    return "stdin" if path == "-" else path


def write(out: Path, text: str) -> None:
    """The text as a file. Raises Unusable where it cannot be written."""
    try:
        out.write_text(f"{text}\n", encoding="utf-8")
    except OSError as error:
        problem = Problem(what=f"cannot be written: {error.strerror or error}", file=str(out))
        raise Unusable(f"{out} cannot be written.", problems=(problem,), remedy="Name another file.") from error

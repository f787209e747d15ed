"""Veil: what this process knows of secrets, laid over everything that it says, writes and sends.

There is one environment and one davy.yaml a process; so there is one veil, and it only ever grows thicker.
"""

import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TextIO

from davy.pipeline.core.secrets.credential_names import is_token
from davy.pipeline.core.secrets.masks import NONE, Masks

_guard = threading.Lock()
_known: Masks = NONE


def begin(environment: Mapping[str, str]) -> None:
    """A command begins: what is known is what machines hand over by well-known names."""
    _set(Masks(value for name, value in environment.items() if is_token(name)))


def learn(secrets: Iterable[str]) -> Masks:
    """Hide these, too, from now on."""
    with _guard:
        found = Masks((*_known.secrets, *secrets))
        if found.secrets != _known.secrets:
            _set(found)
        return _known


def masks() -> Masks:
    """What is known by now."""
    return _known


def _set(known: Masks) -> None:
    global _known  # noqa: PLW0603 - see above: the process has one
    _known = known


class Veiled:
    """A stream of text whose writer need not know the secrets."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """The text without secrets. As much is said to be written as was given."""
        if not isinstance(text, str):
            return self._stream.write(text)  # It raises what it raises for that.
        self._stream.write(_known.text(text))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def over(*streams: str) -> Iterator[None]:
    """While this is open, the streams of `sys` by these names are veiled."""
    before = {name: getattr(sys, name) for name in streams}
    for name, stream in before.items():
        setattr(sys, name, Veiled(stream))
    try:
        yield
    finally:
        for name, stream in before.items():
            setattr(sys, name, stream)

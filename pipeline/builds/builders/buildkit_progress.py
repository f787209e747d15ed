"""BuildKit progress: what BuildKit tells of a build (`--progress=rawjson`), as lines for people and facts for us."""

import base64
import binascii
import re
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

from davy.pipeline.core.json import tree

STEP = re.compile(r"^\[(?:[^\]]* )?\d+/\d+\] (\w+)")
"""`[2/3] RUN make`, `[linux/amd64 build 2/3] COPY . .`; the frontend's own begin with `[internal]`."""
LAYERS = ("RUN", "COPY", "ADD")
LAST = 20
"""Lines of a failed build that are repeated."""
KEPT_BACK = ("[internal]",)


class Progress:
    """Reads the tool's output line by line. What is no JSON is the tool's own last word, and its error."""

    def __init__(self) -> None:
        self.last: deque[str] = deque(maxlen=LAST)
        self.failed = ""
        """The step that failed."""
        self.error = ""
        """Why the build ended, in the tool's words."""
        self._names: dict[str, str] = {}
        self._told: set[str] = set()
        self._cached: set[str] = set()
        self._made = False
        self._halves: dict[str, bytes] = {}

    @property
    def cached(self) -> bool:
        """True where every step that makes a layer came from a cache."""
        return not self._made

    def lines(self, line: str) -> Iterator[str]:
        """What is to be said of it."""
        try:
            said = tree.parsed(line)
        except ValueError:
            said = None
        if isinstance(said, dict):
            yield from self._understood(said)
            return
        text = line.strip()
        if text.startswith("ERROR: "):
            self.error = text.removeprefix("ERROR: ")
        elif text:
            yield text

    def _understood(self, said: Mapping[str, Any]) -> Iterator[str]:
        for vertex in _several(said, "vertexes"):
            yield from self._step(vertex)
        for status in _several(said, "statuses"):
            if "pushing" in str(status.get("id", "")) and status.get("completed"):
                yield str(status["id"])
        for log in _several(said, "logs"):
            for text in self._printed(str(log.get("vertex", "")), str(log.get("data", ""))):
                self.last.append(text)
                yield text

    def _step(self, vertex: Mapping[str, Any]) -> Iterator[str]:
        digest, name = str(vertex.get("digest", "")), str(vertex.get("name", ""))
        self._names[digest] = name
        cached, error = bool(vertex.get("cached")), str(vertex.get("error") or "")
        if error and not self.failed:
            self.failed, self.error = name, self.error or error
        began = vertex.get("started") and not name.startswith(KEPT_BACK)
        step = STEP.match(name)
        if cached:
            # A layer of an imported cache is fetched later, and is then told once more as if it was made.
            self._cached.add(digest)
        if vertex.get("completed") and step and step[1].upper() in LAYERS and digest not in self._cached:
            self._made = True
        if (cached or began) and digest not in self._told and not name.startswith(KEPT_BACK):
            self._told.add(digest)
            yield f"{name}{' (from the cache)' if cached else ''}"

    def _printed(self, vertex: str, data: str) -> Iterator[str]:
        """Whole lines only; the rest is kept for its other half."""
        try:
            piece = self._halves.pop(vertex, b"") + base64.b64decode(data)
        except (binascii.Error, ValueError):
            return
        *whole, rest = piece.split(b"\n")
        if rest:
            self._halves[vertex] = rest
        for each in whole:
            text = each.decode(errors="replace").rstrip("\r")
            if text.strip():
                yield text


def _several(said: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    found = said.get(key)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []

"""JSON places: the line at which each value of a JSON text stands, and the keys that are there twice. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)


@dataclass(slots=True)
class Places:
    """What is known of a text: filled while it is walked, read-only from then on."""

    lines: dict[str, int] = field(default_factory=dict)
    """By path, as `metrics[0].query`; the root's is empty."""
    twice: list[tuple[str, int, int]] = field(default_factory=list)
    """Path, the line of the second, and that of the first."""

    def line(self, path: str) -> int | None:
        """Of the path, or of the nearest thing around it."""
        while path and path not in self.lines:
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return self.lines.get(path)


@dataclass(slots=True)
class _Open:
    """An object or a list that is not closed yet."""

    path: str
    is_list: bool
    index: int = 0
    key: str | None = None
    seen: dict[str, int] = field(default_factory=dict)

    def below(self) -> str:
        return f"{self.path}[{self.index}]" if self.is_list else f"{self.path}.{self.key}".lstrip(".")


def places(text: str) -> Places:
    """Of a text that is JSON; of another as far as it goes."""
    found, stack = Places(), list[_Open]()
    for piece, line in _tokens(text):
        top = stack[-1] if stack else None
        if piece == ",":
            if top is not None:
                top.index, top.key = top.index + 1, None
        elif piece in ("}", "]"):
            del stack[-1:]
        elif piece != ":":
            if top is not None and not top.is_list and top.key is None:
                _key(found, top, piece[1:-1], line)
                continue
            path = top.below() if top else ""
            found.lines.setdefault(path, line)
            if piece in ("{", "["):
                stack.append(_Open(path=path, is_list=piece == "["))
    return found


def _key(found: Places, top: _Open, key: str, line: int) -> None:
    top.key = key
    if key in top.seen:
        found.twice.append((top.below(), line, top.seen[key]))
    top.seen.setdefault(key, line)
    found.lines.setdefault(top.below(), line)


def _tokens(text: str) -> Iterator[tuple[str, int]]:
    line, at = 1, 0
    for piece in TOKEN.finditer(text):
        line += text.count("\n", at, piece.start())
        at = piece.start()
        yield piece.group(), line

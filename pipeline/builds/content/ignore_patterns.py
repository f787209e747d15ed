"""Ignore patterns: those of `.dockerignore` held against paths, many at once, in a time that no pattern makes long.

A regular expression with several stars may try every way to share a path between them. Where that could be many, the
path is gone through once instead, with all places in the pattern that it may have come to as the bits of a number.
"""

import re
from collections.abc import Callable, Iterable
from functools import cached_property

PLAIN = re.compile(r"[^*[\]?\\]*")
BEGINNING = re.compile(r"([^*[\]?\\]+)\*\*")
END = re.compile(r"\*\*([^*[\]?\\]*)")
FILE_END = re.compile(r"(?:\*\*/)?\*([^*[\]?\\/^]+)")
"""`*.md`, `**/*.md`."""
GO_SET = re.compile(r"(?<!\\)((?:\\\\)*\[\^?\]?)((?:\\.|[^\]\\])*)\]", re.DOTALL)
NESTED = re.compile(r"(?<!\\)[\[&~|]")
"""What Python reads otherwise than Go inside of a set."""
MEANT_PLAINLY = ".+()|{}$"
"""Characters that mean something to a regular expression and nothing in a pattern."""
ANY_DEPTH, ANY, IN_NAME = "(.*/)?", ".*", "[^/]*"
PIECE = re.compile(r"\(\.\*/\)\?|(?:\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|.)\*?", re.DOTALL)
"""Of an expression: a way through folders, or what one character may be, or any number of such."""
NO_CHARACTER = re.compile(r"\^|\\[AbBZ0-9]", re.DOTALL)
LONGEST = 4096
"""Bytes of a path, on Linux."""
MOST_WAYS = 100_000
"""So many ways through a path are tried without a thought: a millisecond's work."""
MOST_STARS = 3
"""Of a pattern that can be tried only as an expression."""


class Patterns:
    """Several, of which one must fit."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self._plain: set[str] = set()
        beginnings: list[str] = []
        ends: list[str] = []
        names: list[str] = []
        deep: list[str] = []
        self._others: list[Callable[[str], bool]] = []
        for pattern in dict.fromkeys(patterns):
            if PLAIN.fullmatch(pattern):
                self._plain.add(pattern)
            elif found := BEGINNING.fullmatch(pattern):
                beginnings.append(found[1])
            elif found := END.fullmatch(pattern):
                ends.append(found[1])
                self._plain |= {found[1][1:]} if found[1].startswith("/") else set()
            elif found := FILE_END.fullmatch(pattern):
                (deep if pattern.startswith("**") else names).append(found[1])
            else:
                self._others.append(Pattern(pattern).fits)
        self._beginnings, self._ends = tuple(beginnings), tuple(ends)
        self._names, self._deep = tuple(names), tuple(deep)
        self._tails = self._ends + self._names + self._deep

    def fits(self, path: str) -> bool:
        """Whether one of them does."""
        return (
            path in self._plain
            or (path.endswith(self._tails) and self._ends_so(path))
            or path.startswith(self._beginnings)
            or (bool(self._others) and any(fits(path) for fits in self._others))
        )

    def fitting(self, paths: Iterable[str]) -> set[str]:
        """Those that one of them fits."""
        if self._others or self._beginnings:
            return {path for path in paths if self.fits(path)}
        plain, tails = self._plain, self._tails
        return {path for path in paths if path in plain or (path.endswith(tails) and self._ends_so(path))}

    def _ends_so(self, path: str) -> bool:
        """Of one that ends in a tail: whether nothing before it is in the way."""
        return (
            path.endswith(self._ends)
            or (path.endswith(self._names) and "/" not in path)
            # A `.` of an expression is no newline.
            or (path.endswith(self._deep) and "\n" not in path.rpartition("/")[0])
        )


class Pattern:
    """One, of any kind. Raises re.error where it is none."""

    def __init__(self, pattern: str) -> None:
        self.pieces = _pieces(pattern)
        self._fits = re.compile("".join(self.pieces)).fullmatch
        stars = sum(piece == ANY_DEPTH or _is_star(piece) for piece in self.pieces)
        odd = any(NO_CHARACTER.fullmatch(piece) for piece in self.pieces)
        self.is_endless = odd and stars > MOST_STARS
        """Whether its time has no bound: it asks for more than characters, and could be tried in many ways."""
        self._most = int(MOST_WAYS ** (1 / stars)) if stars > 1 and not odd else LONGEST

    def fits(self, path: str) -> bool:
        """Whether the whole path is as it says."""
        if len(path) <= self._most:
            return self._fits(path) is not None
        return self.fits_in_one_go(path)

    def fits_in_one_go(self, path: str) -> bool:
        """The same, in a time that grows with the path alone."""
        return self._steps.fits(path)

    @cached_property
    def _steps(self) -> "_Steps":
        return _Steps(self.pieces)


class _Steps:
    """The places between the pieces; a bit for each, and one more for each way through folders that is under way."""

    def __init__(self, pieces: list[str]) -> None:
        self._stays = self._passed = self._folders = 0
        self._kinds: dict[str, int] = {}
        """By what a character may be, the places where that is asked."""
        self._known: dict[str, int] = {}
        at = 0
        for piece in pieces:
            if piece == ANY_DEPTH:
                # Either passed at once, or entered: then it ends behind a slash.
                self._passed |= 1 << at
                self._kinds["."] = self._kinds.get(".", 0) | 1 << at + 1
                self._folders |= 1 << at + 1
                at += 2
                continue
            kind = piece[:-1] if _is_star(piece) else piece
            self._kinds[kind] = self._kinds.get(kind, 0) | 1 << at
            if _is_star(piece):
                self._stays |= 1 << at
            at += 1
        self._end = 1 << at

    def fits(self, path: str) -> bool:
        """In one go."""
        here = self._opened(1)
        for character in path:
            taken = here & self._takes(character)
            # A way through folders is over only behind a slash.
            on = taken if character == "/" else taken & ~self._folders
            here = self._opened(on << 1 | taken & (self._stays | self._folders))
            if not here:
                return False
        return bool(here & self._end)

    def _opened(self, here: int) -> int:
        """With all that can be come to without a further character."""
        while True:
            more = here | (here & self._stays) << 1 | (here & self._passed) << 1 | (here & self._passed) << 2
            if more == here:
                return here
            here = more

    def _takes(self, character: str) -> int:
        """The places where the character may come next."""
        known = self._known.get(character)
        if known is None:
            known = sum(places for kind, places in self._kinds.items() if re.fullmatch(kind, character))
            self._known[character] = known
        return known


def _pieces(pattern: str) -> list[str]:
    """Of its expression; ways through folders one behind the other are one."""
    found = PIECE.findall(expression(pattern))
    return [piece for piece, before in zip(found, ["", *found], strict=False) if piece != ANY_DEPTH or before != piece]


def _is_star(piece: str) -> bool:
    return len(piece) > 1 and piece.endswith("*") and piece != "\\*"


def expression(pattern: str) -> str:
    """As a regular expression over the whole path. BuildKit looks at each character alone, also inside of a set."""
    result: list[str] = []
    at = 0
    while at < len(pattern):
        character = pattern[at]
        at += 1
        if character == "*" and pattern[at : at + 1] == "*":
            at += 1
            at += pattern[at : at + 1] == "/"
            result.append(ANY if at >= len(pattern) else ANY_DEPTH)
        elif character == "*":
            result.append(IN_NAME)
        elif character == "?":
            result.append("[^/]")
        elif character == "\\":
            # At the end it escapes the `$` that BuildKit closes the expression with.
            result.append("\\" + (pattern[at] if at < len(pattern) else "$"))
            at += 1
        else:
            result.append("\\" + character if character in MEANT_PLAINLY else character)
    return GO_SET.sub(lambda found: found[1] + NESTED.sub(r"\\\g<0>", found[2]) + "]", "".join(result))

"""Ignoring: what `.dockerignore` leaves out of a context, by BuildKit's rules (github.com/moby/patternmatcher).

The last pattern that fits a path, or a folder above it, decides; a pattern is asked again of what is below a folder
only where the folder had not been decided by it. A path is relative to the context and written with slashes.
"""

import re
from collections.abc import Callable, Iterator

from davy.pipeline.errors import Problem
from davy.pipeline.value import dataclass

Fits = Callable[[str], bool]
LITERAL = re.compile(r"[^*[\]?\\^]*")
SET = re.compile(r"\\.|\[(?:\^|(?!\^))(?:(?:\\.|[^\]\\-])(?:-(?:\\.|[^\]\\-]))?)+\]", re.DOTALL)
"""An escaped character, or a well-formed set like `[^a-c]`."""
CHUNK = re.compile(r"(\*+|(?=.))((?:\\.|\[(?:\\.|[^\]\\])*\]|[^*])*)", re.DOTALL)
"""Stars, and what is up to the next one."""
GO_SET = re.compile(r"(?<!\\)((?:\\\\)*\[\^?\]?)((?:\\.|[^\]\\])*)\]", re.DOTALL)
NESTED = re.compile(r"(?<!\\)[\[&~|]")
"""What Python reads otherwise than Go inside of a set."""
MEANT_PLAINLY = ".+()|{}$"
"""Characters that mean something to a regular expression and nothing in a pattern."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """One line."""

    text: str
    """Cleaned, without its `!`."""
    keeps: bool
    """True for `!`: what fits is kept after all."""
    fits: Fits


@dataclass(frozen=True, slots=True, kw_only=True)
class _Decided:
    """What was found of a folder: whether it is left out, and for each pattern whether it fitted."""

    out: bool
    fitted: tuple[bool, ...]


NOTHING_ABOVE = _Decided(out=False, fitted=())


class Ignoring:
    """Answers for one context. What it found of folders it remembers."""

    def __init__(self, patterns: tuple[Pattern, ...]) -> None:
        self.patterns = patterns
        self._kept_again = tuple(one.text for one in patterns if one.keeps)
        self._plain = all(LITERAL.fullmatch(_without_glob(text)) for text in self._kept_again)
        self._known: dict[str, _Decided] = {"": NOTHING_ABOVE}

    def keeps(self, path: str) -> bool:
        """Whether the file is part of the context."""
        if not self.patterns:
            return True
        above = self._folder(path.rpartition("/")[0])
        if above.out and not self._kept_again:
            return False
        return not self._decided(path, above).out

    def enters(self, folder: str) -> bool:
        """False where nothing below the folder can be part of the context."""
        if not self._folder(folder).out:
            return True
        if not self._plain:
            return True
        return any(f"{_without_glob(text)}/".startswith(f"{folder}/") for text in self._kept_again)

    def _folder(self, path: str) -> _Decided:
        known = self._known.get(path)
        if known is None:
            known = self._decided(path, self._folder(path.rpartition("/")[0]))
            self._known[path] = known
        return known

    def _decided(self, path: str, above: _Decided) -> _Decided:
        out = False
        fitted = [False] * len(self.patterns)
        for index, pattern in enumerate(self.patterns):
            fits = bool(above.fitted) and above.fitted[index]
            # Where it cannot change the answer a pattern is not asked, and has not fitted for what is below.
            if not fits and pattern.keeps == out:
                fits = pattern.fits(path)
            if fits:
                fitted[index], out = True, not pattern.keeps
        return _Decided(out=out, fitted=tuple(fitted))


def ignoring(text: str, file: str = ".dockerignore") -> tuple[Ignoring, tuple[Problem, ...]]:
    """The rules that the text writes, and its lines that are no pattern."""
    patterns: list[Pattern] = []
    problems: list[Problem] = []
    for number, written in _lines(text):
        # Cleaned together with its mark: `!../..` is no exception but `.`, which fits nothing.
        keeps = written.startswith("!")
        pattern = written[1:] if keeps else written
        wrong = _wrong(pattern)
        if wrong:
            problems.append(Problem(what=wrong, file=file, line=number))
        else:
            patterns.append(Pattern(text=pattern, keeps=keeps, fits=_fits(pattern)))
    return Ignoring(tuple(patterns)), tuple(problems)


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Number and cleaned pattern; comments and empty lines are left out."""
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), start=1):
        written = line.strip()
        if line.startswith("#") or not written:
            continue
        mark = "!" if written.startswith("!") else ""
        bare = written.removeprefix("!").strip()
        cleaned = _clean(bare) if bare else ""
        yield number, _clean(mark + (cleaned[1:] if len(cleaned) > 1 and cleaned.startswith("/") else cleaned))


def _clean(path: str) -> str:
    """The shortest path that means the same: Go's `filepath.Clean`."""
    rooted = path.startswith("/")
    parts: list[str] = []
    for part in path.split("/"):
        if part in ("", "."):
            continue
        if part != "..":
            parts.append(part)
        elif parts and parts[-1] != "..":
            parts.pop()
        elif not rooted:
            parts.append(part)
    return "/" * rooted + "/".join(parts) or "."


def _without_glob(text: str) -> str:
    return text.removesuffix("/**").removesuffix("/*")


def _wrong(pattern: str) -> str:
    """What makes it no pattern; empty where it is one."""
    if not pattern:
        return "`!` without a pattern keeps nothing"
    try:
        if _is_broken(pattern):
            return f"{pattern} is no pattern: a `[` is not closed or holds nothing, or a `\\` is the last"
        re.compile(_expression(pattern))
    except re.error as error:
        return f"{pattern} is no pattern: {error.msg}"
    return ""


def _is_broken(pattern: str) -> bool:
    """As BuildKit finds it: by Go's `filepath.Match` against `.`, which looks no further than it fits."""
    rest = "."
    for star, chunk in CHUNK.findall(pattern):
        left = SET.sub("", chunk)
        if "[" in left or "\\" in left:
            return True
        fits = re.compile(_expression(chunk), re.DOTALL)
        found = fits.search(rest) if star else fits.match(rest)
        if found is None:
            return False
        rest = rest[found.end() :]
    return False


def _fits(pattern: str) -> Fits:
    """By the pattern's kind: BuildKit compares plain ones as texts, and `**` at an end by beginning or end."""
    if re.fullmatch(r"[^*[\]?\\]*", pattern):
        return pattern.__eq__
    if re.fullmatch(r"[^*[\]?\\]+\*\*", pattern):
        beginning = pattern[:-2]
        return lambda path: path.startswith(beginning)
    if re.fullmatch(r"\*\*[^*[\]?\\]*", pattern):
        end = pattern[2:]
        return lambda path: path.endswith(end) or (end.startswith("/") and path == end[1:])
    compiled = re.compile(_expression(pattern))
    return lambda path: compiled.fullmatch(path) is not None


def _expression(pattern: str) -> str:
    """As a regular expression over the whole path. BuildKit looks at each character alone, also inside of a set."""
    result, at = "", 0
    while at < len(pattern):
        character = pattern[at]
        at += 1
        if character == "*" and pattern[at : at + 1] == "*":
            at += 1
            at += pattern[at : at + 1] == "/"
            result += ".*" if at >= len(pattern) else "(.*/)?"
        elif character == "*":
            result += "[^/]*"
        elif character == "?":
            result += "[^/]"
        elif character == "\\":
            # At the end it escapes the `$` that BuildKit closes the expression with.
            result += "\\" + (pattern[at] if at < len(pattern) else "$")
            at += 1
        else:
            result += "\\" + character if character in MEANT_PLAINLY else character
    return GO_SET.sub(lambda found: found[1] + NESTED.sub(r"\\\g<0>", found[2]) + "]", result)

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
    for number, keeps, cleaned in _lines(text):
        wrong = _wrong(cleaned)
        if wrong:
            problems.append(Problem(what=wrong, file=file, line=number))
        else:
            patterns.append(Pattern(text=cleaned, keeps=keeps, fits=_fits(cleaned)))
    return Ignoring(tuple(patterns)), tuple(problems)


def _lines(text: str) -> Iterator[tuple[int, bool, str]]:
    """Number, whether it begins with `!`, and the cleaned pattern; comments and empty lines are left out."""
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), start=1):
        written = line.strip()
        if line.startswith("#") or not written:
            continue
        keeps = written.startswith("!")
        written = written.removeprefix("!").strip()
        cleaned = _clean(written) if written else ""
        yield number, keeps, cleaned[1:] if len(cleaned) > 1 and cleaned.startswith("/") else cleaned


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
    """What makes it no pattern, after Go's `filepath.Match`; empty where it is one."""
    if pattern in ("", "/"):
        return "`!` without a pattern keeps nothing" if not pattern else ""
    without_sets = re.sub(r"\\.|\[\^?(?:(?:\\.|[^\]\\-])(?:-(?:\\.|[^\]\\-]))?)+\]", "", pattern, flags=re.DOTALL)
    if "[" in without_sets or "\\" in without_sets:
        return f"{pattern} is no pattern: a `[` is not closed, or it ends with a `\\`"
    try:
        re.compile(_expression(pattern))
    except re.error as error:
        return f"{pattern} is no pattern: {error.msg}"
    return ""


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
    """As a regular expression over the whole path."""
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
        elif character == "\\" and at < len(pattern):
            result += "\\" + pattern[at]
            at += 1
        elif character == "[":
            end = _set_end(pattern, at)
            result += "[" + pattern[at:end].replace("[", "\\[") + "]"
            at = end + 1
        else:
            result += "\\" + character if character in MEANT_PLAINLY else character
    return result


def _set_end(pattern: str, at: int) -> int:
    """Where the set's `]` is; escaped ones do not count."""
    found = re.compile(r"(?:\\.|[^\]\\])*\]", re.DOTALL).match(pattern, at)
    return found.end() - 1 if found else len(pattern)

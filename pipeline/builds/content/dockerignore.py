"""Dockerignore: what `.dockerignore` leaves out of a context, by BuildKit's rules (github.com/moby/patternmatcher).

The last pattern that fits a path, or a folder above it, decides; a pattern is asked again of what is below a folder
only where the folder had not been decided by it. A path is relative to the context and written with slashes.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter

from davy.pipeline.builds.content.ignore_patterns import Pattern, Patterns, expression
from davy.pipeline.core.errors import Problem
from davy.pipeline.core.fast_dataclass import dataclass

MOST_CHARACTERS = 4096
"""Of a pattern: no path is longer on Linux."""
MOST_SETS = 64
"""Of a pattern; each is looked for to its end."""
MOST_WILD = 10_000
"""Patterns with wildcards in one file."""
NOTHING = -1
LITERAL = re.compile(r"[^*[\]?\\^]*")
ODD = re.compile(r"[\[\\^]")
"""What may make a line no pattern."""
SET = re.compile(r"\\.|\[(?:\^|(?!\^))(?:(?:\\.|[^\]\\-])(?:-(?:\\.|[^\]\\-]))?)+\]", re.DOTALL)
"""An escaped character, or a well-formed set like `[^a-c]`."""
CHUNK = re.compile(r"(\*+|(?=.))((?:\\.|\[(?:\\.|[^\]\\])*\]|[^*])*)", re.DOTALL)
"""Stars, and what is up to the next one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleGroup:
    """Lines that follow each other and all leave out, or all keep."""

    keeps: bool
    """True for `!`: what fits is kept after all."""
    patterns: Patterns


class Dockerignore:
    """Answers for one context. What it found of folders it remembers.

    Only the last rule that fitted matters, for a path and for all below it: those before it were overruled, and of
    those behind it only such are asked as would change the answer.
    """

    def __init__(self, patterns: Sequence[tuple[str, bool]]) -> None:
        """Each with whether it keeps."""
        runs = groupby(patterns, key=itemgetter(1))
        self._rules = tuple(RuleGroup(keeps=keeps, patterns=Patterns(text for text, _ in run)) for keeps, run in runs)
        kept_again = sorted({_without_glob(text) for text, keeps in patterns if keeps})
        self._is_literal = all(LITERAL.fullmatch(text) for text, keeps in patterns if keeps)
        self._is_plain = all(LITERAL.fullmatch(text) for text in kept_again)
        self._kept_again = sorted(f"{text}/" for text in kept_again)
        self._known: dict[str, int] = {"": NOTHING}

    def keeps(self, path: str) -> bool:
        """Whether the file is part of the context."""
        if not self._rules:
            return True
        above = self._folder(path.rpartition("/")[0])
        if not self._kept_again and self._is_out(above):
            return False
        return not self._is_out(self._decided(path, above))

    def enters(self, folder: str) -> bool:
        """False where nothing below the folder can be part of the context."""
        if not self._is_plain or not self._rules:
            return True
        below = f"{folder}/"
        at = bisect_left(self._kept_again, below)
        if at < len(self._kept_again) and self._kept_again[at].startswith(below):
            return True
        # What is left out stays so where each exception is one path, and this is on the way to none.
        if self._is_literal and self._is_out(self._folder(folder.rpartition("/")[0])):
            return False
        return not self._is_out(self._folder(folder))

    def kept(self, files: Sequence[str]) -> Sequence[str]:
        """Of files that are right in one folder, those that are part of the context."""
        if not self._rules or not files:
            return files
        above = self._folder(files[0].rpartition("/")[0])
        out = set(files) if self._is_out(above) else set[str]()
        if out and not self._kept_again:
            return ()
        for rule in self._rules[above + 1 :]:
            if rule.keeps:
                out -= rule.patterns.fitting(out)
            else:
                out |= rule.patterns.fitting([path for path in files if path not in out] if out else files)
        return [path for path in files if path not in out] if out else files

    def entered(self, folders: Sequence[str]) -> Sequence[str]:
        """Of folders that are right in one folder, those in which something may be part of the context."""
        if not self._is_plain or not self._rules or not folders:
            return folders
        above = folders[0].rpartition("/")[0]
        if self._is_literal and self._is_out(self._folder(above)):
            ways = self._ways(f"{above}/" if above else "")
            return [folder for folder in folders if folder in ways]
        return [folder for folder in folders if self.enters(folder)]

    def _ways(self, beginning: str) -> set[str]:
        """What is right in that folder and on the way to an exception, or one itself."""
        at, found = bisect_left(self._kept_again, beginning), set[str]()
        while at < len(self._kept_again) and (text := self._kept_again[at]).startswith(beginning):
            found.add(beginning + text[len(beginning) :].partition("/")[0])
            at += 1
        return found

    def _folder(self, path: str) -> int:
        """The last rule that fitted the folder or one above it."""
        known = self._known.get(path)
        if known is not None:
            return known
        waiting = [path]
        while (above := waiting[-1].rpartition("/")[0]) not in self._known:
            waiting.append(above)
        for each in reversed(waiting):
            self._known[each] = self._decided(each, self._known[each.rpartition("/")[0]])
        return self._known[path]

    def _decided(self, path: str, above: int) -> int:
        last, out = above, self._is_out(above)
        for index in range(above + 1, len(self._rules)):
            rule = self._rules[index]
            if rule.keeps == out and rule.patterns.fits(path):
                last, out = index, not rule.keeps
        return last

    def _is_out(self, last: int) -> bool:
        return last != NOTHING and not self._rules[last].keeps


def ignoring(text: str, file: str = ".dockerignore") -> tuple[Dockerignore, tuple[Problem, ...]]:
    """The rules that the text writes, and its lines that are no pattern."""
    patterns: list[tuple[str, bool]] = []
    problems: list[Problem] = []
    for number, written in _lines(text):
        # Cleaned together with its mark: `!../..` is no exception but `.`, which fits nothing.
        keeps = written.startswith("!")
        pattern = written[1:] if keeps else written
        wrong = _wrong(pattern)
        if wrong:
            problems.append(Problem(what=wrong, file=file, line=number))
        else:
            patterns.append((pattern, keeps))
    if sum(LITERAL.fullmatch(text) is None for text, _ in patterns) > MOST_WILD:
        problems.append(Problem(what=f"has more than {MOST_WILD:,} patterns with wildcards", file=file))
        patterns = []
    return Dockerignore(patterns), tuple(problems)


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
    if len(pattern) > MOST_CHARACTERS or pattern.count("[") > MOST_SETS:
        return f"{pattern[:40]}… is longer than {MOST_CHARACTERS:,} characters, or has more than {MOST_SETS} sets"
    if not ODD.search(pattern):
        return ""
    try:
        if _is_broken(pattern):
            return f"{pattern} is no pattern: a `[` is not closed or holds nothing, or a `\\` is the last"
        if Pattern(pattern).is_endless:
            return (
                f"{pattern} has more stars than can be held against a path, beside `^` or a `\\` that is no character"
            )
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
        fits = re.compile(expression(chunk), re.DOTALL)
        found = fits.search(rest) if star else fits.match(rest)
        if found is None:
            return False
        rest = rest[found.end() :]
    return False

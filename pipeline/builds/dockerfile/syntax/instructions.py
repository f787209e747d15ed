"""Instructions: a Dockerfile's text as instructions, each with its line, its flags and where they stand in the text.

By the rules of BuildKit's package `parser`: directives, comments, continued lines, heredocs.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import field, replace
from functools import lru_cache

from davy.pipeline.builds.dockerfile.frontend import syntax
from davy.pipeline.builds.dockerfile.syntax.shell_words import bare, raw_words
from davy.pipeline.core.fast_dataclass import dataclass

DIRECTIVE = re.compile(r"#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*$")
DIRECTIVES = ("syntax", "escape", "check")
HEREDOC = re.compile(r"\d*<<(-?)([^<]+)")
HOLDS_HEREDOC = ("RUN", "COPY", "ADD")
WORD = re.compile(r"[^ \t\v\f\r]+")
"""Other blanks divide nothing: U+00A0 is a letter like others."""
BLANKS = " \t\v\f\r"
LONGEST = 65_535
"""Bytes of a line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """A piece of the text, and from where to where it stands there."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """`--name=value`."""

    name: str
    value: Word | None
    """Without its quotes; None where there is no `=`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """One instruction; of ONBUILD the one that it holds back."""

    name: str
    """In capitals."""
    line: int
    flags: tuple[Flag, ...]
    words: tuple[Word, ...]
    """The rest, divided at blanks."""
    rest: str
    onbuild: bool = False
    said: str = ""
    """All of it without what does not matter: on one line, no comments within; its heredocs as they are."""
    start: int = 0
    end: int = 0
    """From where to where its lines stand in the text, with its heredocs."""

    @property
    def is_json(self) -> bool:
        """Whether it is written as a list: `["a", "b"]`."""
        return is_list(self.behind if self.name == "HEALTHCHECK" else self.rest)

    @property
    def behind(self) -> str:
        """The rest without its first word."""
        return self.rest[len(self.words[0].text) :].strip() if self.words else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedText:
    """A whole text."""

    instructions: tuple[Instruction, ...] = ()
    escape: str = "\\"
    frontend: str = ""
    """Of `# syntax=`: the image that reads the rest; empty: the builder's own."""
    syntax: str = ""
    """The whole of that line."""
    wrong: tuple[tuple[int, str], ...] = field(default_factory=tuple)
    """Line, and what is wrong there."""


@lru_cache(maxsize=64)
def read(text: str) -> ParsedText:
    """The text's instructions, and all that is wrong with how they are written."""
    return _Reader(text).read()


class _Reader:
    """Goes through the lines once."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = len("\ufeff") if text.startswith("\ufeff") else 0
        self._line = 0
        self._directives: dict[str, str] = {}
        self._directing = True
        self._escape = "\\"
        self._wrong: list[tuple[int, str]] = []

    def read(self) -> ParsedText:
        found: list[Instruction] = []
        while (start := self._at) < len(self._text):
            logical, offsets, line = self._logical()
            if not logical:
                continue
            instruction = _instruction(logical, offsets, line)
            body = self._at
            self._skip_heredocs(instruction, logical)
            said = logical.strip() + "\n" + self._text[body : self._at]
            found.append(replace(instruction, said=said, start=start, end=self._at))
        said_syntax = syntax(self._text)
        return ParsedText(
            instructions=tuple(found),
            escape=self._escape,
            frontend=said_syntax.split(" ")[0],
            syntax=said_syntax,
            wrong=tuple(self._wrong),
        )

    def _physical(self) -> tuple[str, int]:
        """The next line without its end, and where it begins."""
        start = self._at
        end = self._text.find("\n", start)
        self._at = len(self._text) if end < 0 else end + 1
        self._line += 1
        line = self._text[start : self._at]
        if len(line) > LONGEST // 4 and len(line.rstrip("\n").encode(errors="surrogateescape")) > LONGEST:
            self._wrong.append((self._line, f"is longer than {LONGEST:,} bytes"))
        return line.rstrip("\r\n"), start

    def _logical(self) -> tuple[str, list[int], int]:
        """The next line with those that continue it; the offset of each character; its number."""
        written, start = self._physical()
        number = self._line
        stripped = written.lstrip()
        start += len(written) - len(stripped)
        if self._directing:
            self._direct(stripped)
        if stripped.startswith("#"):
            return "", [], number
        piece, goes_on = self._continued(stripped)
        logical, offsets = piece, list(range(start, start + len(piece)))
        while goes_on and self._at < len(self._text):
            written, start = self._physical()
            if written.lstrip()[:1] in ("", "#"):
                continue
            piece, goes_on = self._continued(written)
            logical += piece
            offsets += range(start, start + len(piece))
        if goes_on and not logical:
            self._wrong.append((number, f"a {self._escape} alone at the end goes on with nothing"))
        return logical, offsets, number

    def _continued(self, line: str) -> tuple[str, bool]:
        """A mark of escape at the end goes on with the next line, unless it is itself escaped."""
        bare_line = line.rstrip(" \t")
        if not bare_line.endswith(self._escape) or bare_line.endswith(self._escape * 2):
            return line, False
        return bare_line[:-1], True

    def _direct(self, line: str) -> None:
        """Directives come before all else, each once."""
        found = DIRECTIVE.match(line)
        name = found[1].lower() if found else ""
        if not found or name not in DIRECTIVES:
            self._directing = False
            return
        if name in self._directives:
            self._wrong.append((self._line, f"the directive `{name}` is there twice"))
        self._directives.setdefault(name, found[2])
        if name == "escape":
            if found[2] in ("\\", "`"):
                self._escape = found[2]
            else:
                self._wrong.append((self._line, f"escape={found[2]}: only \\ and ` can escape"))

    def _skip_heredocs(self, instruction: Instruction, logical: str) -> None:
        if "<<" not in logical or instruction.name not in HOLDS_HEREDOC or instruction.is_json:
            return
        for name, chomps in _heredocs(logical):
            while self._at < len(self._text):
                line, _ = self._physical()
                if (line.lstrip("\t") if chomps else line) == name:
                    break
            else:
                self._wrong.append((instruction.line, f"the heredoc <<{name} has no end: a line {name} is missing"))


def _heredocs(line: str) -> Sequence[tuple[str, bool]]:
    """The line's heredocs: the word that ends each, and whether tabs before it do not count."""
    found = []
    for word in raw_words(line):
        match = HEREDOC.fullmatch(word)
        if match is None:
            continue
        try:
            names = bare(match[2])
        except ValueError:
            continue
        if len(names) == 1:
            found.append((names[0], match[1] == "-"))
    return found


def _instruction(logical: str, offsets: list[int], line: int, *, onbuild: bool = False) -> Instruction:
    first = WORD.search(logical)
    name, end = (first[0].upper(), first.end()) if first else ("", len(logical))
    flags, at = _flags(logical, offsets, end)
    rest = logical[at:]
    if name == "ONBUILD" and not onbuild and rest:
        return _instruction(rest, offsets[at:], line, onbuild=True)
    words = tuple(_word(found[0], offsets, at + found.start(), at + found.end()) for found in WORD.finditer(rest))
    return Instruction(name=name, line=line, flags=flags, words=words, rest=rest.strip(), onbuild=onbuild)


def _word(text: str, offsets: list[int], start: int, end: int) -> Word:
    if start == end:
        behind = offsets[start - 1] + 1
        return Word(text=text, start=behind, end=behind)
    return Word(text=text, start=offsets[start], end=offsets[end - 1] + 1)


def _flags(line: str, offsets: list[int], at: int) -> tuple[tuple[Flag, ...], int]:
    """The words that begin with `--`, and where the rest begins."""
    found: list[Flag] = []
    while True:
        at += len(line[at:]) - len(line[at:].lstrip(BLANKS))
        if not line.startswith("--", at):
            return tuple(found), at
        text, end = _unquoted(line, at)
        if text == "--":
            return tuple(found), end
        name, is_said, value = text.removeprefix("--").partition("=")
        start = line.index("=", at, end) + 1 if is_said else end
        found.append(Flag(name=name, value=_word(value, offsets, start, end) if is_said else None))
        at = end


def _unquoted(line: str, at: int) -> tuple[str, int]:
    """The word that begins there, without its quotes and escapes, and where it ends. A flag's escape is always `\\`."""
    text, quote = "", ""
    while at < len(line):
        character = line[at]
        if not quote and character.isspace():
            break
        at += 1
        if character == quote:
            quote = ""
        elif not quote and character in "'\"":
            quote = character
        elif character == "\\":
            text += line[at : at + 1]
            at += 1
        else:
            text += character
    return text, min(at, len(line))


def is_list(text: str) -> bool:
    """Whether it is a list of texts."""
    value = _listed(text)
    return value is not None and all(isinstance(item, str) for item in value)


def mixed_list(text: str) -> bool:
    """Whether it is a list that holds something else, too."""
    value = _listed(text)
    return value is not None and not all(isinstance(item, str) for item in value)


def _listed(text: str) -> list[object] | None:
    if not text.startswith("["):
        return None
    try:
        value = json.loads(text, parse_constant=_refused)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, list) else None


def _refused(constant: str) -> object:
    """NaN and the like are of JavaScript, not of JSON."""
    raise ValueError(constant)

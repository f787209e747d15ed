"""Shell words: quotes and `$NAME` in a Dockerfile, read as BuildKit reads them (its package `shell`)."""

import re
from collections.abc import Mapping

SPECIAL = "@*#?-$!0"
"""Names of one character; nothing in a Dockerfile sets them."""
ORDINARY = re.compile(r"[^$'\"\\`]*")
"""Nothing in it is a variable, a quote or what may be the mark of escape: nearly all there is."""


def expanded(word: str, values: Mapping[str, str], escape: str = "\\") -> str:
    """The word without its quotes, `$NAME`, `${NAME:-other}` and the like filled in; what is not set is empty.

    Raises ValueError with what is wrong.
    """
    if ORDINARY.fullmatch(word) and not any(map(str.isspace, word)):
        return word
    return _Reader(word, escape=escape, values=values).read()[0]


def raw_words(line: str) -> list[str]:
    """The line's words with their quotes and escapes; variables are left. None of them where a quote is not closed."""
    if ORDINARY.fullmatch(line):
        return line.split()
    try:
        return _Reader(line, raw=True).read()[1]
    except ValueError:
        return []


def words_of(rest: str, escape: str) -> list[str]:
    """Words with their quotes; one that is not closed goes on to the end."""
    mark = re.escape(escape)
    word = rf"""(?:{mark}.|{mark}$|"(?:[^"{mark}]|{mark}.|{mark}$)*(?:"|$)|'[^']*(?:'|$)|[^\s'"{mark}])+"""
    return re.findall(word, rest, re.DOTALL)


def check(word: str, escape: str = "\\") -> None:
    """Raises ValueError where a quote is not closed, or a `${…}` is none, whatever is set."""
    if not ORDINARY.fullmatch(word):
        _Reader(word, escape=escape).read()


def bare(word: str) -> list[str]:
    """The words that are left when quotes are taken off; variables are left. Raises ValueError."""
    return _Reader(word).read()[1]


class _Words:
    """Characters become words; quoted ones do not divide."""

    def __init__(self) -> None:
        self._done: list[str] = []
        self._open: str | None = None

    def add(self, text: str) -> None:
        for character in text:
            if not character.isspace():
                self.add_raw(character)
            elif self._open:
                self._done.append(self._open)
                self._open = None

    def add_raw(self, text: str) -> None:
        self._open = (self._open or "") + text

    def all(self) -> list[str]:
        return [*self._done, *([self._open] if self._open else [])]


class _Reader:
    """Reads one text from its beginning to its end. `values` None: variables are left as they are written."""

    def __init__(
        self, text: str, *, escape: str = "\\", values: Mapping[str, str] | None = None, raw: bool = False
    ) -> None:
        self._text, self._at = text, 0
        self._escape, self._values = escape, values
        self._raw_quotes, self._raw_escapes = raw, raw

    def read(self, stop: str = "") -> tuple[str, list[str]]:
        """Up to `stop`, which is consumed, or the end: as one text, and as words."""
        result, words = "", _Words()
        while self._at < len(self._text):
            character = self._peek()
            if stop and character == stop:
                self._at += 1
                return result, words.all()
            match character:
                case "'":
                    piece = self._single()
                    words.add_raw(piece)
                case '"':
                    piece = self._double()
                    words.add_raw(piece)
                case "$":
                    piece = self._dollar()
                    words.add(piece)
                case self._escape:
                    piece = self._escaped()
                    words.add_raw(piece)
                case _:
                    piece = self._next()
                    words.add(piece)
            result += piece
        if stop:
            raise ValueError(f"a {stop} is missing")
        return result, words.all()

    def _peek(self) -> str:
        return self._text[self._at] if self._at < len(self._text) else ""

    def _next(self) -> str:
        character = self._peek()
        self._at += 1
        return character

    def _escaped(self) -> str:
        mark = self._next()
        return (mark if self._raw_escapes else "") + self._next()

    def _single(self) -> str:
        end = self._text.find("'", self._at + 1)
        if end < 0:
            raise ValueError("a ' is not closed")
        inside = self._text[self._at + 1 : end]
        self._at = end + 1
        return f"'{inside}'" if self._raw_quotes else inside

    def _double(self) -> str:
        self._at += 1
        result = ""
        while (character := self._peek()) != '"':
            if not character:
                raise ValueError('a " is not closed')
            if character == "$":
                result += self._dollar()
                continue
            self._at += 1
            if character == self._escape:
                result += character if self._raw_escapes else ""
                follower = self._peek()
                character = self._next() if follower and follower in ('"', "$", self._escape) else character
            result += character
        self._at += 1
        return f'"{result}"' if self._raw_quotes else result

    def _dollar(self) -> str:
        began = self._at
        self._at += 1
        if self._peek() != "{":
            name = self._name()
            return self._filled(name, f"${name}") if name else "$"
        self._at += 1
        if self._peek() in ("", "{", "}", ":"):
            raise ValueError("`${` without a name")
        name = self._name()
        modifier = self._next()
        if modifier == "}":
            return self._filled(name, f"${{{name}}}")
        value = self._replaced(name) if modifier == "/" else self._modified(name, modifier)
        return self._text[began : self._at] if self._values is None else value

    def _filled(self, name: str, written: str) -> str:
        return written if self._values is None else self._values.get(name, "")

    def _name(self) -> str:
        if self._peek() and self._peek() in SPECIAL.replace("0", ""):
            return self._next()
        pattern = r"\d+" if self._peek().isdigit() else r"\w+"
        found = re.compile(pattern).match(self._text, self._at)
        self._at = found.end() if found else self._at
        return found[0] if found else ""

    def _modified(self, name: str, modifier: str) -> str:
        empty_is_unset = modifier == ":"
        if empty_is_unset:
            modifier = self._next()
        if not modifier:
            raise ValueError("a } is missing")
        if modifier not in "+-?#%":
            raise ValueError(f"${{{name}{modifier}…}} is no substitution that a Dockerfile knows")
        word = self._word(raw=modifier in "#%")
        value = (self._values or {}).get(name)
        there = value is not None and not (empty_is_unset and value == "")
        match modifier:
            case "-":
                return value if there and value is not None else word
            case "+":
                return word if there else ""
            case "?":
                if not there and self._values is not None:
                    raise ValueError(f"{name}: {word or 'is not set'}")
                return value or ""
            case _:
                return _trimmed(value or "", modifier, word)

    def _word(self, *, raw: bool, stop: str = "}") -> str:
        before, self._raw_escapes = self._raw_escapes, raw
        try:
            return self.read(stop)[0]
        finally:
            self._raw_escapes = before

    def _replaced(self, name: str) -> str:
        everywhere = self._peek() == "/"
        if everywhere:
            self._at += 1
        pattern = self._word(raw=True, stop="/")
        by = self._word(raw=True)
        value = (self._values or {}).get(name, "")
        return re.sub(_regex(pattern), lambda _: by, value, count=0 if everywhere else 1)


def _trimmed(value: str, modifier: str, word: str) -> str:
    """`#` takes the shortest beginning off that the pattern fits, `##` the longest; `%` and `%%` the end."""
    greedy = word[:1] == modifier
    pattern = _regex(word[1:] if greedy else word)
    lengths = range(len(value), -1, -1) if greedy else range(len(value) + 1)
    for length in lengths:
        piece = value[:length] if modifier == "#" else value[len(value) - length :]
        if re.fullmatch(pattern, piece, re.DOTALL):
            return value[length:] if modifier == "#" else value[: len(value) - length]
    return value


def _regex(pattern: str) -> str:
    """A shell's pattern: `*`, `?`, and `\\` before one of them."""
    pieces = re.findall(r"\\.|.", pattern, re.DOTALL)
    return "".join({"*": ".*", "?": "."}.get(piece) or re.escape(piece[-1]) for piece in pieces)

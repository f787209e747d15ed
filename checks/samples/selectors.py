"""Selectors: taken apart, widened by a matcher, and matched against labels."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from davy.pipeline.core.fast_dataclass import dataclass

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
MATCHER = re.compile(r"\s*(\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|[a-zA-Z_:.][\w:.]*)\s*(=~|!~|!=|=)\s*(.*)", re.DOTALL)
QUOTES = "\"'`"
PIECES = re.compile(r"#[^\n]*|\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|`[^`]*`", re.DOTALL)
"""What holds no syntax: comments, and texts in each of PromQL's quotes."""


def plain_quotes(text: str) -> str:
    """The same expression with its raw texts (between backticks) in double quotes, which every parser knows."""

    def quoted(found: re.Match[str]) -> str:
        piece = found.group()
        if not piece.startswith("`"):
            return piece
        inner = piece[1:-1].replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'"{inner}"'

    return PIECES.sub(quoted, text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selector:
    """A plain vector selector: a name, and matchers as they were written."""

    name: str = ""
    matchers: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.name}{{{','.join(self.matchers)}}}" if self.matchers else self.name

    def joined(self, matcher: str) -> "Selector":
        """With one more matcher."""
        return replace(self, matchers=(*self.matchers, matcher))

    def without(self, index: int) -> "Selector":
        """With the matcher at this place dropped."""
        return replace(self, matchers=self.matchers[:index] + self.matchers[index + 1 :])

    def matches(self, labels: Mapping[str, str]) -> bool:
        """True where a series with these labels is selected; a missing label is an empty one."""
        if self.name and labels.get("__name__", "") != self.name:
            return False
        return all(_holds(matcher, labels) for matcher in self.matchers)


def selector(text: str) -> Selector:
    """The selector a text means. Raises ValueError where it is anything but a plain vector selector."""
    rest = text.strip()
    found = NAME.match(rest)
    name = found.group() if found else ""
    rest = rest[len(name) :].lstrip()
    if not rest:
        if not name:
            raise ValueError("the selector is empty")
        return Selector(name=name)
    if not rest.startswith("{"):
        raise ValueError(f'{text!r} is no vector selector; write it like http_requests_total{{job="shop"}}')
    parts, after = _parts(rest, text)
    if after.strip():
        raise ValueError(f"{text!r} goes on after its selector ({after.strip()!r}): no range, offset or function here")
    if not name and not parts:
        raise ValueError(f"{text!r} selects every series there is")
    for part in parts:
        read_matcher(part)
    return Selector(name=name, matchers=parts)


def _parts(rest: str, text: str) -> tuple[tuple[str, ...], str]:
    """The matchers between the braces that `rest` opens with, and what comes after them."""
    parts, part, quote, escaped = [], "", "", False
    for place, char in enumerate(rest[1:], start=1):
        if quote:
            part += char
            if escaped:
                escaped = False
            elif char == "\\" and quote != "`":
                escaped = True
            elif char == quote:
                quote = ""
        elif char in ",}":
            parts.append(part.strip())
            part = ""
            if char == "}":
                return tuple(filter(None, parts)), rest[place + 1 :]
        else:
            part += char
            quote = char if char in QUOTES else ""
    raise ValueError(f"{text!r} has no closing {'quote' if quote else 'brace'}")


def _holds(matcher: str, labels: Mapping[str, str]) -> bool:
    label, operator, value = read_matcher(matcher)
    have = labels.get(label, "")
    if operator in ("=", "!="):
        return (have == value) == (operator == "=")
    return bool(re.fullmatch(value, have)) == (operator == "=~")


def read_matcher(matcher: str) -> tuple[str, str, str]:
    """Label, operator and value of a matcher."""
    found = MATCHER.fullmatch(matcher)
    if not found:
        # A quoted name alone: {"http.requests", job="shop"}.
        return "__name__", "=", unquoted(matcher)
    label = found.group(1)
    return unquoted(label) if label[0] in QUOTES else label, found.group(2), unquoted(found.group(3))


def unquoted(text: str) -> str:
    """The string that a quoted PromQL string means."""
    text = text.strip()
    if len(text) < 2 or text[0] not in QUOTES or text[-1] != text[0]:
        raise ValueError(f"{text!r} is not quoted")
    inner = text[1:-1]
    return inner if text[0] == "`" else re.sub(r"\\(.)", lambda found: _escape(found.group(1)), inner)


def _escape(char: str) -> str:
    return {"n": "\n", "t": "\t", "r": "\r"}.get(char, char)


def any_of(names: tuple[str, ...]) -> str:
    """A regex for exactly these names, safe inside any of PromQL's quotes (so no backslash)."""
    return "|".join(re.sub(r"[^A-Za-z0-9_-]", lambda found: f"[{found.group()}]", name) for name in sorted(names))


def bound_matcher(*bounds: timedelta, none: bool = False) -> str:
    """A matcher for bucket bounds, in the spellings clients use (1, 1.0, 5e-05), and for +Inf.

    `none`: series without any bound match too, as those of native histograms are.
    """
    spelled = sorted({one for bound in bounds for one in _spellings(bound.total_seconds())})
    return f'le=~"{"|".join(spelled)}|[+]?Inf{"|" if none else ""}"'


def _spellings(seconds: float) -> set[str]:
    plain = f"{seconds:.6f}".rstrip("0").rstrip(".")
    whole, _, part = plain.partition(".")
    spelled = {f"{whole}([.]0+)?" if not part else f"{whole}[.]{part}0*", _exponent(seconds)}
    if part:
        # Bounds that a client computed: 0.12800000000000003, 0.30000000000000004, 0.6999999999999998.
        below = f"{int(whole + part) - 1:0{len(whole + part)}d}"
        spelled |= {f"{whole}[.]{part}0{{6,}}[0-9]+", f"{below[: len(whole)]}[.]{below[len(whole) :]}9{{6,}}[0-9]*"}
    return spelled


def _exponent(seconds: float) -> str:
    mantissa, _, power = f"{seconds:.15e}".partition("e")
    digits = mantissa.rstrip("0").rstrip(".").replace(".", "[.]")
    sign = "[+]?" if power[0] == "+" else "-"
    return f"{digits}([.]0+)?e{sign}0*{int(power[1:])}"

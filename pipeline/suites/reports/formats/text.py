"""Text: a report's bytes as characters that XML can hold, in pieces."""

import codecs
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import chain

MOST_CHARACTERS = 2 * 2**30
PIECE = 64 * 2**10
ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""What XML 1.0 cannot hold at all."""
REFERENCE = re.compile("&#(?:x([0-9a-fA-F]{1,8})|([0-9]{1,8}));")
UNSURE = re.compile("&[#0-9a-zA-Z]{0,12}$")
ENCODING = re.compile(rb"""^\s*<\?xml[^>]*encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
NO_TEXT = ("idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "utf_7", "mbcs", "oem")
"""Codecs of the standard library whose bytes are no written text."""
MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    # Without a byte order mark a report begins with `<`.
    (b"<\0\0\0", "utf-32-le"),
    (b"<\0", "utf-16-le"),
    (b"\0\0\0<", "utf-32-be"),
    (b"\0<", "utf-16-be"),
)


class BrokenReport(ValueError):
    """The report cannot be read; the text is a sentence for people."""


class Pieces:
    """The report's text, piece by piece. `mended` counts the characters that had to be replaced."""

    def __init__(self, chunks: Iterable[bytes | str]) -> None:
        self._chunks = chunks
        self.mended = 0
        self.encoding = "utf-8"
        self.foreign = False
        """True where bytes were none of the encoding."""

    def __iter__(self) -> Iterator[str]:
        """Raises Broken."""
        held, size = "", 0
        for text in self._decoded():
            size += len(text)
            if size > MOST_CHARACTERS:
                raise BrokenReport("its report is larger than 2 GiB")
            for start in range(0, len(text), PIECE):
                piece = held + text[start : start + PIECE]
                # A reference cut in two by the chunk's end waits for its rest.
                unsure = UNSURE.search(piece, max(0, len(piece) - 20))
                held = unsure[0] if unsure else ""
                yield self._legal(piece[: len(piece) - len(held)])
        if held:
            yield self._legal(held)

    def _decoded(self) -> Iterator[str]:
        several = iter(self._chunks)
        first = next(several, "")
        if isinstance(first, str):
            yield first.removeprefix("\ufeff")
            yield from (chunk if isinstance(chunk, str) else chunk.decode(errors="replace") for chunk in several)
            return
        self.encoding = _encoding(first)
        decoder = codecs.getincrementaldecoder(self.encoding)("strict")
        self.encoding = self.encoding.removesuffix("-sig")
        for chunk in chain([first], several, [None]):
            data = b"" if chunk is None else chunk if isinstance(chunk, bytes) else chunk.encode()
            before = decoder.getstate()
            try:
                yield decoder.decode(data, chunk is None)
            except UnicodeDecodeError:
                self.foreign = True
                decoder.errors = "replace"
                decoder.setstate(before)
                yield decoder.decode(data, chunk is None)

    def _legal(self, piece: str) -> str:
        """With what XML cannot hold as a replacement character: tests print what they like."""
        piece, found = ILLEGAL.subn("\ufffd", piece)
        self.mended += found
        return REFERENCE.sub(self._reference, piece) if "&#" in piece else piece

    def _reference(self, match: re.Match[str]) -> str:
        code = int(match[1], 16) if match[1] else int(match[2])
        if code <= 0x10FFFF and not ILLEGAL.match(chr(code)):
            return match[0]
        self.mended += 1
        return "\ufffd"


def is_utf8(head: bytes) -> bool:
    """Whether a report that begins so says nothing else of its encoding. Raises Broken where it names none there is."""
    return _encoding(head).startswith("utf-8")


def _encoding(head: bytes) -> str:
    marked = next((name for mark, name in MARKS if head.startswith(mark)), "")
    if marked and marked != "utf-8-sig":
        return marked
    said = ENCODING.match(head.removeprefix(codecs.BOM_UTF8))
    name = said[1].decode() if said else "utf-8"
    known = _text_codec(name)
    if known is None:
        raise BrokenReport(f"its report has the encoding {name}, which is not read here")
    # What could be read as ASCII until here is neither UTF-16 nor UTF-32, whatever it says.
    return "utf-8-sig" if known in ("utf-8", "ascii") or known.startswith(("utf-16", "utf-32")) else known


def _text_codec(name: str) -> str | None:
    """The standard library's name of it; None where there is none, or its bytes are no text: base64, zip, …"""
    try:
        known = codecs.lookup(name).name
        with suppress(UnicodeError):
            b"<".decode(known)
    except LookupError:
        return None
    return None if known.replace("-", "_") in NO_TEXT else known

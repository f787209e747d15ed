"""JUnit text: a report's bytes as characters that XML can hold, in pieces."""

import codecs
import re
from collections.abc import Iterable, Iterator
from itertools import chain

MOST_CHARACTERS = 2 * 2**30
PIECE = 64 * 2**10
ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""What XML 1.0 cannot hold at all."""
REFERENCE = re.compile("&#(?:x([0-9a-fA-F]{1,8})|([0-9]{1,8}));")
UNSURE = re.compile("&[#0-9a-zA-Z]{0,12}$")
ENCODING = re.compile(rb"""^\s*<\?xml[^>]*encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
ENCODINGS = ("utf-8", "ascii", "iso8859-1", "iso8859-15", "cp1252", "utf-16", "utf-16-le", "utf-16-be")


class Broken(ValueError):
    """The report cannot be read; the text is a sentence for people."""


class Pieces:
    """The report's text, piece by piece. `mended` counts the characters that had to be replaced."""

    def __init__(self, chunks: Iterable[bytes | str]) -> None:
        self._chunks = chunks
        self.mended = 0

    def __iter__(self) -> Iterator[str]:
        """Raises Broken."""
        held, size = "", 0
        for text in _decoded(self._chunks):
            size += len(text)
            if size > MOST_CHARACTERS:
                raise Broken("its report is larger than 2 GiB")
            for start in range(0, len(text), PIECE):
                piece = held + text[start : start + PIECE]
                # A reference cut in two by the chunk's end waits for its rest.
                unsure = UNSURE.search(piece, max(0, len(piece) - 20))
                held = unsure[0] if unsure else ""
                yield self._legal(piece[: len(piece) - len(held)])
        if held:
            yield self._legal(held)

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


def _decoded(chunks: Iterable[bytes | str]) -> Iterator[str]:
    several = iter(chunks)
    first = next(several, "")
    if isinstance(first, str):
        yield first.removeprefix("\ufeff")
        yield from (chunk if isinstance(chunk, str) else chunk.decode(errors="replace") for chunk in several)
        return
    decoder = codecs.getincrementaldecoder(_encoding(first))("replace")
    for chunk in chain([first], several):
        yield decoder.decode(chunk if isinstance(chunk, bytes) else chunk.encode())
    yield decoder.decode(b"", True)


def _encoding(head: bytes) -> str:
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    said = ENCODING.match(head.removeprefix(codecs.BOM_UTF8))
    name = said[1].decode() if said else "utf-8"
    try:
        known = codecs.lookup(name).name
    except LookupError:
        known = ""
    if known not in ENCODINGS:
        raise Broken(f"its report has the encoding {name}, which is not read here")
    return "utf-8-sig" if known in ("utf-8", "ascii") or known.startswith("utf-16") else known

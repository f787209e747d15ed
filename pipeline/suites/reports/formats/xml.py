"""Xml: the parser under the readers of reports. What comes is bounded, and nothing is declared or fetched."""

from typing import Protocol
from xml.parsers import expat

from davy.pipeline.core.text import nouns
from davy.pipeline.suites.reports.formats.text import BrokenReport

MOST_CASES = 200_000
MOST_DEPTH = 64
LONGEST_NAME = 2 * 2**10
LONGEST_MESSAGE = 16 * 2**10
MOST_WORDS = 48 * 2**20
"""Characters of messages, texts and outputs kept of one report; beyond it of each only the first few."""
LONGEST_TAG = 4 * 2**20
"""Characters without one element, text or comment that is whole: the parser holds them all in memory."""


class Reader(Protocol):
    """Who is told what stands in a report."""

    def begins(self, word: str, told: dict[str, str]) -> None:
        """An element, with its attributes."""

    def ends(self, word: str) -> None:
        """The same element."""

    def says(self, text: str) -> None:
        """Text in it; one text may come in several."""

    def declares(self, name: str) -> None:
        """A document type, or an entity. The report is broken by it."""


class ReportXml:
    """Tells a reader of the elements and texts that come."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._silent = self._depth = 0
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartDoctypeDeclHandler = self._declared
        self._parser.EntityDeclHandler = self._declared
        self._parser.StartElementHandler = self._begun
        self._parser.EndElementHandler = self._ended
        self._parser.CharacterDataHandler = self._said
        self._parser.CommentHandler = self._passed

    def feed(self, piece: str, *, last: bool = False) -> None:
        """Raises Broken."""
        self._silent += len(piece)
        if self._silent > LONGEST_TAG:
            raise BrokenReport("its report has a tag longer than 4 MiB")
        try:
            self._parser.Parse(piece, last)
        except expat.ExpatError as error:
            raise BrokenReport(f"its report is no XML: {error}") from error

    def _begun(self, tag: str, told: dict[str, str]) -> None:
        self._silent = 0
        if self._depth >= MOST_DEPTH:
            raise BrokenReport("its report nests too deep")
        self._depth += 1
        self._reader.begins(tag.rsplit(":", 1)[-1], told)

    def _ended(self, tag: str) -> None:
        self._silent = 0
        self._depth -= 1
        self._reader.ends(tag.rsplit(":", 1)[-1])

    def _said(self, text: str) -> None:
        self._silent = 0
        self._reader.says(text)

    def _passed(self, _: str) -> None:
        self._silent = 0

    def _declared(self, name: str, *_: object) -> None:
        self._reader.declares(name)
        raise BrokenReport("its report declares a document type or entities; that is refused")


def counted_in(cases: int) -> None:
    """One more case, where so many are there. Raises Broken."""
    if cases >= MOST_CASES:
        raise BrokenReport(f"its report has more than {MOST_CASES:,} cases; the rest was not read")


def cut_in(places: int) -> tuple[str, ...]:
    """The note on long words."""
    return (f"long words were cut in {nouns.counted(places, 'place')} of its report",) if places else ()

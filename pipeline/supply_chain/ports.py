"""Ports to what looks into images and signs them."""

from datetime import timedelta
from pathlib import Path
from typing import Protocol

from davy.pipeline.core.artifacts import Image
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.ports import Say


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanOrder:
    """One image to be scanned, by a command of the user's."""

    image: Image
    run: str
    """For `/bin/sh -c`; `$IMAGE` is the image by digest, `$REPORT` where the report belongs."""
    report: Path
    folder: Path = Path()
    """Where it starts."""
    limit: timedelta = timedelta(minutes=10)


class Scanner(Protocol):
    """Runs scanners. What they found is in the report, and is no matter of this port."""

    def scan(self, order: ScanOrder, say: Say) -> int | None:
        """Its exit code; None where it took too long. A report of an earlier run is gone before it starts.

        Raises KeyboardInterrupt where it was stopped because nobody wants it any more.
        """
        ...


class Signer(Protocol):
    """Signs images, and says whether they are signed."""

    def sign(self, image: Image) -> None:
        """Raises Missing without the tool, Rejected with its words where it fails."""
        ...

    def verify(self, image: Image) -> str:
        """Empty: it is signed as it should be. Otherwise why not, in one line. Raises Missing, Unusable."""
        ...

"""Masked files: secrets taken out of text files in place, as streams. What is no text is left as it is."""

import codecs
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from davy.pipeline.core.secrets.masks import MASK, MaskedStream, Masks

REPORT = ".xml"
WORDS = (
    "<?xml version= encoding= standalone= utf-8 UTF-8?> <testsuites <testsuite <testcase name= classname= time= file= "
    "line= tests= failures= errors= skipped= disabled= assertions= timestamp= hostname= package= id= message= type= "
    "<properties> <property value= <failure <error <skipped <system-out> <system-err> <![CDATA[ ]]> <stackTrace> "
    "<rerunFailure <rerunError <flakyFailure <flakyError status= result= true false"
)
"""What reports are made of: a secret that is one of these words hides nothing, and masked it would break them."""
CHUNK = 2**20
SNIFFED = 2**13
WIDE = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
"""Texts that hold zero bytes all the same; their own mark tells which way round."""


def below(folder: Path, masks: Masks) -> Iterator[tuple[Path, Path]]:
    """Mask every file below the folder. Gives those that were moved, for their names held a secret: from and to."""
    for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
        if path.is_symlink() or not path.is_file():
            continue
        masked(path, masks.but(WORDS) if path.suffix == REPORT else masks)
        there = folder / masks.text(path.relative_to(folder).as_posix())
        if there != path:
            there.parent.mkdir(parents=True, exist_ok=True)
            if not there.parent.resolve().is_relative_to(folder.resolve()):
                there = path.with_name(MASK)
            while there.exists() or there.is_symlink():
                there = there.with_name(f"{there.name}_")
            yield path, path.rename(there)


def masked(path: Path, masks: Masks) -> None:
    """The same file without secrets; nothing where it is none, or holds none. Raises OSError."""
    if not masks.secrets or path.is_symlink() or not path.is_file():
        return
    aside = path.with_name(f".{path.name}.masked")
    # What lies there is the suite's, and may be a link to anywhere.
    aside.unlink(missing_ok=True)
    try:
        with path.open("rb") as source, aside.open("xb") as into:
            changed = _copied(source, into, masks)
        if changed:
            aside.chmod(path.stat().st_mode & 0o777)
            os.replace(aside, path)  # noqa: PTH105 - what it is called in the language
    finally:
        aside.unlink(missing_ok=True)


def _copied(source: BinaryIO, into: BinaryIO, masks: Masks) -> bool:
    """True where something was masked. A file without secrets is read once and not kept twice."""
    head = source.read(SNIFFED)
    encoding = next((name for mark, name in WIDE.items() if head.startswith(mark)), "utf-8")
    if encoding == "utf-8" and b"\0" in head:
        return False
    source.seek(0)
    # What is no UTF-8 comes out as it went in.
    decoder = codecs.getincrementaldecoder(encoding)(errors="surrogateescape" if encoding == "utf-8" else "replace")
    encoder = codecs.getincrementalencoder(encoding)(errors="surrogateescape" if encoding == "utf-8" else "replace")
    stream = MaskedStream(masks)
    while True:
        chunk = source.read(CHUNK)
        text = decoder.decode(chunk, final=not chunk)
        out = stream.fed(text) + ("" if chunk else stream.rest())
        into.write(encoder.encode(out, final=not chunk))
        if not chunk:
            return stream.changed

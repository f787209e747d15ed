"""Object ID: how git names a content, whole or as it is read.

https://git-scm.com/book/en/v2/Git-Internals-Git-Objects
"""

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hashlib import _Hash


def begun(size: int, format_: str = "sha1") -> "_Hash":
    """To be fed with the content, which must have so many bytes; its hex digest is the id then.

    `format_`: of the repository's objects, `sha1` or `sha256`.
    """
    return hashlib.new(format_, b"blob %d\0" % size, usedforsecurity=False)


def blob(content: bytes, format_: str = "sha1") -> str:
    """The id of a content."""
    named = begun(len(content), format_)
    named.update(content)
    return named.hexdigest()


def format_of(blob: str) -> str:
    """What an id was made by."""
    return "sha256" if len(blob) == 64 else "sha1"

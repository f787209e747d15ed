"""Mask forms: how a secret may look in what davy and others write: quoted, escaped, in URLs, in base64."""

import base64
import json
import re
import shlex
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

SHORTEST = 4
"""Characters of a line or of an encoded piece that is looked for by itself."""
SURE = 12
"""The same, of a piece of a wrapped text."""
WRAPS = (64, 76)
"""Columns at which `openssl base64` and `base64` begin a new line."""
QUOTES = {'"': ("&quot;", "&#34;", "&#x22;"), "'": ("&apos;", "&#39;", "&#x27;")}
JS_SAFE = "!*'()"
"""What encodeURIComponent leaves as it is."""
SHELL = re.compile(r"([^A-Za-z0-9_@%+=:,./\-])")


def forms(secret: str) -> Iterator[str]:
    """Of the whole secret, and of each of its lines."""
    whole = secret.strip()
    lines = [line.strip() for line in whole.splitlines()]
    for part in dict.fromkeys((whole, *(line for line in lines if len(line) >= SHORTEST))):
        yield from _plain(part)
        yield from _encoded(part)
    if len(lines) > 1:
        # A variable or a file is often sent with the line's end that it has.
        yield from _encoded(secret)
        yield "\r\n".join(whole.splitlines())


def _plain(part: str) -> Iterator[str]:
    """As texts in quotes, in URLs, in XML and in shells."""
    yield part
    for said in (json.dumps(part)[1:-1], json.dumps(part, ensure_ascii=False)[1:-1], repr(part)[1:-1]):
        yield from (said, said.replace("/", "\\/"), _unmarked(said))
    for sent in (quote(part, safe=""), quote(part), quote_plus(part), quote(part, safe=JS_SAFE)):
        yield from (sent, _small(sent))
    yield from _marked_up(part)
    yield from (shlex.quote(part).removeprefix("'").removesuffix("'"), part.replace("'", "'\\''"))
    yield SHELL.sub(r"\\\1", part)


def _unmarked(said: str) -> str:
    """As Go writes JSON: nothing in it is markup."""
    return said.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _small(sent: str) -> str:
    return re.sub("%[0-9A-F]{2}", lambda match: match[0].lower(), sent)


def _marked_up(part: str) -> Iterator[str]:
    plain = part.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    yield from (plain, plain.replace("\n", "&#10;"), plain.replace('"', "&quot;").replace("'", "&#x27;"))
    for double in (*QUOTES['"'], '"'):
        for single in (*QUOTES["'"], "'"):
            yield plain.replace('"', double).replace("'", single)


def _encoded(part: str) -> Iterator[str]:
    """In base64, alone and in the middle of something longer, whose bytes before it are any number."""
    data = part.encode(errors="surrogateescape")
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        whole = encode(data).decode()
        yield from (whole, whole.rstrip("="))
        for before in range(3):
            first, last = -(-8 * before // 6), 8 * (before + len(data)) // 6
            inner = encode(b"\0" * before + data).decode()[first:last]
            if len(inner) >= SHORTEST:
                yield inner
        for wide in WRAPS:
            if len(whole) > wide:
                yield from (line for at in range(0, len(whole), wide) if len(line := whole[at : at + wide]) >= SURE)

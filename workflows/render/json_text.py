"""JSON text: a document on one line of ASCII in which no CI system finds a command."""

import json
from typing import Any

from davy.workflows.render import veil


def json_text(document: Any, *, separators: tuple[str, str] | None = None, allow_nan: bool = True) -> str:
    """The same value, without secrets. Unless `allow_nan`: raises ValueError for NaN and infinities, no JSON."""
    line = json.dumps(veil.masks().value(document), allow_nan=allow_nan, separators=separators)
    # Azure and TeamCity look for `##…[` anywhere in a line. A # stands only in strings, where this is the same one.
    return line.replace("##", "#\\u0023")

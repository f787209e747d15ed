"""JSON tree: what JSON from outside says. However it is written, all that can go wrong is a JSONDecodeError."""

import json
from typing import Any


def parsed(text: str | bytes | bytearray) -> Any:
    """The value. Raises json.JSONDecodeError for what is no JSON, nests too deep, or has numbers of too many digits."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        raise
    except RecursionError:
        raise json.JSONDecodeError("it nests too deep", "", 0) from None
    except ValueError as error:  # A number of thousands of digits, or bytes that are no text.
        raise json.JSONDecodeError(str(error), "", 0) from error

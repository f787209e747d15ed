"""Suite variables: under which names a suite is told of its part."""

import re

UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
"""Letters that no name of a file or a variable has."""
TOLD = (
    "SHARD",
    "SHARDS",
    "TESTS",
    "ATTEMPT",
    "FAILED",
    "IMAGE",
    "URL",
    "URLS",
    "WEBDRIVER_URL",
    "RELEASE",
    "RUNNER",
    "FAILED_MORE",
)
"""What a suite is told besides its cell, each behind `DAVY_`."""


def variable(key: str) -> str:
    """Under which name a suite finds the value of a key of its matrix: `DAVY_BROWSER_NAME` of `browser-name`."""
    return f"DAVY_{UNSAFE.sub('_', key).replace('-', '_').replace('.', '_').upper()}"

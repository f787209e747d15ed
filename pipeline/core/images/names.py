"""Names: names of images, taken apart: registry and repository, tag, digest."""

import re

SCRATCH = "scratch"
"""No image: the empty beginning."""

REFERENCE = re.compile(
    r"([A-Za-z0-9.-]+(:\d+)?/)?[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*"
    r"(:\w[\w.-]{0,127})?(@[a-z0-9]+:[0-9a-f]{32,})?"
)
"""https://github.com/distribution/reference: what may name an image."""


def taken_apart(reference: str) -> tuple[str, str, str]:
    """Repository as it is written, tag, digest; what is not there is empty.

    >>> taken_apart("registry:5000/a/b:1@sha256:ab")
    ('registry:5000/a/b', '1', 'sha256:ab')
    """
    named, _, digest = reference.partition("@")
    head, slash, last = named.rpartition("/")
    last, _, tag = last.partition(":")
    return f"{head}{slash}{last}", tag, digest


def repository(reference: str) -> str:
    """Registry and repository as they are written."""
    return taken_apart(reference)[0]


def own_digest(reference: str) -> str:
    """The digest that the reference itself holds; empty where it has none, and may move."""
    return taken_apart(reference)[2]


def asked_for(reference: str) -> tuple[str, str]:
    """What a registry is asked: the repository, and the digest, the tag or `latest`."""
    name, tag, digest = taken_apart(reference)
    return name, digest or tag or "latest"


def familiar(reference: str) -> str:
    """As people write it: without docker.io, library and :latest. Two names of one image are the same then."""
    name, tag, digest = taken_apart(reference)
    for prefix in ("docker.io/", "index.docker.io/"):
        name = name.removeprefix(prefix)
    if name.count("/") == 1:
        name = name.removeprefix("library/")
    tail = f"@{digest}" if digest else f":{tag}" if tag not in ("", "latest") else ""
    return name + tail

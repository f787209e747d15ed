"""Caches: where a build's layers are taken from and left, in full, as buildx writes it."""

from collections.abc import Sequence
from typing import Literal

Way = Literal["from", "to"]
TAG = "buildcache"
"""The tag of an image's cache, beside it in its own repository: two images with one cache overwrite each other."""


def in_full(said: Sequence[str], name: str, scope: str, way: Way) -> tuple[str, ...]:
    """Each short form written out for one image; what holds a `type=` stays as it is.

    `name`: registry and repository. `scope`: names the image among the others of the configuration.
    The attributes: https://docs.docker.com/build/cache/backends/
    """
    return tuple(one if "type=" in one else _full(one, name, scope, way) for one in said)


def _full(one: str, name: str, scope: str, way: Way) -> str:
    ref = f"{name}:{TAG}{_suffix(scope)}"
    match one, way:
        case "registry" | "inline", "from":
            return f"type=registry,ref={ref}"
        case "registry", "to":
            # A cache that cannot be stored must not fail an image that was built.
            return f"type=registry,ref={ref},mode=max,ignore-error=true"
        case "gha", "from":
            return f"type=gha,scope={_plain(scope)}"
        case "gha", "to":
            return f"type=gha,scope={_plain(scope)},mode=max,ignore-error=true"
        case "inline", "to":
            # The cache is in the image itself, so the image needs a tag to be found by: buildx knows no `ref` here,
            # davy's builder takes it out and pushes the image under it, too.
            return f"type=inline,ref={ref}"
        case folder, "from":
            return f"type=local,src={folder}/{_plain(scope)}"
        case folder, _:
            return f"type=local,dest={folder}/{_plain(scope)},mode=max"


def _suffix(scope: str) -> str:
    """Of a matrix each cell has a tag of its own."""
    cell = scope.partition("[")[2].rstrip("]")
    return f"-{_plain(cell)}" if cell else ""


def _plain(text: str) -> str:
    """As a file name and a tag may be written."""
    return "".join(letter if letter.isalnum() or letter in "_.-" else "-" for letter in text).strip("-.")[:80]

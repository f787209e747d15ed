"""References: what a person calls an image by: `name`, `name:tag`, `name@sha256:…`."""

import re

from davy.pipeline.core.errors import Problem, Unusable
from davy.pipeline.core.fast_dataclass import dataclass

# https://github.com/distribution/reference/blob/main/regexp.go
NAME = re.compile(
    r"(?:(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\])(?::\d+)?/)?"
    r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*"
)
TAG = re.compile(r"[\w][\w.-]{0,127}", re.ASCII)
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
REMEDY = "An image is named like registry.example.com/shop/checkout:main or …/checkout@sha256:…"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A name with what it is to be looked up by."""

    name: str
    wanted: str
    """A digest, or a tag."""
    tag: str = ""


def read(text: str) -> Reference:
    """The reference; `latest` where neither tag nor digest is said. Raises Unusable."""
    rest, at, digest = text.partition("@")
    head, colon, tag = rest.rpartition(":")
    if not colon or "/" in tag:
        head, tag = rest, ""
    if not NAME.fullmatch(head) or (at and not DIGEST.fullmatch(digest)) or (tag and not TAG.fullmatch(tag)):
        raise _unusable(f"{text[:200]!r} names no image")
    return Reference(name=head, wanted=digest or tag or "latest", tag=tag)


def on_the_hub(text: str) -> str:
    """`library/nope` for `nope`, `shop/app` for `shop/app:1`: its name on Docker Hub; empty where it is elsewhere."""
    parts = read(text).name.split("/")
    if len(parts) > 1 and ("." in parts[0] or ":" in parts[0] or parts[0] == "localhost"):
        return ""
    return "/".join(parts if len(parts) > 1 else ["library", *parts])


def name(text: str) -> str:
    """A name without tag and digest. Raises Unusable."""
    if not NAME.fullmatch(text):
        raise _unusable(f"{text[:200]!r} is no image's name, or has a tag or digest where none belongs")
    return text


def tags(texts: tuple[str, ...]) -> tuple[str, ...]:
    """Tags, each once. Raises Unusable with all that are none."""
    wrong = [text for text in texts if not TAG.fullmatch(text)]
    if wrong:
        raise _unusable(
            *(f"{text[:200]!r} is no tag: letters, digits, `_`, `.` and `-`, at most 128" for text in wrong)
        )
    return tuple(dict.fromkeys(texts))


def _unusable(*whats: str) -> Unusable:
    problems = tuple(Problem(what=what) for what in whats)
    return Unusable("That cannot be used as it is.", problems=problems, remedy=REMEDY)

"""Mounts: `--mount` of a RUN: keys, values, and which kind of mount takes which, as BuildKit has it."""

import re
from collections.abc import Callable, Iterator, Mapping
from posixpath import normpath

from davy.pipeline.builds.dockerfile.syntax.suggestion import meant

KINDS = ("bind", "cache", "tmpfs", "secret", "ssh")
SHARING = ("shared", "private", "locked")
KEYS = (
    "type", "from", "source", "src", "target", "dst", "destination", "readonly", "ro", "readwrite", "rw", "required",
    "size", "id", "sharing", "mode", "uid", "gid", "env",
)  # fmt: skip
ALONE = ("readonly", "ro", "readwrite", "rw")
TARGETS = ("target", "dst", "destination")
OWNED = ("mode", "uid", "gid")
TRUTH = re.compile(r"1|t|T|TRUE|true|True|0|f|F|FALSE|false|False")
"""https://pkg.go.dev/strconv#ParseBool"""
SIZE = re.compile(r"(?:\d+(?:\.\d*)?|\.\d+) ?(?:b|[kmgtp](?:b|ib)?)?", re.IGNORECASE)
"""https://pkg.go.dev/github.com/docker/go-units#RAMInBytes"""
RECORD = re.compile(r'(?:"(?:[^"]|"")*"|[^",]*)(?:,(?:"(?:[^"]|"")*"|[^",]*))*')
QUOTED = re.compile(r"[\"\r\n]")


def is_record(value: str) -> bool:
    """Whether it is one line of CSV, with something in it."""
    return bool(value) and RECORD.fullmatch(value) is not None


def mount_fields(value: str) -> list[tuple[str, str]]:
    """A mount's keys and values, as BuildKit reads them: one line of CSV."""
    return [(key, text) for key, _, text in (one.partition("=") for one in _fields(value))]


def _fields(value: str) -> list[str]:
    if not QUOTED.search(value):
        return value.split(",") if value else []
    import csv  # noqa: PLC0415 - hardly a mount has quotes

    return next(csv.reader([value]), [])


def unfit_mount(value: str, filled: Callable[[str], str | None]) -> Iterator[str]:
    """What is wrong with it. `filled`: a value with its variables; None where one is not known.

    Raises ValueError where one cannot be filled in.
    """
    said: dict[str, str | None] = {"type": "bind"}
    for one in _fields(value):
        written, has_value, text = one.partition("=")
        key, known = written.lower(), filled(text) if has_value else None
        if not has_value:
            yield from _alone(one, key, said["type"])
        elif key not in KEYS:
            yield f"--mount has no key {key!r}{meant(key, KEYS)}"
        elif known is not None:
            yield from _valued(key, known, said["type"])
        said[key] = known.lower() if key == "type" and known is not None else known
    yield from _together(said)


def _alone(one: str, key: str, kind: str | None) -> Iterator[str]:
    if key == "required" and kind not in ("secret", "ssh", None):
        yield f"a mount of type {kind} has no key 'required'"
    elif key not in (*ALONE, "required"):
        yield f"--mount: {one!r} needs a value{meant(key, (*ALONE, 'required'))}"


def _valued(key: str, value: str, kind: str | None) -> Iterator[str]:
    if key == "type" and value.lower() not in KINDS:
        yield f"--mount: type {value!r} is none of {', '.join(KINDS)}{meant(value, KINDS)}"
    elif key == "sharing" and value.lower() not in SHARING:
        yield f"--mount: sharing {value!r} is none of {', '.join(SHARING)}{meant(value, SHARING)}"
    elif key == "required" and kind not in ("secret", "ssh", None):
        yield f"a mount of type {kind} has no key 'required'"
    elif key == "size" and kind not in ("tmpfs", None):
        yield f"a mount of type {kind} has no key 'size'"
    elif key in CHECKED and not CHECKED[key](value):
        yield f"--mount: {value!r} is no value for {key}"


def _together(said: Mapping[str, str | None]) -> Iterator[str]:
    kind = said["type"]
    if kind is None:
        return
    if kind in ("bind", "tmpfs"):
        yield from (f"a mount of type {kind} has no {key}" for key in OWNED if key in said)
    if said.get("sharing") and kind != "cache":
        yield f"a mount of type {kind} has no sharing"
    if kind in ("bind", "cache", "tmpfs") and any(normpath(said.get(key) or ".") in ("/", "//") for key in TARGETS):
        yield "--mount: nothing can be mounted on /"
    source = said.get("source", said.get("src", ""))
    if kind == "secret":
        if said.get("from"):
            yield "a mount of type secret has no `from`"
        if all(said.get(key, "") == "" for key in ("source", "src", "id", *TARGETS)):
            yield "a mount of type secret needs an id"
        if source and said.get("id"):
            yield "a mount of type secret has either an id or a source"


def _whole(value: str, base: int) -> bool:
    # No more digits than a number of 32 bits has: Python reads no endless ones.
    found = re.fullmatch(r"0*([0-7]{1,11})" if base == 8 else r"0*(\d{1,10})", value, re.ASCII)
    return found is not None and int(found[1], base) < 2**32


CHECKED: Mapping[str, Callable[[str], bool]] = {
    **dict.fromkeys((*ALONE, "required"), lambda value: TRUTH.fullmatch(value) is not None),
    "size": lambda value: SIZE.fullmatch(value) is not None,
    "mode": lambda value: _whole(value, 8),
    "uid": lambda value: _whole(value, 10),
    "gid": lambda value: _whole(value, 10),
}

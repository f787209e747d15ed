"""Sources: what COPY, ADD and mounts take from a context, and what ADD fetches, with their variables filled in."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from posixpath import normpath

from davy.pipeline.builds.dockerfile.syntax.instructions import HEREDOC, Flag, Instruction
from davy.pipeline.builds.dockerfile.syntax.mounts import mount_fields
from davy.pipeline.builds.dockerfile.syntax.variables import Scope
from davy.pipeline.core.fast_dataclass import dataclass

WITHOUT_FILES = ("tmpfs", "secret", "ssh", "cache")
"""Mounts that take nothing from the build's own context."""
HTTP = re.compile(r"https?://")
GIT = re.compile(r"(?:git|ssh)://|(?:https?://)[^?#]*\.git(?:[?#].*)?$|[\w.-]+@[\w.-]+:")
"""https://docs.docker.com/reference/dockerfile/#add: what is cloned."""
COMMIT = re.compile(r"\.git(?:\?[^#]*)?#(?:[0-9a-f]{40}|[0-9a-f]{64})(?::|$)")
HELD = re.compile(r"\?(?:[^#]*&)?(?:(?:checksum|commit)=[0-9a-fA-F]+|ref=(?:[0-9a-f]{40}|[0-9a-f]{64}))(?:[&#]|$)")
"""Of a git address: a commit that it must be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What one source takes from a context."""

    line: int
    written: str
    """As people wrote it."""
    context: str = ""
    """As `from` has it; empty: the build's own."""
    path: str = ""
    """From the context's root, cleaned; empty: all of it."""
    below: str = ""
    """Of `--parents`: the pattern of what is taken below the path; empty: all of it."""
    excluded: tuple[str, ...] = ()
    """Patterns of what is left out below the path."""
    globs: bool = True
    """False where `*` is nothing but a letter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """What the builder fetches by itself while it builds."""

    line: int
    address: str
    checked: bool
    """True where a checksum says what it must be."""


def taken(one: Instruction, scopes: Sequence[Scope], escape: str) -> Iterator[Taken | Remote]:
    """What the instruction takes, on each platform. A source that cannot be known takes all there is.

    A stage that it takes from is no context: whoever asks knows which is which.
    """
    found: Iterator[Taken | Remote] = iter(())
    if one.name in ("COPY", "ADD"):
        found = _copied(one, scopes, escape)
    elif one.name == "RUN":
        found = _mounted(one, scopes, escape)
    yield from dict.fromkeys(found)


def mounted_from(flag: Flag) -> str:
    """The `from` of a `--mount`; empty where it has none."""
    for key, value in mount_fields(flag.value.text if flag.value else ""):
        if key.lower() == "from":
            return value
    return ""


def _copied(one: Instruction, scopes: Sequence[Scope], escape: str) -> Iterator[Taken | Remote]:
    flags = {flag.name: flag.value.text if flag.value else "" for flag in one.flags}
    # BuildKit fills nothing in here; one that did would leave out less or more than is known.
    excluded = tuple(flag.value.text for flag in one.flags if flag.name == "exclude" and flag.value)
    excluded = () if any("$" in pattern for pattern in excluded) else excluded
    for word in _words(one):
        for scope in scopes:
            filled = _filled(scope, word, escape)
            said = _beginning(scope, word, escape) if filled is None else filled
            if one.name == "ADD" and (HTTP.match(said) or GIT.match(said)):
                yield Remote(line=one.line, address=said, checked=bool(flags.get("checksum")) or _holds(said))
                continue
            base = Taken(line=one.line, written=word, context=flags.get("from", ""))
            if filled is None or (escape == "`" and "\\" in filled):
                yield base
            else:
                yield _source(base, filled, excluded, parents="parents" in flags and flags["parents"] != "false")


def _words(one: Instruction) -> list[str]:
    """The sources as they are written, without heredocs."""
    words = list(json.loads(one.rest)) if one.is_json else [word.text for word in one.words]
    return [word for word in words[:-1] if not HEREDOC.fullmatch(word)]


def _source(base: Taken, filled: str, excluded: tuple[str, ...], *, parents: bool) -> Taken:
    path, pivot, below = filled.partition("/./") if parents else (filled, "", "")
    if parents and not pivot:
        path, below = "", filled
    return replace(base, path=cleaned(path), below=cleaned(below), excluded=excluded)


def _mounted(one: Instruction, scopes: Sequence[Scope], escape: str) -> Iterator[Taken]:
    for flag in one.flags:
        if flag.name != "mount" or flag.value is None:
            continue
        for scope in scopes:
            found = _mount(flag, one.line, scope, escape)
            if found is not None:
                yield found


def _mount(flag: Flag, line: int, scope: Scope, escape: str) -> Taken | None:
    """What a mount shows; None where that is nothing of a context."""
    fields = mount_fields(flag.value.text if flag.value else "")
    said = {name.lower(): _filled(scope, value, escape) for name, value in fields}
    key = "source" if "source" in said else "src"
    source, context, kind = said.get(key), mounted_from(flag), said.get("type", "bind")
    if kind is not None and kind.lower() in WITHOUT_FILES and not (context and kind.lower() == "cache"):
        return None
    written = next((value for name, value in fields if name.lower() == key), ".")
    return Taken(line=line, written=written, context=context, path=cleaned(source or ""), globs=False)


def cleaned(path: str) -> str:
    """From the context's root, without `.`, `..` and slashes too many; empty for the root itself."""
    return normpath("/" + path).lstrip("/")


def _filled(scope: Scope, word: str, escape: str) -> str | None:
    try:
        return scope.filled(word, escape)
    except ValueError:
        return None


def _beginning(scope: Scope, word: str, escape: str) -> str:
    try:
        return scope.beginning(word, escape)
    except ValueError:
        return word.strip("\"'")


def _holds(address: str) -> bool:
    """A git address that names a whole commit is its own checksum; of a file's address the query says nothing."""
    return bool(GIT.match(address) and (COMMIT.search(address) or HELD.search(address)))

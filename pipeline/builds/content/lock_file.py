"""Lock file: the digests of base images as text, for git: a line a base, sorted, nothing that changes by itself.

It is YAML, written and read line by line: so a line is what a review sees, and what an error names.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import field
from enum import StrEnum

from davy.pipeline.core.errors import Problem
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.images.names import familiar

HEAD = """\
# The digests of the base images that builds stand on. Made by `davy build lock`, renewed by
# `davy build lock --update`; a change here is a change of what is built.
version: 1
"""
BASE = re.compile(r"  (?P<quote>['\"]?)(?P<reference>[^\s'\"#]+)(?P=quote): +(?P<digest>[^\s#]+)(?: +#(?P<note>.*))?")
HOLDS = "onbuild"
"""The note behind a base that holds back by ONBUILD what may take any file."""
DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
CONFLICT = re.compile(r"(<{7}|={7}|>{7}|\|{7})( |$)")


class ChangeKind(StrEnum):
    """What became of a base."""

    ADDED = "added"
    MOVED = "moved"
    GONE = "gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class LockChange:
    """One line of the lock that is another one than before."""

    kind: ChangeKind
    reference: str
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LockFile:
    """What a lock file says."""

    bases: Mapping[str, str] = field(default_factory=dict)
    """Digests by reference, as Dockerfiles write it."""
    holding: frozenset[str] = frozenset()
    """Of these, the ones that are noted to hold something back by ONBUILD."""
    problems: tuple[Problem, ...] = ()


class Spellings(Mapping[str, str]):
    """Digests, found by any name of an image: `alpine` and `docker.io/library/alpine:latest` are one."""

    def __init__(self, bases: Mapping[str, str]) -> None:
        self._bases = bases
        self._names = {familiar(name): name for name in sorted(bases, reverse=True)}

    def __getitem__(self, reference: str) -> str:
        """Of that very spelling, where it is there."""
        return self._bases[reference if reference in self._bases else self._names[familiar(reference)]]

    def __iter__(self) -> Iterator[str]:
        return iter(self._bases)

    def __len__(self) -> int:
        return len(self._bases)


def once(before: Collection[str], named: Collection[str]) -> tuple[str, ...]:
    """Of several names of one image those that the lock has, else one: as the lock spells it, or the shortest."""
    known = {familiar(name): name for name in sorted(before, reverse=True)}
    found: dict[str, list[str]] = {}
    for name in sorted({*named}, key=lambda name: (len(name), name)):
        found.setdefault(familiar(name), []).append(name)
    kept = ([name for name in names if name in before] or [known.get(one, names[0])] for one, names in found.items())
    return tuple(sorted(name for names in kept for name in names))


def read(text: str, file: str = "davy.lock") -> LockFile:
    """The text's bases, and every line that is none."""
    bases: dict[str, str] = {}
    holding: set[str] = set()
    problems: list[Problem] = []
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), start=1):
        wrong = _taken(line.rstrip(), bases, holding)
        if wrong:
            problems.append(Problem(what=wrong, file=file, line=number))
    return LockFile(bases=bases, holding=frozenset(holding), problems=tuple(problems))


def written(bases: Mapping[str, str], holding: Collection[str] = ()) -> str:
    """The file's text; the same bases give the same text."""
    if not bases:
        return HEAD + "bases: {}\n"
    return (
        HEAD
        + "bases:\n"
        + "".join(f"  {name}: {bases[name]}{f'  # {HOLDS}' if name in holding else ''}\n" for name in sorted(bases))
    )


def due(before: Mapping[str, str], needed: Collection[str], renewed: Collection[str] = ()) -> tuple[str, ...]:
    """The references whose digest has to be asked for: those that are missing, and those to be renewed."""
    return tuple(name for name in sorted(needed) if name not in before or name in renewed)


def anew(before: Mapping[str, str], needed: Collection[str], found: Mapping[str, str]) -> dict[str, str]:
    """The lock with what was found, and without what nothing stands on any more."""
    return {name: found[name] if name in found else before[name] for name in sorted({*found, *before} & set(needed))}


def difference(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[LockChange, ...]:
    """Every line that changes, by reference."""
    return tuple(
        LockChange(
            kind=_kind(name, before, after), reference=name, before=before.get(name, ""), after=after.get(name, "")
        )
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    )


def _kind(name: str, before: Mapping[str, str], after: Mapping[str, str]) -> ChangeKind:
    if name not in before:
        return ChangeKind.ADDED
    return ChangeKind.MOVED if name in after else ChangeKind.GONE


def _taken(line: str, bases: dict[str, str], holding: set[str]) -> str:
    """Take the line; what is wrong with it, empty where nothing is."""
    if not line or line.lstrip().startswith("#") or line in ("version: 1", "bases:", "bases: {}", "---"):
        return ""
    if CONFLICT.match(line):
        return "is left from a merge; keep either side, then run `davy build lock`"
    if line.startswith("version:"):
        return f"is of version {line.partition(':')[2].strip()}; this davy reads version 1"
    found = BASE.fullmatch(line)
    if found is None:
        return "is no line of a lock; it would be `  image:tag: sha256:…`"
    if not DIGEST.fullmatch(found["digest"]):
        return f"{found['digest']} is no digest; it would be sha256: and 64 hex digits"
    if found["reference"] in bases:
        return f"{found['reference']} is there twice"
    bases[found["reference"]] = found["digest"]
    holding |= {found["reference"]} if (found["note"] or "").strip() == HOLDS else set()
    return ""

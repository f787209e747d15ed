"""Variables: what `$NAME` stands for within a stage, as far as its Dockerfile tells; its base may set more."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import field, replace

from davy.pipeline.builds.dockerfile.syntax.instructions import Instruction
from davy.pipeline.builds.dockerfile.syntax.shell_words import expanded, raw_words
from davy.pipeline.core.fast_dataclass import dataclass

NAMED = re.compile(r"\$\{?(\w+)")
"""Everything that may be a variable, quoted and escaped ones, too: rather one too many than one too few."""
ALWAYS = "PATH"
"""BuildKit sets it in every stage, by the platform."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """The variables at one place of a stage, on one platform."""

    values: Mapping[str, str] = field(default_factory=dict)
    unknown: frozenset[str] = frozenset({ALWAYS})
    """Names that have a value, and nobody here knows which."""
    open: bool = False
    """True where a name that is not in `values` may still have a value: a base image's own."""

    def filled(self, word: str, escape: str = "\\") -> str | None:
        """The word without quotes, with its variables; None where one is not known. Raises ValueError."""
        if any(self._is_hidden(name) for name in NAMED.findall(word)):
            return None
        return expanded(word, self.values, escape)

    def beginning(self, word: str, escape: str = "\\") -> str:
        """As much of it as is known. Raises ValueError."""
        ends = (found.start() for found in NAMED.finditer(word) if self._is_hidden(found[1]))
        return expanded(word[: next(ends, len(word))], self.values, escape)

    def _is_hidden(self, name: str) -> bool:
        return name in self.unknown or (self.open and name not in self.values)

    def having(self, name: str, value: str | None) -> "Scope":
        """With one more; None: it has a value that is not known."""
        if value is None:
            return replace(self, unknown=self.unknown | {name})
        return replace(self, values={**self.values, name: value}, unknown=self.unknown - {name})


def after(scope: Scope, one: Instruction, before: Scope, args: Mapping[str, str], escape: str) -> Scope:
    """Behind an instruction. `before`: what was there before the first FROM; `args`: those of the build."""
    if one.name == "ARG":
        for word in raw_words(one.rest):
            scope = declared(scope, word, before, args, escape)
    return _set(scope, one.rest, escape) if one.name == "ENV" else scope


def declared(scope: Scope, word: str, before: Scope, args: Mapping[str, str], escape: str) -> Scope:
    """With an argument: `NAME`, or `NAME=value`. The build's own comes first, then that text, then what was before."""
    name, has_value, value = word.partition("=")
    if name in args:
        return scope.having(name, args[name])
    if has_value:
        return scope.having(name, _filled(scope, value, escape))
    if name in before.values or name in before.unknown:
        return scope.having(name, before.values.get(name))
    return scope


def names_of(one: Instruction) -> tuple[str, ...]:
    """The arguments that an ARG names."""
    return tuple(word.partition("=")[0] for word in raw_words(one.rest)) if one.name == "ARG" else ()


def _set(scope: Scope, rest: str, escape: str) -> Scope:
    """With variables: `NAME=value …`, or the older `NAME value`. Each is filled with what was before all of them."""
    words = raw_words(rest)
    if words and "=" not in words[0]:
        name, _, value = rest.partition(" ")
        pairs = [(name, value.strip())]
    else:
        pairs = [(name, value) for name, _, value in (word.partition("=") for word in words)]
    after_all = scope
    for written, value in pairs:
        name_filled = _filled(scope, written, escape)
        if name_filled is None:
            return Scope(open=True)
        after_all = after_all.having(name_filled, _filled(scope, value, escape))
    return after_all


def _filled(scope: Scope, word: str, escape: str) -> str | None:
    try:
        return scope.filled(word, escape)
    except ValueError:
        return None


def first(platform: str, target: str, args: Mapping[str, str], names: Iterable[str]) -> Scope:
    """Before the first instruction. `platform`: empty where the builder takes its own. `names`: those of platforms."""
    parts = [*platform.split("/"), "", ""][:3]
    known = {"TARGETSTAGE": target or "default"}
    if platform:
        known |= {"TARGETPLATFORM": platform, "TARGETOS": parts[0], "TARGETARCH": parts[1], "TARGETVARIANT": parts[2]}
    known |= {name: args[name] for name in (*names, *known) if name in args}
    return Scope(values=known, unknown=frozenset({ALWAYS, *names}) - known.keys())

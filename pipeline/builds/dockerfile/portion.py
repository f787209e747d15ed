"""Portion: of a Dockerfile's text and of the build's arguments what the needed stages are made by."""

from collections.abc import Collection, Iterable, Sequence

from davy.pipeline.builds.dockerfile.stages import PLATFORM_NAMES, Stages
from davy.pipeline.builds.dockerfile.syntax.instructions import Instruction, ParsedText, Word
from davy.pipeline.builds.dockerfile.syntax.shell_words import raw_words
from davy.pipeline.builds.dockerfile.syntax.variables import NAMED, names_of
from davy.pipeline.core.fast_dataclass import dataclass

OF_BUILDKIT = ("BUILDKIT_", "SOURCE_DATE_EPOCH")
"""Arguments that change a build though no ARG names them: https://docs.docker.com/reference/dockerfile/#buildkit-built-in-build-args"""
PROXIES = ("http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy")
"""In any case of letters. Every RUN has them, and BuildKit's cache does not ask for them, unless an ARG names them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Portion:
    """What counts."""

    said: str
    """The text as the key has it: without comments, and without what is not needed."""
    args: frozenset[str]
    """Of the build's arguments."""
    unneeded: tuple[tuple[int, int], ...] = ()
    """From where to where in the text the stages stand that are not."""
    renumbered: tuple[tuple[Word, str], ...] = ()
    """Where `--from` says a stage's number: the one it has without these."""


def portion(read: ParsedText, stages: Stages, needed: Collection[int], given: Collection[str]) -> Portion:
    """What counts where these stages are needed. `given`: the names of the build's arguments."""
    kept = [stages.stages[index] for index in sorted(needed)]
    firsts = [stage.instructions[0] for stage in kept]
    before = _before(stages.before, firsts, [one for stage in kept for one in stage.instructions])
    declared = {name for stage in kept for name in stage.declared}.union(*map(names_of, before))
    declared |= {name for one in firsts for name in _mentioned(one)} & set(PLATFORM_NAMES)
    lines = [f"syntax={read.syntax}", f"escape={read.escape}"]
    lines += [one.said for one in before] + [one.said for stage in kept for one in stage.instructions]
    return Portion(
        said="\n".join(lines),
        args=frozenset(name for name in given if name in declared or name.startswith(OF_BUILDKIT)),
        unneeded=tuple(_unneeded(stages, needed)),
        renumbered=tuple(_renumbered(stages, sorted(needed))),
    )


def is_proxy(name: str) -> bool:
    """An argument that a builder knows without an ARG, and that no layer depends on."""
    return name.lower() in PROXIES


def _before(
    before: Sequence[Instruction], firsts: Iterable[Instruction], inside: Iterable[Instruction]
) -> list[Instruction]:
    """Of the ARG before the first FROM those that the stages ask for, and that these ask for."""
    wanted = {name for one in firsts for name in _mentioned(one)}
    wanted |= {word for one in inside if one.name == "ARG" for word in raw_words(one.rest) if "=" not in word}
    found: list[Instruction] = []
    for one in reversed(before):
        if wanted & set(names_of(one)):
            found.insert(0, one)
            wanted |= set(NAMED.findall(one.rest))
    return found


def _mentioned(one: Instruction) -> list[str]:
    """Of a FROM, the variables in it."""
    return NAMED.findall(one.said)


def _unneeded(stages: Stages, needed: Collection[int]) -> Iterable[tuple[int, int]]:
    starts = [stage.instructions[0].start for stage in stages.stages]
    ends = [*starts[1:], max((stage.instructions[-1].end for stage in stages.stages), default=0)]
    yield from ((starts[at], ends[at]) for at in range(len(starts)) if at not in needed)


def _renumbered(stages: Stages, needed: Sequence[int]) -> Iterable[tuple[Word, str]]:
    if len(needed) == len(stages.stages):
        return
    for index in needed:
        for source in stages.stages[index].copied:
            number = source.word.text
            if number.isdigit() and int(number) in needed:
                yield source.word, str(needed.index(int(number)))

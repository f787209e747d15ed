"""Stages: a Dockerfile's instructions as stages with what each is made from; problems with their lines."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import field, replace
from functools import lru_cache

from davy.pipeline.builds.dockerfile.sources import Remote, Taken, mounted_from, taken
from davy.pipeline.builds.dockerfile.syntax.grammar import FORMS, malformed, unfit
from davy.pipeline.builds.dockerfile.syntax.instructions import Instruction, ParsedText, Word
from davy.pipeline.builds.dockerfile.syntax.operands import is_platform, unusable
from davy.pipeline.builds.dockerfile.syntax.shell_words import expanded, raw_words
from davy.pipeline.builds.dockerfile.syntax.suggestion import meant
from davy.pipeline.builds.dockerfile.syntax.variables import NAMED, Scope, after, first, names_of
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.images.names import SCRATCH, familiar

STAGE_NAME = re.compile(r"[a-z][a-z0-9-_.]*")
WHICH = ("OS", "ARCH", "VARIANT")
PLATFORM_NAMES = tuple(f"{side}{which}" for side in ("TARGET", "BUILD") for which in ("PLATFORM", *WHICH))


@dataclass(frozen=True, slots=True, kw_only=True)
class StageSource:
    """What something is taken from, as it is written: an image, a stage, a further context."""

    word: Word
    line: int
    names: tuple[str, ...]
    """What it stands for, for each platform; one, nearly always."""
    called: str = ""
    """Its name in the text, where an image stands in for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DockerfileStage:
    """From one FROM to the next."""

    name: str
    base: StageSource
    copied: tuple[StageSource, ...] = ()
    """What COPY --from and RUN --mount=from name, also those that its base stage held back by ONBUILD."""
    taken: tuple[Taken, ...] = ()
    """What it takes from contexts; from stages and images, too, for `from` does not say which it is."""
    remotes: tuple[Remote, ...] = ()
    declared: frozenset[str] = frozenset()
    """The arguments that its ARG name."""
    instructions: tuple[Instruction, ...] = ()
    """Its own, FROM first."""
    held: tuple[Instruction, ...] = ()
    """By ONBUILD, for a stage or an image that is made on it."""
    wrong: tuple[tuple[int, str], ...] = ()
    """What fails where the stage is needed: line, and what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stages:
    """All stages, and what is wrong, by line."""

    stages: tuple[DockerfileStage, ...] = ()
    before: tuple[Instruction, ...] = ()
    """The ARG before the first FROM."""
    wrong: tuple[tuple[int, str], ...] = field(default_factory=tuple)


def staged(
    said: ParsedText,
    args: Mapping[str, str],
    worlds: Sequence[tuple[str, str]],
    *,
    platforms: Sequence[str] = (),
    target: str = "",
    contexts: Collection[str] = (),
) -> Stages:
    """`worlds`: (target, builder), one after the other, for each that the names in FROM are filled for.

    `platforms`: as the recipe says them, which may be none. `contexts`: the further ones; they take a stage's place.
    """
    last = next((one for one in reversed(said.instructions) if one.name == "FROM" and not one.onbuild), None)
    name = target or (last.words[2].text if last and len(last.words) == 3 else "")
    scopes = tuple(first(platform, name, args, PLATFORM_NAMES) for platform in platforms or ("",))
    return _Stages(said, args, worlds, scopes, frozenset(map(familiar, contexts))).all()


WORD = re.compile(r"[A-Z][A-Z-]{0,19}")


class _Stages:
    """Goes through the instructions once."""

    def __init__(
        self,
        said: ParsedText,
        args: Mapping[str, str],
        worlds: Sequence[tuple[str, str]],
        scopes: tuple[Scope, ...],
        contexts: frozenset[str],
    ) -> None:
        self._said, self._args, self._contexts = said, args, contexts
        self._worlds = [{**_platform_values(*world), **_given(args)} for world in worlds]
        self._global = self._scopes = scopes
        """Before the first FROM, and at the instruction that is read."""
        self._ends: list[tuple[Scope, ...]] = []
        """Of each stage."""
        self._wrong: list[tuple[int, str]] = []
        self._before_all: list[Instruction] = []
        self._stages: list[DockerfileStage] = []

    def all(self) -> Stages:
        if not self._said.instructions:
            self._wrong.append((1, "has no instruction"))
        begun = False
        for one in self._said.instructions:
            self._check(one)
            if one.name == "FROM" and not one.onbuild:
                begun = True
                self._begin(one)
            elif not begun:
                self._before(one)
            elif self._stages:
                self._add(one)
        self._ends.append(self._scopes)
        if self._said.instructions and not begun:
            self._wrong.append((self._said.instructions[0].line, "has no FROM: an image is made from another one"))
        return Stages(stages=tuple(self._stages), before=tuple(self._before_all), wrong=tuple(self._wrong))

    def _check(self, one: Instruction) -> None:
        if one.name not in FORMS:
            self._wrong.append((one.line, _unknown(one.name)))
        elif one.onbuild and one.name in ("ONBUILD", "FROM", "MAINTAINER"):
            self._wrong.append((one.line, f"ONBUILD cannot hold {one.name} back"))
        else:
            self._wrong += [(one.line, what) for what in malformed(one, self._said.escape)]

    def _before(self, one: Instruction) -> None:
        """Only ARG may stand before the first FROM; it fills names in FROM."""
        if one.name != "ARG":
            if one.name in FORMS:
                self._wrong.append((one.line, f"{one.name} stands before the first FROM"))
            return
        self._before_all.append(one)
        self._wrong += self._unusable(one)
        self._global = self._scopes = tuple(self._behind(scope, one, scope) for scope in self._global)
        for word in raw_words(one.rest):
            name, said, value = word.partition("=")
            for world in self._worlds:
                if name in self._args:
                    world[name] = self._args[name]
                elif said:
                    world[name] = self._filled(value, world, one.line)

    def _begin(self, one: Instruction) -> None:
        texts = [word.text for word in one.words]
        if len(texts) not in (1, 3) or (len(texts) == 3 and texts[1].upper() != "AS"):
            self._wrong.append((one.line, "FROM is written `FROM image` or `FROM image AS name`"))
            if not texts:
                return
        name = texts[2].lower() if len(texts) == 3 else ""
        if name and not STAGE_NAME.fullmatch(name):
            what = f"{texts[2]} is no name for a stage: it begins with a letter and holds letters, digits, - _ ."
            self._wrong.append((one.line, what))
        before = len(self._wrong)
        names = tuple(dict.fromkeys(self._filled(texts[0], world, one.line) for world in self._worlds))
        if "" in names and len(self._wrong) == before:
            self._wrong.append((one.line, f"FROM {texts[0]} is empty: an ARG before it needs a value"))
        names = tuple(filter(None, names))
        self._platform(one)
        base = StageSource(word=one.words[0], line=one.line, names=names)
        self._ends.append(self._scopes)
        at = self._earlier(names)
        self._scopes = self._ends[at + 1] if at is not None else tuple(_beginning(names) for _ in self._global)
        self._stages.append(DockerfileStage(name=name, base=base, instructions=(one,)))
        for held in self._stages[at].held if at is not None else ():
            self._run(held)

    def _platform(self, one: Instruction) -> None:
        """`--platform` names a platform, wherever it is built."""
        written = next((flag.value.text for flag in one.flags if flag.name == "platform" and flag.value), "")
        if not written:
            return
        before = len(self._wrong)
        filled = [self._filled(written, world, one.line) for world in self._worlds]
        if len(self._wrong) > before or any(map(is_platform, filled)):
            return
        unset = [name for name in NAMED.findall(written) if not any(world.get(name) for world in self._worlds)]
        known = sorted(self._worlds[0])
        hint = next(filter(None, (meant(name, known) for name in unset)), "")
        what = f"is empty{hint}" if not any(filled) else f"is no platform: {filled[0]!r}; it would be like linux/arm64"
        self._wrong.append((one.line, f"--platform={written} {what}"))

    def _earlier(self, names: tuple[str, ...]) -> int | None:
        """The stage that this one is made on; None where it is an image, a context, or not the same everywhere."""
        if len(names) != 1 or familiar(names[0]) in self._contexts:
            return None
        found = [at for at, stage in enumerate(self._stages) if stage.name == names[0].lower()]
        return found[-1] if found else None

    def _filled(self, word: str, world: Mapping[str, str], line: int) -> str:
        try:
            return expanded(word, world, self._said.escape)
        except ValueError as error:
            if (line, str(error)) not in self._wrong:
                self._wrong.append((line, str(error)))
            return ""

    def _add(self, one: Instruction) -> None:
        stage = self._stages[-1]
        held = (*stage.held, one) if one.onbuild else stage.held
        self._stages[-1] = replace(stage, held=held, instructions=(*stage.instructions, one))
        if not one.onbuild:
            self._run(one)

    def _run(self, one: Instruction) -> None:
        """What it does in the stage that is read, whoever held it back."""
        stage, escape = self._stages[-1], self._said.escape
        found, copied, declared = tuple(taken(one, self._scopes, escape)), tuple(self._sources(one)), names_of(one)
        wrong = self._unusable(one)
        if found or copied or declared or wrong:
            self._stages[-1] = replace(
                stage,
                copied=stage.copied + copied,
                taken=stage.taken + tuple(each for each in found if isinstance(each, Taken)),
                remotes=stage.remotes + tuple(each for each in found if isinstance(each, Remote)),
                declared=stage.declared | set(declared),
                wrong=stage.wrong + wrong,
            )
        pairs = zip(self._scopes, self._global, strict=True)
        self._scopes = tuple(self._behind(scope, one, before) for scope, before in pairs)

    def _unusable(self, one: Instruction) -> tuple[tuple[int, str], ...]:
        """What is noticed when it is done; of ONBUILD that is here also how it is written."""
        if one.name not in FORMS:
            return ()
        escape = self._said.escape
        wrong = tuple(unfit(one, escape)) if one.onbuild else ()
        if not (wrong or tuple(malformed(one, escape))):
            wrong = unusable(one, self._scopes, escape, tuple(self._args))
        return tuple((one.line, what) for what in wrong)

    def _behind(self, scope: Scope, one: Instruction, before: Scope) -> Scope:
        return after(scope, one, before, self._args, self._said.escape)

    def _sources(self, one: Instruction) -> Iterator[StageSource]:
        for flag in one.flags:
            if flag.value is None or (one.name, flag.name) not in (("COPY", "from"), ("RUN", "mount")):
                continue
            name = flag.value.text if flag.name == "from" else mounted_from(flag)
            if "$" in name[:-1]:
                what = f"{name}: no variable is filled in here; say `FROM {name} AS one`, and take it from `one`"
                self._wrong.append((one.line, what))
            elif name:
                yield StageSource(word=flag.value, line=one.line, names=(name,))


def _beginning(names: tuple[str, ...]) -> Scope:
    """Of an image nobody here knows what it sets."""
    return Scope(open=names != (SCRATCH,))


def _given(args: Mapping[str, str]) -> dict[str, str]:
    """Of the build arguments, what is set without an ARG: the platform, where somebody says it."""
    return {name: value for name, value in args.items() if name in PLATFORM_NAMES}


@lru_cache(maxsize=64)
def _platform_values(target: str, builder: str) -> Mapping[str, str]:
    """https://docs.docker.com/reference/dockerfile/#automatic-platform-args-in-the-global-scope."""
    values: dict[str, str] = {}
    for side, platform in (("TARGET", target), ("BUILD", builder)):
        parts = [*platform.split("/"), "", ""][:3]
        values[f"{side}PLATFORM"] = platform
        values |= {f"{side}{key}": part for key, part in zip(WHICH, parts, strict=True)}
    return values


def _unknown(name: str) -> str:
    """What is like no instruction is not told again: it may be of any file, and nobody's business."""
    return f"unknown instruction {name}" if WORD.fullmatch(name) else "is no instruction"

"""Stages: a Dockerfile's instructions as stages with what each is made from; problems with their lines."""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field

from davy.pipeline.builds.instructions import Flag, Instruction, Read, Word
from davy.pipeline.builds.shellwords import expanded, raw_words
from davy.pipeline.value import dataclass

KNOWN: Mapping[str, tuple[str, ...]] = {
    "FROM": ("platform",),
    "COPY": ("from", "chown", "chmod", "link", "parents", "exclude"),
    "ADD": ("chown", "chmod", "link", "keep-git-dir", "checksum", "unpack", "exclude"),
    "RUN": ("mount", "network", "security", "device"),
    "HEALTHCHECK": ("interval", "timeout", "start-period", "start-interval", "retries"),
    **dict.fromkeys(("ARG", "CMD", "ENTRYPOINT", "ENV", "EXPOSE", "LABEL", "MAINTAINER", "ONBUILD"), ()),
    **dict.fromkeys(("SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"), ()),
}
"""Instructions and their flags: https://docs.docker.com/reference/dockerfile/"""
REPEATED = ("mount", "exclude", "device")
WITHOUT_VALUE = ("link", "parents", "keep-git-dir", "unpack")
STAGE_NAME = re.compile(r"[a-z][a-z0-9-_.]*")
WHICH = ("OS", "ARCH", "VARIANT")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What something is taken from, as it is written: an image, a stage, a further context."""

    word: Word
    line: int
    names: tuple[str, ...]
    """What it stands for, for each platform; one, nearly always."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """What the builder fetches by itself while it builds."""

    line: int
    address: str
    checked: bool
    """True where a checksum says what it must be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """From one FROM to the next."""

    name: str
    base: Source
    copied: tuple[Source, ...] = ()
    """What COPY --from and RUN --mount=from name."""
    remotes: tuple[Remote, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Staged:
    """All stages, and what is wrong, by line."""

    stages: tuple[Stage, ...] = ()
    wrong: tuple[tuple[int, str], ...] = field(default_factory=tuple)


def staged(said: Read, args: Mapping[str, str], platforms: Sequence[tuple[str, str]]) -> Staged:
    """`platforms`: (target, builder), one after the other, for each that the names in FROM are filled for."""
    return _Stages(said, args, platforms).all()


WORD = re.compile(r"[A-Z][A-Z-]{0,19}")


class _Stages:
    """Goes through the instructions once."""

    def __init__(self, said: Read, args: Mapping[str, str], platforms: Sequence[tuple[str, str]]) -> None:
        self._said, self._args = said, args
        self._worlds = [_platform_values(*platform) | _given(args) for platform in platforms]
        self._wrong: list[tuple[int, str]] = []
        self._stages: list[Stage] = []

    def all(self) -> Staged:
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
        if self._said.instructions and not begun:
            self._wrong.append((self._said.instructions[0].line, "has no FROM: an image is made from another one"))
        return Staged(stages=tuple(self._stages), wrong=tuple(self._wrong))

    def _check(self, one: Instruction) -> None:
        if one.name not in KNOWN:
            self._wrong.append((one.line, _unknown(one.name)))
            return
        if one.onbuild and one.name in ("ONBUILD", "FROM", "MAINTAINER"):
            self._wrong.append((one.line, f"ONBUILD cannot hold {one.name} back"))
        seen: set[str] = set()
        for flag in one.flags:
            if flag.name not in KNOWN[one.name]:
                self._wrong.append((one.line, f"{one.name} has no flag --{flag.name}"))
            elif flag.name in seen and flag.name not in REPEATED:
                self._wrong.append((one.line, f"--{flag.name} is there twice"))
            elif flag.value is None and flag.name not in WITHOUT_VALUE:
                self._wrong.append((one.line, f"--{flag.name} needs a value"))
            seen.add(flag.name)
        if one.name in ("COPY", "ADD") and len(one.words) < 2 and not one.is_json:
            self._wrong.append((one.line, f"{one.name} needs what to copy, and where to"))

    def _before(self, one: Instruction) -> None:
        """Only ARG may stand before the first FROM; it fills names in FROM."""
        if one.name != "ARG":
            if one.name in KNOWN:
                self._wrong.append((one.line, f"{one.name} stands before the first FROM"))
            return
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
        self._stages.append(Stage(name=name, base=Source(word=one.words[0], line=one.line, names=names)))

    def _filled(self, word: str, world: Mapping[str, str], line: int) -> str:
        try:
            return expanded(word, world, self._said.escape)
        except ValueError as error:
            if (line, str(error)) not in self._wrong:
                self._wrong.append((line, str(error)))
            return ""

    def _add(self, one: Instruction) -> None:
        stage = self._stages[-1]
        copied = tuple(self._sources(one))
        if copied or one.name == "ADD":
            self._stages[-1] = Stage(
                name=stage.name,
                base=stage.base,
                copied=stage.copied + copied,
                remotes=stage.remotes + tuple(_remotes(one)),
            )

    def _sources(self, one: Instruction) -> Iterator[Source]:
        for flag in one.flags:
            if flag.value is None or (one.name, flag.name) not in (("COPY", "from"), ("RUN", "mount")):
                continue
            name = flag.value.text if flag.name == "from" else mounted_from(flag)
            if "$" in name[:-1]:
                what = f"{name}: no variable is filled in here; say `FROM {name} AS one`, and take it from `one`"
                self._wrong.append((one.line, what))
            elif name:
                yield Source(word=flag.value, line=one.line, names=(name,))


def mounted_from(flag: Flag) -> str:
    """The `from` of a `--mount`; empty where it has none."""
    for key, value in mount_fields(flag.value.text if flag.value else ""):
        if key.lower() == "from":
            return value
    return ""


def mount_fields(value: str) -> list[tuple[str, str]]:
    """A mount's keys and values, as BuildKit reads them: one line of CSV."""
    fields = next(csv.reader([value]), [])
    return [(key, text) for key, _, text in (one.partition("=") for one in fields)]


def _remotes(one: Instruction) -> Iterator[Remote]:
    checked = any(flag.name == "checksum" for flag in one.flags)
    for word in one.words[:-1] if one.name == "ADD" else ():
        address = word.text.strip("[\"',]")
        if re.match(r"(https?|git|ssh)://|git@", address):
            # A git address that names a whole commit is its own checksum.
            fixed = re.search(r"\.git#[0-9a-f]{40}(:|$)", address) is not None
            yield Remote(line=one.line, address=address, checked=checked or fixed)


def _given(args: Mapping[str, str]) -> dict[str, str]:
    """Of the build arguments, what is set without an ARG: the platform, where somebody says it."""
    return {name: value for name, value in args.items() if name in _platform_values("a/b/c", "a/b/c")}


def _platform_values(target: str, builder: str) -> dict[str, str]:
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

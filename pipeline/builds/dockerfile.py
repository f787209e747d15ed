"""Dockerfile: which images a Dockerfile stands on, what it fetches, what is wrong with it, and its text with pins."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import field

from davy.pipeline.builds import instructions
from davy.pipeline.builds.instructions import Word
from davy.pipeline.builds.references import SCRATCH, familiar
from davy.pipeline.builds.stages import Remote, Source, Stage, Staged, mount_fields, staged
from davy.pipeline.errors import Problem
from davy.pipeline.value import dataclass

OFTEN = ("linux/amd64", "linux/arm64")
"""What builders run on; a name that is filled with the platform is looked at for each."""
OURS = re.compile(r"(docker\.io/)?docker/dockerfile(:1[^-]*)?(@.*)?|")
"""The frontends whose instructions are known here; another one may have more of them."""
REFERENCE = re.compile(
    r"([A-Za-z0-9.-]+(:\d+)?/)?[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*"
    r"(:\w[\w.-]{0,127})?(@[a-z0-9]+:[0-9a-f]{32,})?"
)
"""https://github.com/distribution/reference: what may name an image."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dockerfile:
    """What a key needs to know of one."""

    text: str
    bases: tuple[str, ...] = ()
    """The images that the target needs, as FROM, COPY --from and --mount=from name them, filled in, in their order."""
    base: str = ""
    """Of these, the one that the target is made on, also through other stages; empty: none, or one a platform."""
    lines: Mapping[str, int] = field(default_factory=dict)
    """Where each base is named first."""
    remotes: tuple[Remote, ...] = ()
    """What the target fetches while it is built; no key knows what will come."""
    uses: tuple[tuple[str, Word], ...] = ()
    """Every place that names an image, also in stages that the target does not need."""
    contexts: frozenset[str] = frozenset()
    """The further contexts it takes something from."""
    frontend: str = ""
    problems: tuple[Problem, ...] = ()


def parsed(
    text: str,
    *,
    file: str = "Dockerfile",
    args: Mapping[str, str] | None = None,
    target: str | None = None,
    contexts: Collection[str] = (),
    platforms: Sequence[str] = (),
) -> Dockerfile:
    """Read it for one recipe: its arguments, target, further contexts and platforms. Problems are in the result."""
    said = instructions.read(text)
    worlds = [(one, other) for one in platforms or OFTEN for other in dict.fromkeys((*platforms, *OFTEN))]
    all_stages = staged(said, args or {}, worlds)
    reading = _Reading(all_stages, contexts)
    needed = reading.needed(target)
    bases = list(reading.images(needed, single=not platforms))
    named = list(reading.images(range(len(all_stages.stages))))
    wrong = [*said.wrong, *all_stages.wrong, *reading.wrong] if OURS.fullmatch(said.frontend) else []
    return Dockerfile(
        text=text,
        bases=tuple(dict.fromkeys(name for name, _ in bases)),
        base=reading.made_on(target),
        lines={name: source.line for name, source in reversed(bases)},
        remotes=tuple(remote for index in sorted(needed) for remote in all_stages.stages[index].remotes),
        uses=tuple((name, source.word) for name, source in named if source.names == (name,)),
        contexts=frozenset(reading.contexts(needed)),
        frontend=said.frontend,
        problems=tuple(Problem(what=what, file=file, line=line or None) for line, what in sorted(set(wrong))),
    )


def pinned(dockerfile: Dockerfile, pins: Mapping[str, str]) -> str:
    """Its text with every image of `pins` (by reference) named as they say; all else stays byte by byte.

    Where one name in the text stands for several images, one for each platform, it stays as it is.
    """
    text = dockerfile.text
    for name, word in sorted(dockerfile.uses, key=lambda use: use[1].start, reverse=True):
        if name in pins:
            anew = _renamed(text[word.start : word.end], word.text, name, pins[name])
            text = text[: word.start] + anew + text[word.end :]
    return text


def _renamed(written: str, value: str, name: str, pin: str) -> str:
    """The piece of text that names the image; of a mount only its `from` is another one."""
    fields = mount_fields(value)
    if ("from", name) not in ((key.lower(), text) for key, text in fields):
        return pin
    plain = re.compile(rf"(?i)((?:^|[,'\"])from=){re.escape(name)}(?=[,'\"]|$)")
    if plain.search(written):
        return plain.sub(lambda found: found[1] + pin, written)
    # Written anew, for quotes stood in it: as one quoted word.
    written_anew = (f"{key}={pin if key.lower() == 'from' else text}" if text else key for key, text in fields)
    return "'" + ",".join(_field(one) for one in written_anew) + "'"


def _field(text: str) -> str:
    """A field of CSV, quoted where it must be."""
    return '"' + text.replace('"', '""') + '"' if "," in text or '"' in text else text


class _Reading:
    """What each name in the stages stands for: a stage, a further context, an image, nothing."""

    def __init__(self, said: Staged, contexts: Collection[str]) -> None:
        self._stages = said.stages
        self._contexts = {familiar(name): name for name in contexts}
        self._names = {stage.name: index for index, stage in enumerate(self._stages) if stage.name}
        self.wrong: list[tuple[int, str]] = []

    def needed(self, target: str | None) -> set[int]:
        """The stages that the target is made of; all where there is no such target."""
        if not self._stages:
            return set()
        first = len(self._stages) - 1
        if target:
            found = self._index(target, len(self._stages))
            if found is None:
                known = ", ".join(self._names) or "none with a name"
                self.wrong.append((0, f"has no stage {target}, which `target` says; it has {known}"))
                return set(range(len(self._stages)))
            first = found
        needed, open_ = set[int](), [first]
        while open_:
            index = open_.pop()
            if index not in needed:
                needed.add(index)
                open_ += self._stages_of(index)
        return needed

    def made_on(self, target: str | None) -> str:
        """The image at the end of the way from FROM to FROM; empty where there is none, or several."""
        end = len(self._stages)
        at = self._index(target, end) if target else end - 1
        while at is not None and at >= 0:
            names = self._stages[at].base.names
            if len(names) != 1:
                return ""
            found = None if familiar(names[0]) in self._contexts else self._index(names[0], at)
            if found is None:
                return names[0] if self._is_image(names[0], at) else ""
            at = found
        return ""

    def images(self, indexes: Collection[int], *, single: bool = False) -> Iterator[tuple[str, Source]]:
        """Of these stages, in order. `single`: a name that is filled with the platform must not matter."""
        for index in sorted(indexes):
            for before, source in self._sources(index):
                names = [name for name in source.names if self._is_image(name, before)]
                if single and len(names) > 1:
                    what = f"{source.word.text} is another image on each platform ({', '.join(names)}); say `platforms`"
                    self._refuse(source.line, what)
                for name in names:
                    if not REFERENCE.fullmatch(name):
                        self._refuse(source.line, f"{name!r} is no name of an image; is it written in small letters?")
                    else:
                        yield name, source

    def contexts(self, indexes: Collection[int]) -> Iterator[str]:
        """Of these stages, the further contexts they name."""
        for index in indexes:
            for _, source in self._sources(index):
                yield from (self._contexts[familiar(name)] for name in source.names if familiar(name) in self._contexts)

    def _refuse(self, line: int, what: str) -> None:
        if (line, what) not in self.wrong:
            self.wrong.append((line, what))

    def _sources(self, index: int) -> Iterator[tuple[int, Source]]:
        """With each, how many stages it may mean: FROM only those before it."""
        stage: Stage = self._stages[index]
        yield index, stage.base
        for source in stage.copied:
            yield len(self._stages), source

    def _stages_of(self, index: int) -> Iterator[int]:
        for before, source in self._sources(index):
            for name in source.names:
                found = None if familiar(name) in self._contexts else self._index(name, before)
                if found is not None:
                    yield found
                elif name.isdigit() and before == len(self._stages):
                    self._refuse(source.line, f"there is no stage {name}; the first is 0")

    def _index(self, name: str, before: int) -> int | None:
        """The stage of that name, or of that number where a COPY may say it."""
        if before < len(self._stages):
            named = [at for at, stage in enumerate(self._stages[:before]) if stage.name == name.lower()]
            return named[-1] if named else None
        if name.isdigit():
            return int(name) if int(name) < len(self._stages) else None
        return self._names.get(name.lower())

    def _is_image(self, name: str, before: int) -> bool:
        is_number = name.isdigit() and before == len(self._stages)
        inside = self._index(name, before) is not None or familiar(name) in self._contexts
        return name != SCRATCH and not inside and not is_number

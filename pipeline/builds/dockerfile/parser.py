"""Parser: which images a Dockerfile stands on, what it fetches, what is wrong with it, and its text with pins."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import field, replace

from davy.pipeline.builds.dockerfile.portion import Portion, portion
from davy.pipeline.builds.dockerfile.sources import Remote, Taken
from davy.pipeline.builds.dockerfile.stage_order import disorder
from davy.pipeline.builds.dockerfile.stages import DockerfileStage, Stages, StageSource, staged
from davy.pipeline.builds.dockerfile.stand_ins import put, unseen, used
from davy.pipeline.builds.dockerfile.syntax import instructions
from davy.pipeline.builds.dockerfile.syntax.instructions import Word
from davy.pipeline.builds.dockerfile.syntax.mounts import mount_fields
from davy.pipeline.core.errors import Problem
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.images.names import REFERENCE, SCRATCH, familiar

OFTEN = ("linux/amd64", "linux/arm64")
"""What builders run on; a name that is filled with the platform is looked at for each."""
SYNTAX = "BUILDKIT_SYNTAX"
"""The argument that names a frontend in place of `# syntax=`."""
OURS = re.compile(r"(docker\.io/)?docker/dockerfile(:1[^-]*)?(@.*)?|")
"""The frontends whose instructions are known here; another one may have more of them."""


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
    uses: tuple[tuple[str, Word, str], ...] = ()
    """Every place that names an image, also in stages that the target does not need: the image, where, how."""
    contexts: frozenset[str] = frozenset()
    """The further folders it takes something from."""
    stand_ins: Mapping[str, str] = field(default_factory=dict)
    """By further context that is an image, the reference that stands in for its name, where it is needed."""
    taken: tuple[Taken, ...] = ()
    """What it takes from the build's own context and from further ones; a source that is not known takes all."""
    portion: Portion = field(default_factory=lambda: Portion(said="", args=frozenset()))
    """What of the text, and of the build's arguments, counts."""
    whole: bool = False
    """Whether everything counts, for nobody here knows what is needed."""
    stands_on: tuple[str, ...] = ()
    """Of the bases those that a FROM names: what they hold back by ONBUILD is done in this build."""
    holds_back: bool = False
    """Whether the target itself holds something back that takes files."""
    frontend: str = ""
    problems: tuple[Problem, ...] = ()


def parsed(
    text: str,
    *,
    file: str = "Dockerfile",
    args: Mapping[str, str] | None = None,
    target: str | None = None,
    contexts: Collection[str] = (),
    stand_ins: Mapping[str, str] | None = None,
    platforms: Sequence[str] = (),
    whole: bool = False,
) -> Dockerfile:
    """Read it for one recipe: its arguments, target, further contexts and platforms. Problems are in the result.

    `contexts`: the names of folders; `stand_ins`: of images, each with the image that stands in for it.

    `whole`: everything may be needed, for a base holds back by ONBUILD what nobody here knows.
    """
    args, stand_ins, goal = args or {}, stand_ins or {}, target or ""
    said = instructions.read(text)
    worlds = [(one, other) for one in platforms or OFTEN for other in dict.fromkeys((*platforms, *OFTEN))]
    names = (*contexts, *stand_ins)
    all_stages = put(staged(said, args, worlds, platforms=platforms, target=goal, contexts=names), stand_ins)
    reading = _Reading(all_stages, contexts)
    needed = reading.needed(target)
    frontend = args.get(SYNTAX, said.frontend).split(" ")[0]
    whole = whole or not OURS.fullmatch(frontend)
    if whole:
        needed = set(range(len(all_stages.stages)))
    bases = list(reading.images(needed, single=not platforms))
    named = list(reading.images(range(len(all_stages.stages))))
    refused = f"{unseen(stand_ins)} {frontend}" if stand_ins and not OURS.fullmatch(frontend) else ""
    wrong = {*said.wrong, *all_stages.wrong, *reading.wrong, *disorder(all_stages.stages, needed, reading.stage_at)}
    return Dockerfile(
        text=text,
        bases=tuple(dict.fromkeys(name for name, _ in bases)),
        base=reading.made_on(target),
        lines={name: source.line for name, source in reversed(bases)},
        remotes=tuple(remote for index in sorted(needed) for remote in all_stages.stages[index].remotes),
        uses=tuple((name, source.word, source.called or name) for name, source in named if source.names == (name,)),
        contexts=frozenset(contexts if whole else reading.contexts(needed)),
        stand_ins=used(all_stages, needed, stand_ins),
        taken=_everything(contexts) if whole else tuple(reading.taken(needed)),
        portion=Portion(said=text, args=frozenset(args)) if whole else _portion(said, all_stages, needed, args, goal),
        whole=whole,
        stands_on=tuple(dict.fromkeys(reading.stands_on(needed))),
        holds_back=reading.holds_back(target),
        frontend=said.frontend,
        problems=_problems(wrong if OURS.fullmatch(said.frontend) else set(), refused, file),
    )


def _problems(wrong: set[tuple[int, str]], refused: str, file: str) -> tuple[Problem, ...]:
    """By line; `refused` is what is said of the whole file, where something is."""
    every = wrong | ({(0, refused)} if refused else set())
    return tuple(Problem(what=what, file=file, line=line or None) for line, what in sorted(every))


def pinned(dockerfile: Dockerfile, pins: Mapping[str, str]) -> str:
    """Its text with every image of `pins` (by reference) named as they say, and without the stages that are not needed.

    All else stays byte by byte, and on its line. Where one name in the text stands for several images, one for each
    platform, it stays as it is.
    """
    text, counts = dockerfile.text, dockerfile.portion
    edits = {
        (word.start, word.end): _renamed(text[word.start : word.end], word.text, called, pins[name])
        for name, word, called in dockerfile.uses
        if name in pins and not any(start <= word.start < end for start, end in counts.unneeded)
    }
    edits |= {(word.start, word.end): number for word, number in counts.renumbered}
    # Empty lines in their place: a builder's words name lines.
    edits |= {(start, end): "\n" * text.count("\n", start, end) for start, end in counts.unneeded}
    for (start, end), anew in sorted(edits.items(), reverse=True):
        text = text[:start] + anew + text[end:]
    return text


def _everything(contexts: Collection[str]) -> tuple[Taken, ...]:
    return tuple(Taken(line=0, written=".", context=name) for name in ("", *contexts))


def _portion(
    said: instructions.ParsedText, stages: Stages, needed: Collection[int], args: Collection[str], target: str
) -> Portion:
    """A target that is a number says where its stage stands, so all stages stay in the text."""
    found = portion(said, stages, needed, args)
    return replace(found, unneeded=(), renumbered=()) if target.isdigit() else found


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

    def __init__(self, said: Stages, contexts: Collection[str]) -> None:
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

    def images(self, indexes: Collection[int], *, single: bool = False) -> Iterator[tuple[str, StageSource]]:
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

    def taken(self, indexes: Collection[int]) -> Iterator[Taken]:
        """Of these stages, what they take from contexts."""
        for index in sorted(indexes):
            stage = self._stages[index]
            for name in stage.base.names:
                if familiar(name) in self._contexts:
                    context = self._contexts[familiar(name)]
                    yield Taken(line=stage.base.line, written=".", context=context)
            for one in stage.taken:
                if not one.context:
                    yield one
                elif familiar(one.context) in self._contexts:
                    yield replace(one, context=self._contexts[familiar(one.context)])

    def stands_on(self, indexes: Collection[int]) -> Iterator[str]:
        """The images that a FROM of these stages names."""
        for index in sorted(indexes):
            yield from (name for name in self._stages[index].base.names if self._is_image(name, index))

    def holds_back(self, target: str | None) -> bool:
        """Whether the target has an ONBUILD that may take files from somewhere."""
        if not self._stages:
            return False
        at = self._index(target, len(self._stages)) if target else len(self._stages) - 1
        return at is not None and any(one.name in ("COPY", "ADD", "RUN") for one in self._stages[at].held)

    def stage_at(self, name: str) -> int | None:
        """The stage that a COPY --from, or a mount, means by it."""
        return None if familiar(name) in self._contexts else self._index(name, len(self._stages))

    def _refuse(self, line: int, what: str) -> None:
        if (line, what) not in self.wrong:
            self.wrong.append((line, what))

    def _sources(self, index: int) -> Iterator[tuple[int, StageSource]]:
        """With each, how many stages it may mean: FROM only those before it."""
        stage: DockerfileStage = self._stages[index]
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

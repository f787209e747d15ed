"""Collect: what a recipe is made from, looked up in the work tree; then its inputs, from which its key comes."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field, replace
from itertools import starmap
from pathlib import Path

from davy.pipeline.builds.content.dockerignore import Dockerignore, ignoring
from davy.pipeline.builds.content.file_selection import FileSelection, Selection
from davy.pipeline.builds.content.inputs import FileEntry, Files, Inputs
from davy.pipeline.builds.content.key import blob
from davy.pipeline.builds.dockerfile.parser import Dockerfile, parsed
from davy.pipeline.builds.dockerfile.portion import is_proxy
from davy.pipeline.builds.dockerfile.sources import Taken
from davy.pipeline.config.sections.images.matrix import Recipe
from davy.pipeline.core.errors import Problem, Unusable
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.images.names import own_digest
from davy.pipeline.source.ports import WorkTree

IGNORE = ".dockerignore"
EVERY_COMMIT = (
    "all of its context counts, davy.yaml among it, and there is no ignore file: every commit builds it; "
    "name what it takes in COPY, or leave files out by `.dockerignore`"
)
SECRET = re.compile(r"(?:_|^)(?:apikey|auth|credentials?|key|password|pword|passwd|secret|token)(?:_|$)", re.IGNORECASE)
PUBLIC = re.compile(r"(?:_|^)public(?:_|$)", re.IGNORECASE)
"""BuildKit's check: https://docs.docker.com/reference/build-checks/secrets-used-in-arg-or-env/"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingredients:
    """What one recipe's Dockerfile and context hold."""

    dockerfile: Dockerfile
    files: Mapping[str, FileEntry]
    """What the needed stages take of what `.dockerignore` leaves, by path in the context."""
    further: Mapping[str, Mapping[str, FileEntry]] = field(default_factory=dict)
    """By further context that they take something from, the same."""
    ignore: str = ""
    """The file whose rules were used, as people know it; empty where there is none."""
    warnings: tuple[str, ...] = ()
    """What is worth a word and stops nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Context:
    """A folder's files, and where they are looked for."""

    folder: Path
    files: Files
    rules: Dockerignore
    selector: FileSelection


class Gatherer:
    """Ingredients of several recipes. A context that several share is looked through once."""

    def __init__(self, tree: WorkTree, folder: Path) -> None:
        """`folder`: the configuration's; what recipes name is relative to it."""
        self._tree, self._folder = tree, folder
        self._places: dict[Path, Path] = {}
        self._contexts: dict[tuple[Path, str | None], _Context] = {}

    def ingredients(self, recipe: Recipe, *, whole: bool = False) -> Ingredients:
        """Raises Unusable with every problem of the Dockerfile, of its sources and of the `.dockerignore`.

        `whole`: everything counts, for a base holds back by ONBUILD what nobody here knows.
        """
        context = self._folder / recipe.context
        path = context / recipe.dockerfile
        shown = _shown(path, self._folder)
        text = self._tree.own_text(path, self._folder)
        if text is None:
            what = f"is not there; the image {recipe.id} is built by it"
            raise Unusable(f"{shown} is not there.", problems=(Problem(what=what, file=shown),))
        read = parsed(
            text,
            file=shown,
            args=recipe.args,
            target=recipe.target,
            contexts=recipe.contexts,
            stand_ins=recipe.stand_ins,
            platforms=recipe.platforms,
            whole=whole,
        )
        beside = path.with_name(path.name + IGNORE)
        rules, problems, ignore = self._rules(beside, context / IGNORE)
        problems = (*read.problems, *problems)
        if problems:
            raise Unusable(f"{recipe.id} cannot be built as it is written.", problems=problems)
        contexts = {"": self._context(context, rules, ignore)} | {
            name: self._further(name, recipe) for name in sorted(read.contexts)
        }
        made = self._counted(recipe, read, contexts, shown)
        if (
            ignore is None
            and made.files is contexts[""].files
            and self._place(self._folder).is_relative_to(self._place(context))
        ):
            return replace(made, warnings=(*made.warnings, EVERY_COMMIT))
        return replace(made, ignore=_shown(ignore, self._folder) if ignore else "")

    def _counted(self, recipe: Recipe, read: Dockerfile, contexts: Mapping[str, _Context], shown: str) -> Ingredients:
        """Of the contexts what the Dockerfile takes. Raises Unusable for a source that surely fails."""
        found = {name: one.selector.selection(_of(read.taken, name)) for name, one in contexts.items()}
        hidden = {name: self._secrets(recipe, one) for name, one in contexts.items()}
        problems = [
            Problem(what=_absent(one, contexts[one.context].rules), file=shown, line=one.line)
            for one in (each for selection in found.values() for each in selection.missing)
        ]
        problems += [
            Problem(what=f"{one.written}: {_exposed(hidden[one.context][one.path])}", file=shown, line=one.line)
            for one in read.taken
            if one.path in hidden[one.context]
        ]
        if problems:
            raise Unusable(f"{recipe.id} cannot be built as it is written.", problems=tuple(problems))
        files = {name: _files(one, found[name], hidden[name]) for name, one in contexts.items()}
        return Ingredients(
            dockerfile=read,
            files=files.pop(""),
            further=files,
            warnings=(
                *(f"{shown}:{one.line}: {one.written} fits no file" for each in found.values() for one in each.empty),
                *(word for name in contexts for word in _left_out(hidden[name], found[name])),
                *_words(recipe, read),
            ),
        )

    def _rules(self, *places: Path) -> tuple[Dockerignore, tuple[Problem, ...], Path | None]:
        """Those of the first file that is there: the one beside the Dockerfile comes first."""
        for place in places:
            text = self._tree.text(place)
            if text is not None:
                return *ignoring(text, _shown(place, self._folder)), place
        return Dockerignore(()), (), None

    def _further(self, name: str, recipe: Recipe) -> _Context:
        folder = self._folder / recipe.contexts[name]
        rules, problems, ignore = self._rules(folder / IGNORE)
        if problems:
            raise Unusable(f"The rules of the context {name} cannot be read.", problems=problems)
        try:
            return self._context(folder, rules, ignore)
        except Unusable as error:
            who = f"; {recipe.id} names it as its context {name}"
            said = tuple(
                replace(one, what=one.what + who, file=recipe.contexts[name]) if one.file == str(folder) else one
                for one in error.problems
            )
            raise Unusable(error.what, problems=said, remedy=error.remedy) from error

    def _context(self, folder: Path, rules: Dockerignore, ignore: Path | None) -> _Context:
        known = (self._place(folder), str(ignore) if ignore else None)
        if known not in self._contexts:
            found = self._tree.entries(folder, rules)
            files = Files(zip(found, starmap(FileEntry, found.values()), strict=True))
            selector = FileSelection(files, lambda path: self._tree.target(folder / path))
            self._contexts[known] = _Context(folder=folder, files=files, rules=rules, selector=selector)
        return self._contexts[known]

    def _place(self, folder: Path) -> Path:
        """Where it is, after links; looked up once."""
        if folder not in self._places:
            self._places[folder] = folder.resolve()
        return self._places[folder]

    def _secrets(self, recipe: Recipe, context: _Context) -> dict[str, str]:
        """By path in the context, the secrets whose files lie there: no build is given them but as secrets."""
        if not recipe.secrets:
            return {}
        root = self._place(context.folder)
        places = {one.id: (self._folder / one.file).resolve() for one in recipe.secrets if one.file}
        inside = {
            id_: place.relative_to(root).as_posix() for id_, place in places.items() if place.is_relative_to(root)
        }
        return {path: id_ for id_, path in inside.items() if path in context.files}


def ingredients(recipe: Recipe, tree: WorkTree, folder: Path) -> Ingredients:
    """Of one recipe alone; a Gatherer is quicker for several. Raises Unusable as it does."""
    return Gatherer(tree, folder).ingredients(recipe)


def inputs(
    recipe: Recipe, ingredients: Ingredients, bases: Mapping[str, str], parent_keys: Mapping[str, str]
) -> Inputs:
    """All that the key is made of.

    `bases`: by reference the digest, of those that are no image of the configuration; empty where nobody knows it.
    `parent_keys`: by recipe id, of the images of the configuration that it is built from.
    """
    # A cell of a matrix is an image of its own, whatever its Dockerfile makes of it.
    counts = ingredients.dockerfile.portion.args | recipe.cell.keys()
    return Inputs(
        dockerfile=blob(ingredients.dockerfile.portion.said),
        files=ingredients.files,
        contexts=ingredients.further,
        args={name: value for name, value in recipe.args.items() if name in counts},
        given=recipe.given & counts,
        stand_ins=ingredients.dockerfile.stand_ins,
        target=recipe.target or "",
        platforms=tuple(recipe.platforms),
        secrets=tuple(secret.id for secret in recipe.secrets),
        # An id alone: where the socket or the key lies is the machine's.
        ssh=tuple(one.partition("=")[0] for one in recipe.ssh),
        labels=dict(recipe.labels),
        steps=recipe.steps.counted,
        bases={name: own_digest(name) or digest for name, digest in bases.items()},
        parents=dict(parent_keys),
    )


def _files(context: _Context, found: Selection, hidden: Mapping[str, str]) -> Mapping[str, FileEntry]:
    """What counts of it; where that is all of it, the very same files, whose digest is known already."""
    if len(found.paths) == len(context.files) and not hidden.keys() & found.paths:
        return context.files
    return Files({path: context.files[path] for path in sorted(found.paths) if path not in hidden})


def _exposed(secret: str) -> str:
    return f"is the file of the secret {secret}, which no layer may hold; `RUN --mount=type=secret` reads it"


def _left_out(hidden: Mapping[str, str], found: Selection) -> Iterator[str]:
    for path, secret in hidden.items():
        if path in found.paths:
            yield f"{path} is the file of the secret {secret}: it is left out of the build's files and of its key"


def _of(taken: Sequence[Taken], context: str) -> list[Taken]:
    return [one for one in taken if one.context == context]


def _absent(one: Taken, rules: Dockerignore) -> str:
    """Why a source surely fails, and what to do."""
    where = f"of the context {one.context}" if one.context else "of the context"
    path = "/".join(filter(None, (one.path, one.below)))
    if path == ".git" or path.startswith(".git/"):
        return f"{one.written}: no build is given `.git`, for each clone has another; hand in what it needs by `args`"
    if not rules.keeps(path):
        return f"{one.written}: the ignore file leaves it out {where}"
    return f"{one.written}: no file {where} fits it; a folder without files is not there, for git has none"


def _words(recipe: Recipe, read: Dockerfile) -> Iterator[str]:
    """As a builder warns of an argument that nothing asks for, and of one that is a secret by its name."""
    for name in recipe.args:
        if name in read.portion.args and SECRET.search(name) and not PUBLIC.search(name):
            yield (
                f"the build argument {name} is a secret by its name: whoever has the image can read it there; "
                "hand it in by `secrets`, which leave nothing in an image"
            )
        if name not in read.portion.args and not is_proxy(name):
            end = "its images differ in their names alone" if name in recipe.cell else "it changes nothing"
            yield f"the build argument {name} is declared by no ARG that it needs: {end}"
    for name in (*recipe.contexts, *recipe.stand_ins):
        if name not in read.contexts and name not in read.stand_ins:
            yield f"nothing that it needs takes anything from the context {name}"


def _shown(path: Path, folder: Path) -> str:
    """Relative to the configuration's folder where it is below."""
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else str(path)

"""Ingredients: what a recipe is made from, looked up in the work tree; then its inputs, from which its key comes."""

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path

from davy.pipeline.builds.dockerfile import Dockerfile, parsed
from davy.pipeline.builds.ignoring import Ignoring, ignoring
from davy.pipeline.builds.inputs import Entry, Files, Inputs
from davy.pipeline.builds.key import blob
from davy.pipeline.builds.recipes import Recipe
from davy.pipeline.builds.references import own_digest
from davy.pipeline.errors import Problem, Unusable
from davy.pipeline.ports import WorkTree
from davy.pipeline.value import dataclass

IGNORE = ".dockerignore"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingredients:
    """What one recipe's Dockerfile and context hold."""

    dockerfile: Dockerfile
    files: Mapping[str, Entry]
    """What `.dockerignore` leaves, by path in the context."""
    further: Mapping[str, Mapping[str, Entry]] = field(default_factory=dict)
    """By further context, the same."""
    ignore: str = ""
    """The file whose rules were used, as people know it; empty where there is none."""


class Gatherer:
    """Ingredients of several recipes. A context that several share is looked through once."""

    def __init__(self, tree: WorkTree, folder: Path) -> None:
        """`folder`: the configuration's; what recipes name is relative to it."""
        self._tree, self._folder = tree, folder
        self._contexts: dict[tuple[Path, str | None], Files] = {}

    def ingredients(self, recipe: Recipe) -> Ingredients:
        """Raises Unusable with every problem of the Dockerfile and of the `.dockerignore`, each with its line."""
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
            platforms=recipe.platforms,
        )
        beside = path.with_name(path.name + IGNORE)
        rules, problems, ignore = self._rules(beside, context / IGNORE)
        problems = (*read.problems, *problems)
        if problems:
            raise Unusable(f"{recipe.id} cannot be built as it is written.", problems=problems)
        files = self._files(context, rules, ignore)
        further = {name: self._further(name, self._folder / recipe.contexts[name]) for name in sorted(recipe.contexts)}
        return Ingredients(
            dockerfile=read,
            files=files,
            further=further,
            ignore=_shown(ignore, self._folder) if ignore else "",
        )

    def _rules(self, *places: Path) -> tuple[Ignoring, tuple[Problem, ...], Path | None]:
        """Those of the first file that is there: the one beside the Dockerfile comes first."""
        for place in places:
            text = self._tree.text(place)
            if text is not None:
                return *ignoring(text, _shown(place, self._folder)), place
        return Ignoring(()), (), None

    def _further(self, name: str, folder: Path) -> Files:
        rules, problems, ignore = self._rules(folder / IGNORE)
        if problems:
            raise Unusable(f"The rules of the context {name} cannot be read.", problems=problems)
        return self._files(folder, rules, ignore)

    def _files(self, folder: Path, rules: Ignoring, ignore: Path | None) -> Files:
        known = (folder.resolve(), str(ignore) if ignore else None)
        if known not in self._contexts:
            found = self._tree.entries(folder, rules.keeps, rules.enters)
            self._contexts[known] = Files({path: Entry(mode=mode, blob=id_) for path, (mode, id_) in found.items()})
        return self._contexts[known]


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
    return Inputs(
        dockerfile=blob(ingredients.dockerfile.text),
        files=ingredients.files,
        contexts=ingredients.further,
        args=dict(recipe.args),
        target=recipe.target or "",
        platforms=tuple(recipe.platforms),
        secrets=tuple(secret.id for secret in recipe.secrets),
        # An id alone: where the socket or the key lies is the machine's.
        ssh=tuple(one.partition("=")[0] for one in recipe.ssh),
        bases={name: own_digest(name) or digest for name, digest in bases.items()},
        parents=dict(parent_keys),
    )


def _shown(path: Path, folder: Path) -> str:
    """Relative to the configuration's folder where it is below."""
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else str(path)

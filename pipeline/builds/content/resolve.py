"""Resolve: the configuration's images with their keys, from the work tree, the lock and what bases resolve to."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath

from davy.pipeline.builds.content import graph, key
from davy.pipeline.builds.content.base_images import Naming
from davy.pipeline.builds.content.collect import Gatherer, Ingredients, inputs
from davy.pipeline.builds.content.graph import Links
from davy.pipeline.builds.content.keyed_images import Keyed, Workshop
from davy.pipeline.config.document import DeliveryConfig
from davy.pipeline.config.sections.images.matrix import Recipe, expanded, labels
from davy.pipeline.core.errors import Problem, Unusable
from davy.pipeline.core.images.names import familiar, own_digest
from davy.pipeline.core.text import nouns
from davy.pipeline.source.ports import ContextRules, WorkTree

OWN = ".davy"
"""The folder beside the configuration where davy keeps what it knows; it belongs to no build."""

TRIGGERS = re.compile(r"(?:^|[/:._-])onbuild(?:$|[@:._-])")
"""The name of an image that is made to be built on, by the old custom of Docker's own images."""

Resolve = Callable[[Mapping[str, Naming]], Mapping[str, str]]
"""References that the lock does not hold, each with where it is named, to their digests. One left out stays unknown."""


def workshop(
    config: DeliveryConfig,
    tree: WorkTree,
    folder: Path,
    *,
    lock: Mapping[str, str],
    resolve: Resolve,
    leave_out: Sequence[Path] = (),
    holding: Collection[str] = (),
) -> Workshop:
    """Every image with its key. Raises Unusable with every problem of every Dockerfile, and where images go in circles.

    `lock`: digests by reference; `holding`: of these, the bases that hold something back by ONBUILD. `leave_out`:
    folders that davy itself writes to; no build takes anything from them.
    """
    recipes = expanded(config.images)
    gatherer = Gatherer(_Without(tree, (folder / OWN, *leave_out)), folder)
    found = _ingredients(recipes, gatherer)
    links = _linked(recipes, found)
    triggered = _triggered(found, links, holding)
    if triggered:
        found |= _ingredients([recipe for recipe in recipes if recipe.id in triggered], gatherer, whole=True)
        links = _linked(recipes, found)
    _refused(links, labels(recipes))
    bases = _bases(found, recipes, links, lock, resolve)
    return Workshop(
        images=_keyed(recipes, found, links, bases, lock),
        warnings=tuple(_warnings(found, links, lock, labels(recipes))),
    )


def _linked(recipes: Sequence[Recipe], found: Mapping[str, Ingredients]) -> Links:
    return graph.linked(recipes, {one: made.dockerfile.bases for one, made in found.items()})


def _triggered(found: Mapping[str, Ingredients], links: Links, holding: Collection[str]) -> set[str]:
    """The images on whose FROM something was held back by ONBUILD, and so may take any file.

    Of an image of the configuration its Dockerfile says so; of another one the lock, or its name as of `node:onbuild`.
    """
    held = set(map(familiar, holding))
    parents = {one for one, made in found.items() if made.dockerfile.holds_back}
    return {
        one
        for one, made in found.items()
        for name in made.dockerfile.stands_on
        if links.by[one].get(name) in parents or familiar(name) in held or TRIGGERS.search(name)
    }


def _ingredients(recipes: Iterable[Recipe], gatherer: Gatherer, *, whole: bool = False) -> dict[str, Ingredients]:
    found: dict[str, Ingredients] = {}
    problems: list[Problem] = []
    for recipe in recipes:
        try:
            found[recipe.id] = gatherer.ingredients(recipe, whole=whole)
        except Unusable as error:
            problems += [one for one in error.problems or (Problem(what=error.what),) if one not in problems]
    if problems:
        raise _several("cannot be built", problems, "Mend what is named; nothing was built.")
    return found


class _Less:
    """Rules, less these folders."""

    def __init__(self, rules: ContextRules, gone: frozenset[str]) -> None:
        self._rules, self._gone = rules, gone
        self.kept = rules.kept

    def entered(self, folders: Sequence[str]) -> Sequence[str]:
        return [one for one in self._rules.entered(folders) if one not in self._gone]


class _Without:
    """A work tree less what davy itself wrote: else each build would change the next one's key."""

    def __init__(self, tree: WorkTree, ours: Sequence[Path]) -> None:
        self._tree, self._ours = tree, tuple(one.resolve() for one in ours)
        self._gone: dict[Path, frozenset[str]] = {}
        """By context, of these the ones in it."""

    def entries(self, folder: Path, rules: ContextRules) -> Mapping[str, tuple[str, str]]:
        if folder not in self._gone:
            root = folder.resolve()
            inside = (own for own in self._ours if own != root and own.is_relative_to(root))
            self._gone[folder] = frozenset(own.relative_to(root).as_posix() for own in inside)
        return self._tree.entries(folder, _Less(rules, self._gone[folder]))

    def target(self, path: Path) -> str:
        return self._tree.target(path)

    def text(self, path: Path) -> str | None:
        return self._tree.text(path)

    def own_text(self, path: Path, folder: Path) -> str | None:
        return self._tree.own_text(path, folder)


def _refused(links: Links, called: Mapping[str, str]) -> None:
    problems = [Problem(what=f"{called[one]}: {what}", path="images") for one, what in links.problems]
    circle = graph.cycle(links.parents)
    if circle:
        way = " → ".join(called[one] for one in circle)
        problems.append(Problem(what=f"{way}: each is built from the next, so none can be the first", path="images"))
    if problems:
        raise _several("cannot be put in order", problems, "Change what their Dockerfiles name in FROM or COPY --from.")


def _several(what: str, problems: Sequence[Problem], remedy: str) -> Unusable:
    return Unusable(f"The images {what}.", problems=tuple(problems), remedy=remedy)


def _bases(
    found: Mapping[str, Ingredients], recipes: Sequence[Recipe], links: Links, lock: Mapping[str, str], resolve: Resolve
) -> dict[str, str]:
    """By reference, its digest: its own, the lock's, or what it resolves to; empty where that is not known."""
    by_id = {recipe.id: recipe for recipe in recipes}
    named: dict[str, Naming] = {}
    for one, references in links.bases.items():
        file = str(PurePosixPath(by_id[one].context) / by_id[one].dockerfile)
        for reference in references:
            line = found[one].dockerfile.lines.get(reference)
            named.setdefault(reference, Naming(recipe=one, file=file, line=line))
    known = {reference: own_digest(reference) or lock.get(reference, "") for reference in named}
    unknown = {reference: named[reference] for reference, digest in known.items() if not digest}
    return known | dict(resolve(unknown) if unknown else {})


def _keyed(
    recipes: Sequence[Recipe],
    found: Mapping[str, Ingredients],
    links: Links,
    bases: Mapping[str, str],
    lock: Mapping[str, str],
) -> tuple[Keyed, ...]:
    by_id, called, parents = {recipe.id: recipe for recipe in recipes}, labels(recipes), links.parents
    keys: dict[str, str] = {}
    provisional: set[str] = set()
    made: list[Keyed] = []
    for one in graph.ordered(parents):
        own = {reference: bases.get(reference, "") for reference in links.bases[one]}
        said = inputs(by_id[one], found[one], own, {parent: keys[parent] for parent in parents[one]})
        keys[one] = key.key(said)
        if "" in said.bases.values() or provisional & said.parents.keys():
            provisional.add(one)
        made.append(
            Keyed(
                recipe=by_id[one],
                label=called[one],
                key=keys[one],
                inputs=said,
                dockerfile=found[one].dockerfile,
                files=found[one].files,
                context_files=found[one].further,
                links=links.by[one],
                unlocked=tuple(reference for reference in own if not (own_digest(reference) or reference in lock)),
                provisional=one in provisional,
            )
        )
    return tuple(made)


def _warnings(
    found: Mapping[str, Ingredients], links: Links, lock: Mapping[str, str], called: Mapping[str, str]
) -> Iterable[str]:
    named = {reference for references in links.bases.values() for reference in references}
    unlocked = sorted(reference for reference in named if not own_digest(reference) and reference not in lock)
    if unlocked:
        are = f"base {unlocked[0]} is" if len(unlocked) == 1 else f"{nouns.counted(len(unlocked), 'base')} are"
        more = f" ({', '.join(unlocked)})" if len(unlocked) > 1 else ""
        yield f"{are} not locked{more}: whoever builds next may get another image; `davy build lock` writes it down"
    for one, made in found.items():
        yield from (f"{called[one]}: {word}" for word in made.warnings)
        for remote in made.dockerfile.remotes:
            if not remote.checked:
                what = f"{called[one]} fetches {remote.address} while it is built (line {remote.line})"
                yield f"{what}: what comes is not in its key; --checksum holds it"

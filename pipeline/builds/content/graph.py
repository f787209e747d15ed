"""Graph: which image is built from which, and so what has to come first. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from davy.pipeline.config.sections.images.matrix import Recipe
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.images.names import taken_apart

DOCKER_HUB = "docker.io"
"""What a reference without a registry means: https://docs.docker.com/reference/cli/docker/image/pull/"""

Parents = Mapping[str, tuple[str, ...]]
"""By recipe id, the ids of those it is built from, in the order it names them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """What the Dockerfiles' references mean."""

    by: Mapping[str, Mapping[str, str]]
    """By recipe id, by reference as its Dockerfile has it: the id of the recipe that it names."""
    bases: Mapping[str, tuple[str, ...]]
    """By recipe id, the references that are no image of the configuration."""
    problems: tuple[tuple[str, str], ...] = ()
    """(recipe id, what is wrong)."""

    @property
    def parents(self) -> dict[str, tuple[str, ...]]:
        """By recipe id, the recipes it is built from."""
        return {key: tuple(dict.fromkeys(found.values())) for key, found in self.by.items()}


def linked(recipes: Sequence[Recipe], references: Mapping[str, Sequence[str]]) -> Links:
    """Which references name an image of the configuration: by repository, with any tag or none.

    Where the cells of a matrix share the repository, the tag must end in the cell: `shop/base:3.12`. A reference by
    digest is somebody's decision for that very image, so it is a base.
    """
    made: dict[str, list[Recipe]] = {}
    for recipe in recipes:
        made.setdefault(completed(recipe.name)[0], []).append(recipe)
    by: dict[str, dict[str, str]] = {}
    bases: dict[str, tuple[str, ...]] = {}
    problems: list[tuple[str, str]] = []
    for recipe in recipes:
        own: dict[str, str] = {}
        for reference in references.get(recipe.id, ()):
            repository, tag, digest = completed(reference)
            candidates = [] if digest else made.get(repository, [])
            found = _of(candidates, tag)
            if found is not None:
                own[reference] = found.id
            elif candidates:
                problems.append((recipe.id, _which(reference, candidates)))
        by[recipe.id] = own
        bases[recipe.id] = tuple(one for one in references.get(recipe.id, ()) if one not in own)
    return Links(by=by, bases=bases, problems=tuple(problems))


def completed(reference: str) -> tuple[str, str, str]:
    """Repository as Docker completes it, tag, digest; empty where the reference has none."""
    path, tag, digest = taken_apart(reference)
    first, slash, _ = path.partition("/")
    if not (slash and ("." in first or ":" in first or first == "localhost")):
        path = f"{DOCKER_HUB}/{path}" if slash else f"{DOCKER_HUB}/library/{path}"
    return path, tag, digest


def cycle(parents: Parents) -> tuple[str, ...]:
    """A circle of images built from each other, its first again at its end; empty where there is none."""
    done: set[str] = set()
    for start in parents:
        path: list[str] = []
        trail = [iter((start,))]
        while trail:
            step = next(trail[-1], None)
            if step is None:
                trail.pop()
                if path:
                    done.add(path.pop())
            elif step in path:
                return (*path[path.index(step) :], step)
            elif step not in done:
                path.append(step)
                trail.append(iter(parents.get(step, ())))
    return ()


def ordered(parents: Parents) -> tuple[str, ...]:
    """Every image after those it is built from, else in the order given. There must be no cycle."""
    placed: dict[str, None] = {}
    waiting = list(parents)
    while waiting:
        ready = [one for one in waiting if all(parent in placed for parent in parents[one])]
        if not ready:
            raise ValueError(f"a cycle: {' → '.join(cycle(parents))}")
        placed.update(dict.fromkeys(ready))
        waiting = [one for one in waiting if one not in placed]
    return tuple(placed)


def ancestors(wanted: Iterable[str], parents: Parents) -> tuple[str, ...]:
    """The wanted ones and all that they are built from."""
    found: dict[str, None] = {}
    waiting = list(wanted)
    while waiting:
        one = waiting.pop()
        if one not in found:
            found[one] = None
            waiting.extend(parents[one])
    return tuple(one for one in parents if one in found)


def needed(wanted: Collection[str], there: Collection[str], parents: Parents) -> tuple[str, ...]:
    """The wanted ones, and of their ancestors those that something which must be built is built from.

    `there`: those that need no build.
    """
    found: set[str] = set()
    waiting = list(wanted)
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting.extend(parents[one] if one not in there else ())
    return tuple(one for one in parents if one in found)


def deployed(recipes: Sequence[Recipe], parents: Parents, said: Mapping[str, bool | None]) -> tuple[str, ...]:
    """The ids of those that a container runs. `said`: by id, what the configuration says, None where it says nothing.

    Then it is deployed unless another image is built from it, or it shares its repository with others.
    """
    stood_on = {parent for found in parents.values() for parent in found}
    return tuple(
        recipe.id
        for recipe in recipes
        if (wish if (wish := said.get(recipe.id)) is not None else recipe.id not in stood_on and not recipe.suffix)
    )


def _of(candidates: Sequence[Recipe], tag: str) -> Recipe | None:
    if len(candidates) == 1:
        return candidates[0]
    fits = [recipe for recipe in candidates if recipe.suffix and f"-{tag}".endswith(recipe.suffix)]
    longest = max((len(recipe.suffix) for recipe in fits), default=0)
    best = [recipe for recipe in fits if len(recipe.suffix) == longest]
    return best[0] if len(best) == 1 else None


def _which(reference: str, candidates: Sequence[Recipe]) -> str:
    ways = ", ".join(f"{recipe.name}:{recipe.suffix.removeprefix('-')}" for recipe in candidates[:4])
    more = ", …" if len(candidates) > 4 else ""
    return f"{reference} names a repository that {len(candidates)} images share; write which: {ways}{more}"

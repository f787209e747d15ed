"""Matrix: the images of the configuration, one for each cell of a matrix."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field, replace
from itertools import product
from pathlib import Path

from davy.pipeline.config.sections.images.build_steps import Steps
from davy.pipeline.config.sections.images.keys import ImageConfig, SecretConfig
from davy.pipeline.core.fast_dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildSecret:
    """A secret of a build, by where its value is; the value itself is only read by the adapter."""

    id: str
    env: str | None = None
    file: Path | None = None


PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
OF_REVISION = ("branch", "version", "revision")
"""Placeholders of `tags` that git fills; the others are arguments of the matrix."""
IMAGE = "docker-image://"
"""How a context begins that is an image of a registry."""
TARGET = "target:"
"""How one begins that is another image of the configuration."""
SIZES = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30}
LONGEST_TAG = 128
"""https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """One image to make. Paths are relative to the configuration's folder, with slashes."""

    id: str
    """Names it among the others: its repository, with the cell where several share it: `a/b[PYTHON=3.12]`."""
    name: str
    """Registry and repository, filled in."""
    context: str = "."
    dockerfile: str = "Dockerfile"
    """Relative to the context."""
    args: Mapping[str, str] = field(default_factory=dict)
    """With those of its cell."""
    given: frozenset[str] = frozenset()
    """Of these, the names of those whose value is the environment's and stands in no file: nobody writes it down."""
    cell: Mapping[str, str] = field(default_factory=dict)
    target: str | None = None
    platforms: tuple[str, ...] = ()
    secrets: tuple[BuildSecret, ...] = ()
    ssh: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    steps: Steps = field(default_factory=Steps)
    contexts: Mapping[str, str] = field(default_factory=dict)
    """Further folders, by the name that the Dockerfile uses."""
    stand_ins: Mapping[str, str] = field(default_factory=dict)
    """By such a name, the image in its place; of one of the configuration its repository, with the cell as the tag."""
    tags: tuple[str, ...] = ()
    """With the suffix, where they need it; `{branch}`, `{version}`, `{revision}` are still to be filled."""
    suffix: str = ""
    """Of tags, where several share the repository and would take each other's: `-3.12`."""


def expanded(images: Iterable[ImageConfig]) -> tuple[Recipe, ...]:
    """Every image to make, in the file's order and its matrix's."""
    made = tuple(recipe for image in images for recipe in cells_of(image))
    return tuple(_aimed(recipe, made) for recipe in made)


def cells_of(image: ImageConfig) -> tuple[Recipe, ...]:
    """The images of one entry: one without a matrix, else one for each combination of its values."""
    cells = [dict(zip(image.matrix, values, strict=True)) for values in product(*image.matrix.values())]
    share = Counter(filled(image.name, cell) for cell in cells)
    return tuple(_recipe(image, cell, shared=share[filled(image.name, cell)] > 1) for cell in cells)


def filled(text: str, values: Mapping[str, str]) -> str:
    """The text with `{NAME}` replaced where the name is known."""
    return PLACEHOLDER.sub(lambda match: values.get(match[1], match[0]), text)


def labels(recipes: Sequence[Recipe]) -> dict[str, str]:
    """By id, what people call it: the repository's last part with its cell; the whole id where that is not enough."""
    short = {recipe.id: recipe.name.rsplit("/", 1)[-1] + recipe.id.removeprefix(recipe.name) for recipe in recipes}
    twice = Counter(short.values())
    return {key: label if twice[label] == 1 else key for key, label in short.items()}


def meant(recipes: Sequence[Recipe], word: str) -> tuple[Recipe, ...]:
    """The images that a person means by an id, a repository, or the last part of one; none where nobody has it."""
    called = labels(recipes)
    for fits in (
        lambda recipe: recipe.id == word,
        lambda recipe: recipe.name == word,
        lambda recipe: called[recipe.id] == word,
        lambda recipe: recipe.name.rsplit("/", 1)[-1] == word,
    ):
        if found := tuple(recipe for recipe in recipes if fits(recipe)):
            return found
    return ()


def tagged(text: str, suffix: str = "") -> str:
    """The text as a tag may be: other characters become `-`, and it is not too long. With the suffix whole."""
    plain = re.sub(r"[^A-Za-z0-9_.-]", "-", text)
    plain = plain if re.match(r"[A-Za-z0-9_]", plain) else f"_{plain}"
    return plain[: LONGEST_TAG - len(suffix)] + suffix


def _recipe(image: ImageConfig, cell: Mapping[str, str], *, shared: bool) -> Recipe:
    name = filled(image.name, cell)
    suffix = "-" + tagged("-".join(cell.values())) if shared else ""
    named = f"[{','.join(f'{key}={value}' for key, value in cell.items())}]" if shared else ""
    args = {**image.args, **cell}
    return Recipe(
        id=name + named,
        name=name,
        context=image.context,
        dockerfile=image.dockerfile,
        args=args,
        given=frozenset(key for key, value in args.items() if value in image.given),
        cell=cell,
        target=image.target,
        platforms=image.platforms,
        secrets=tuple(_secret(secret) for secret in image.secrets),
        ssh=image.ssh,
        labels={name: filled(value, cell) for name, value in image.labels.items()},
        steps=_steps(image),
        contexts={at: one for at, one in image.contexts.items() if not one.startswith((IMAGE, TARGET))},
        stand_ins={
            at: _image(filled(one, cell)) for at, one in image.contexts.items() if one.startswith((IMAGE, TARGET))
        },
        tags=tuple(_own(tag, image, cell, suffix) for tag in image.tags),
        suffix=suffix,
    )


def _image(context: str) -> str:
    """Its name, with a slash: without one it might be a stage's. A target stays as it is."""
    name = context.removeprefix(IMAGE)
    return name if context.startswith(TARGET) or "/" in name else f"docker.io/library/{name}"


def _aimed(recipe: Recipe, all_: Sequence[Recipe]) -> Recipe:
    """With its targets as the images that they are; one that is none is refused elsewhere."""
    aims = {at: one for at, one in recipe.stand_ins.items() if one.startswith(TARGET)}
    found = {at: meant(all_, one.removeprefix(TARGET)) for at, one in aims.items()}
    named = {at: _image(_reference(those[0])) for at, those in found.items() if len(those) == 1}
    return replace(recipe, stand_ins={**recipe.stand_ins, **named}) if named else recipe


def _reference(recipe: Recipe) -> str:
    """What another Dockerfile names it by."""
    return f"{recipe.name}:{recipe.suffix.removeprefix('-')}" if recipe.suffix else recipe.name


def _steps(image: ImageConfig) -> Steps:
    return Steps(
        network="" if image.network == "default" else image.network,
        hosts=image.extra_hosts,
        shm=int(image.shm_size[:-2]) * SIZES[image.shm_size[-2:]] if image.shm_size else 0,
        ulimits=image.ulimits,
        entitlements=image.entitlements,
    )


def _own(tag: str, image: ImageConfig, cell: Mapping[str, str], suffix: str) -> str:
    """The tag as this cell has it: one that does not say the whole cell itself gets the suffix."""
    varied = {key for key, values in image.matrix.items() if len(values) > 1}
    return filled(tag, cell) + ("" if varied <= set(PLACEHOLDER.findall(tag)) else suffix)


def _secret(secret: SecretConfig) -> BuildSecret:
    return BuildSecret(id=secret.id, env=secret.env, file=Path(secret.file) if secret.file else None)

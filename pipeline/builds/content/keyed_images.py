"""Keyed images: the images of a configuration with their keys, ready to be looked up and built. Frozen values."""

from collections.abc import Mapping
from dataclasses import field

from davy.pipeline.builds.content.inputs import FileEntry, Inputs
from davy.pipeline.builds.dockerfile.parser import Dockerfile
from davy.pipeline.config.sections.images.matrix import Recipe
from davy.pipeline.core.fast_dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyed:
    """One image, with its key and what it was made of."""

    recipe: Recipe
    label: str
    """What people call it."""
    key: str
    inputs: Inputs
    dockerfile: Dockerfile
    files: Mapping[str, FileEntry] = field(default_factory=dict)
    """Of the context, what belongs to the build."""
    context_files: Mapping[str, Mapping[str, FileEntry]] = field(default_factory=dict)
    """Of each further context, the same."""
    links: Mapping[str, str] = field(default_factory=dict)
    """By reference in the Dockerfile, the id of the image of the configuration that it names."""
    unlocked: tuple[str, ...] = ()
    """Bases that the lock does not hold."""
    provisional: bool = False
    """True where the digest of a base is not known, its own or a parent's: a build that asks will get another key."""

    @property
    def id(self) -> str:
        """The recipe's."""
        return self.recipe.id

    @property
    def parents(self) -> tuple[str, ...]:
        """Ids of the images that it is built from."""
        return tuple(dict.fromkeys(self.links.values()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """All of them, each after those that it is built from."""

    images: tuple[Keyed, ...]
    warnings: tuple[str, ...] = ()

    @property
    def parents(self) -> dict[str, tuple[str, ...]]:
        """By id, what it is built from."""
        return {one.id: one.parents for one in self.images}

    @property
    def by_id(self) -> dict[str, Keyed]:
        """Each by its id."""
        return {one.id: one for one in self.images}

    @property
    def labels(self) -> dict[str, str]:
        """By id, what people call it."""
        return {one.id: one.label for one in self.images}

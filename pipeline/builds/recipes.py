"""Recipes: the images of the configuration, one for each cell of a matrix."""

from collections.abc import Mapping
from dataclasses import field

from davy.pipeline.ports import BuildSecret
from davy.pipeline.value import dataclass


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
    cell: Mapping[str, str] = field(default_factory=dict)
    target: str | None = None
    platforms: tuple[str, ...] = ()
    secrets: tuple[BuildSecret, ...] = ()
    ssh: tuple[str, ...] = ()
    contexts: Mapping[str, str] = field(default_factory=dict)
    tags: tuple[str, ...] = ()

"""Options: what a command line says, as values that the commands share. Each command's own lie beside what it does.

A field is a parameter of the command, by the same name; one marked as a part holds several that belong together.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import Field, fields
from typing import TYPE_CHECKING, Any, TypeVar

from davy.pipeline.core.fast_dataclass import dataclass

if TYPE_CHECKING:
    from pathlib import Path

    from davy.workflows.wiring.reach import Reach

T = TypeVar("T")
PART = "part"


def part(kind: type[object]) -> Mapping[str, type[object]]:
    """Metadata of a field that is made of several parameters."""
    return {PART: kind}


def options_from(kind: type[T], values: Mapping[str, Any]) -> T:
    """The options out of Click's values, which hold every parameter by its name."""
    own: tuple[Field[Any], ...] = fields(kind)  # type: ignore[arg-type]
    return kind(
        **{
            one.name: options_from(one.metadata[PART], values) if PART in one.metadata else values[one.name]
            for one in own
        }
    )


def parameters_of(kind: type[object]) -> Iterator[str]:
    """The parameters that the options are made of."""
    for one in fields(kind):  # type: ignore[arg-type]
        if PART in one.metadata:
            yield from parameters_of(one.metadata[PART])
        else:
            yield one.name


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewOptions:
    """How what happens is shown."""

    output: str = "text"
    plain: bool = False
    verbose: bool = False
    """Plain lines with everything in them; without it, one a look and one a step."""
    no_color: bool = False

    @property
    def color(self) -> bool:
        """False for `--no-color` and for any NO_COLOR (no-color.org)."""
        return not (self.no_color or os.environ.get("NO_COLOR"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterOptions:
    """The configuration, and by which kubeconfig and as whom its cluster is reached; None and empty: as it says."""

    file: "Path"
    kubeconfig: str | None = None
    context: str | None = None
    as_user: str | None = None
    as_groups: tuple[str, ...] = ()

    @property
    def reach(self) -> "Reach":
        """The same for the wiring."""
        return self._reach()

    def _reach(self, *, namespace: str | None = None, deployment: str | None = None) -> "Reach":
        from davy.workflows.wiring.reach import Reach  # noqa: PLC0415 - not for who only prints a help

        return Reach(
            kubeconfig=self.kubeconfig or None,
            context=self.context or None,
            as_user=self.as_user or None,
            as_groups=self.as_groups,
            namespace=namespace or None,
            deployment=deployment or None,
            folder=self.file.resolve().parent,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetOptions(ClusterOptions):
    """The Deployment meant, and how it is reached; None: as the configuration says."""

    namespace: str | None = None
    deployment: str | None = None

    @property
    def reach(self) -> "Reach":
        """The same for the wiring."""
        return self._reach(namespace=self.namespace, deployment=self.deployment)

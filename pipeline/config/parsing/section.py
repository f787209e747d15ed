"""Section: what the configuration is made of: frozen values that know which of their keys were said.

Defining one costs no more than a value does, for every command begins with them. What a tree must be like to become
one stands in the annotations; `davy.pipeline.config.parsing.reader` reads it.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, Self, TypeVar, dataclass_transform, get_args, overload

from davy.pipeline.core.fast_dataclass import dataclass

T = TypeVar("T")

UNSAID = dataclasses.MISSING
FREE = frozenset({"description", "alias"})
"""Of what `setting` takes, all that is no limit."""


class Section:
    """What every part of the file has in common. Unknown keys are refused, values are frozen."""

    __slots__ = ("_given", "_said")
    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - read by pydantic, for the JSON Schema
    _said: frozenset[str]
    _given: frozenset[str]

    @property
    def said(self) -> frozenset[str]:
        """Names of the fields that were said; of a part that no file says, those that are not as by default."""
        try:
            return self._said
        except AttributeError:
            return frozenset(one.name for one in fields(self) if getattr(self, one.name) != default_of(one))

    @property
    def given(self) -> frozenset[str]:
        """Values in it that the environment put there: they may be secrets, though no file says so."""
        return getattr(self, "_given", frozenset())

    def copied(self, **changes: object) -> Self:
        """The same with other values, which count as said. They are not read again."""
        made: Self = dataclasses.replace(self, **changes)  # type: ignore[type-var] # every part is a dataclass
        remember(made, self.said | changes.keys(), self.given)
        return made


def remember(made: Section, said: frozenset[str], given: frozenset[str] = frozenset()) -> None:
    """Let it know what was said of it, and what of that is the environment's; for whoever makes one out of a tree."""
    object.__setattr__(made, "_said", said)
    object.__setattr__(made, "_given", given)


@overload
def setting(*, default: T, description: str = "", alias: str = "", repr: bool = True, **limits: object) -> T: ...
@overload
def setting(
    *, default_factory: Callable[[], T], description: str = "", alias: str = "", repr: bool = True, **limits: object
) -> T: ...
@overload
def setting(*, description: str = "", alias: str = "", repr: bool = True, **limits: object) -> Any: ...
def setting(
    *,
    default: object = UNSAID,
    default_factory: Any = UNSAID,
    description: str = "",
    alias: str = "",
    repr: bool = True,  # noqa: A002 - as a dataclass' field has it
    **limits: object,
) -> object:
    """A key of the file; without a default it must be said. `repr=False`: it may be a secret.

    `limits`: `gt`, `ge`, `lt`, `le` of a number or duration, `min_length`, `max_length` and `pattern` of a text, the
    two lengths of a list too. They are named as pydantic has them, for it words what they refuse.
    """
    told = {"description": description, "alias": alias}
    metadata = {name: value for name, value in told.items() if value} | limits
    field: object = dataclasses.field(default=default, default_factory=default_factory, repr=repr, metadata=metadata)
    return field


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(setting,))
def part(kind: type[T]) -> type[T]:
    """Makes a class one, together with the base `Part`."""
    made: type[T] = dataclass(frozen=True, slots=True, kw_only=True)(kind)
    return made


def keys(kind: type[Section]) -> Mapping[str, "dataclasses.Field[Any]"]:
    """A part's fields by their keys in the file."""
    return {field.metadata.get("alias") or field.name: field for field in fields(kind)}


def held(annotation: object) -> list[type[Section]]:
    """The parts that an annotation holds."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return [annotation]
    return [kind for argument in get_args(annotation) for kind in held(argument)]


def fields(kind: type[Section] | Section) -> tuple["dataclasses.Field[Any]", ...]:
    """As the standard library has them."""
    return dataclasses.fields(kind)  # type: ignore[arg-type] # every part is a dataclass


def default_of(field: "dataclasses.Field[Any]") -> object:
    """What a field is where nobody says it; UNSAID where it has to be said."""
    return field.default_factory() if field.default_factory is not UNSAID else field.default


def limits_of(field: "dataclasses.Field[Any]") -> dict[str, Any]:
    """What its value must keep within."""
    return {name: value for name, value in field.metadata.items() if name not in FREE}


def tree_of(one: Section) -> dict[str, Any]:
    """A part and those within it as mappings by the names of their fields."""
    return dataclasses.asdict(one)  # type: ignore[call-overload,no-any-return] # every part is a dataclass

"""Reader: a tree of plain values to a part of the configuration, with all that is wrong with it.

Mappings, lists and whatever is plainly right are read here, at once. Where there is doubt about a value, pydantic has
the last word, and the words: it takes as long to import as all the rest, and a file that is right never needs it.
"""

from collections.abc import Callable
from datetime import timedelta
from types import NoneType, UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from davy.pipeline.config.parsing.fields import Before, Within
from davy.pipeline.config.parsing.scalars import DOUBT, Limits, is_text, quick
from davy.pipeline.config.parsing.section import UNSAID, Section, default_of, keys, limits_of, remember
from davy.pipeline.config.parsing.yaml_tree import Place

P = TypeVar("P", bound=Section)

Errors = list[dict[str, Any]]
"""As pydantic has them: `type`, `loc`, `msg`, `input` and mostly `ctx`."""
Reader = Callable[[object, Place, Errors], Any]
"""Makes a value out of a tree; what is wrong with it is added to the errors."""

NOTHING: Limits = {}


class Misfits(ValueError):
    """The tree is no such part."""

    def __init__(self, errors: Errors) -> None:
        """`errors`: everything that is wrong."""
        super().__init__("; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in errors))
        self.errors = errors


def made(kind: type[P], tree: object) -> P:
    """The part that the tree says. Raises Misfits with everything that is wrong with it."""
    errors: Errors = []
    found: P = _reader_of(kind)(tree, (), errors)
    if errors:
        raise Misfits(errors)
    return found


_READERS: dict[type[Section], Reader] = {}
"""Made as parts are come to."""


def _reader_of(kind: type[Section]) -> Reader:
    if kind not in _READERS:
        _READERS[kind] = _mapped(kind)
    return _READERS[kind]


def _mapped(kind: type[Section]) -> Reader:
    """Reads the part from a mapping of its keys."""
    known = {name: (field.name, _reader(field.type, limits_of(field))) for name, field in keys(kind).items()}
    needed = [name for name, field in keys(kind).items() if default_of(field) is UNSAID]

    def read(tree: object, place: Place, errors: Errors) -> Section | None:
        if isinstance(tree, kind):
            return tree
        if not isinstance(tree, dict):
            odd = f"must not be {str(tree).lower()}" if isinstance(tree, bool) else ""
            errors.append(_refused(place, tree, odd) if odd else _error("dataclass_type", place, tree, "Not a mapping"))
            return None
        before = len(errors)
        said: dict[str, Any] = {}
        for name, value in tree.items():
            if name not in known:
                errors.append(_error("extra_forbidden", (*place, name), value, "Extra inputs are not permitted"))
                continue
            field, reader = known[name]
            said[field] = reader(value, (*place, name), errors)
        errors += [_error("missing", (*place, name), tree, "Field required") for name in needed if name not in tree]
        if len(errors) > before:
            return None
        made = kind(**said)
        remember(made, frozenset(said))
        return made

    return read


def _error(kind: str, place: Place, value: object, message: str, **context: object) -> dict[str, Any]:
    return {"type": kind, "loc": place, "msg": message, "input": value, "ctx": context}


def _refused(place: Place, value: object, why: str) -> dict[str, Any]:
    return _error("value_error", place, value, f"Value error, {why}", error=why)


# ---- values ----


def _reader(annotation: Any, limits: Limits) -> Reader:
    """`limits`: the key's own; those of the annotation hold where it has none of the kind."""
    if get_origin(annotation) is Annotated:
        bare, *notes = get_args(annotation)
        for note in notes:
            if isinstance(note, Within):
                limits = _own_first(limits, note.limits)
        reader = _reader(bare, limits)
        for note in reversed(notes):
            if isinstance(note, Before):
                reader = _prepared(note.read, reader)
        return reader
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return _later(annotation)
    arguments = get_args(annotation)
    origin = get_origin(annotation)
    if origin in (Union, UnionType):
        return _either(annotation, arguments, limits)
    if origin is tuple:
        return _several(annotation, _reader(arguments[0], NOTHING), limits)
    if origin is dict:
        return _mapping(annotation, _reader(arguments[1], NOTHING))
    return _plain(annotation, limits)


def _later(kind: type[Section]) -> Reader:
    """Made when it is needed: a file may never come to the part."""

    def read(value: object, place: Place, errors: Errors) -> Any:
        return _reader_of(kind)(value, place, errors)

    return read


def _own_first(own: Limits, others: Limits) -> Limits:
    """A lower limit of one's own stands for any other lower one, and so for upper ones."""
    sides = ({"gt", "ge"}, {"lt", "le"})
    gone = {name for side in sides if side & own.keys() for name in side}
    return {name: limit for name, limit in others.items() if name not in gone} | dict(own)


def _prepared(prepare: Callable[[object], object], reader: Reader) -> Reader:
    def read(value: object, place: Place, errors: Errors) -> Any:
        try:
            prepared = prepare(value)
        except ValueError as error:
            errors.append(_refused(place, value, str(error)))
            return None
        return reader(prepared, place, errors)

    return read


def _either(annotation: Any, arms: tuple[Any, ...], limits: Limits) -> Reader:
    others = [arm for arm in arms if arm is not NoneType]
    if len(others) == 1:
        reader = _reader(others[0], limits)
        optional = len(others) < len(arms)
        return lambda value, place, errors: None if optional and value is None else reader(value, place, errors)
    scalars = [quick(arm, limits) for arm in arms]

    def read(value: object, place: Place, errors: Errors) -> Any:
        found = [one for scalar in scalars if (one := scalar(value)) is not DOUBT]
        # Of several that would fit pydantic takes the one of the very type.
        exact = [one for one in found if type(one) is type(value)]
        fits = exact or found
        return fits[0] if len(fits) == 1 else _judged(annotation, limits, value, place, errors)

    return read


def _several(annotation: Any, reader: Reader, limits: Limits) -> Reader:
    least, most = limits.get("min_length", 0), limits.get("max_length")

    def read(value: object, place: Place, errors: Errors) -> Any:
        if not isinstance(value, list | tuple) or len(value) < least or (most is not None and len(value) > most):
            return _judged(annotation, limits, value, place, errors)
        return tuple(reader(item, (*place, index), errors) for index, item in enumerate(value))

    return read


def _mapping(annotation: Any, reader: Reader) -> Reader:
    def read(value: object, place: Place, errors: Errors) -> Any:
        if not isinstance(value, dict) or not all(type(name) is str and is_text(name) for name in value):
            return _judged(annotation, NOTHING, value, place, errors)
        return {name: reader(item, (*place, name), errors) for name, item in value.items()}

    return read


def _plain(annotation: Any, limits: Limits) -> Reader:
    scalar = quick(annotation, limits)

    def read(value: object, place: Place, errors: Errors) -> Any:
        found = scalar(value)
        if found is not DOUBT:
            return found
        if annotation is bool:
            # pydantic would take yes, 1 and "on".
            errors.append(_error("bool_type", place, value, "Input should be a valid boolean"))
            return None
        if odd := _odd(annotation, value):
            errors.append(_refused(place, value, odd))
            return None
        return _judged(annotation, limits, value, place, errors)

    return read


def _odd(annotation: Any, value: object) -> str:
    """What is wrong with a value that pydantic would quietly turn into something else."""
    if annotation is timedelta and isinstance(value, int | float):
        return "needs a unit: write it like 500ms, 15s, 1m30s or 2h"
    if annotation in (int, float) and isinstance(value, bool):
        return f"must be a number, not {str(value).lower()}"
    return ""


def _judged(annotation: Any, limits: Limits, value: object, place: Place, errors: Errors) -> Any:
    """What pydantic makes of it."""
    from pydantic import Field, TypeAdapter, ValidationError  # noqa: PLC0415 - only where there is doubt

    wanted: Any = Annotated[annotation, Field(**limits)] if limits else annotation
    try:
        return TypeAdapter(wanted).validate_python(value)
    except ValidationError as error:
        errors += [{**item, "loc": (*place, *item["loc"])} for item in error.errors(include_url=False)]
        return None

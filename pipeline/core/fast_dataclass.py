"""Fast dataclass: a dataclass that costs a tenth as much to define, for modules that every command imports.

A frozen dataclass compiles six functions for each class, which is most of the start-up that is davy's own. Here only
`__init__` is compiled, when the first value is made; equality, hash, repr and what keeps it frozen are shared.
Everything else is the standard library's: `fields`, `replace`, `is_dataclass`, slots, pattern matching.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass  # noqa: PLC0414 - the types are the standard library's
else:
    import dataclasses
    import operator

    MISSING = dataclasses.MISSING

    def dataclass(*, frozen, slots, kw_only):
        """As `dataclasses.dataclass(frozen=True, slots=True, kw_only=True)`; no other form is needed."""
        if not (frozen and slots and kw_only):
            raise TypeError("a value is frozen, slotted and made by keywords")

        def made(kind):
            own = {name: method for name, method in SHARED.items() if name not in vars(kind)}
            result = dataclasses.dataclass(slots=True, kw_only=True, init=False, repr=False, eq=False)(kind)
            fields = dataclasses.fields(result)
            result.__held__ = _getter(tuple(field.name for field in fields))
            result.__init__ = _later(result, fields)
            result.__signature__ = _Signature()
            for name, method in own.items():
                setattr(result, name, method)
            return result

        return made

    def _later(kind, fields):
        """`__init__`, compiled when the first one is made: most commands make none of most classes."""

        def __init__(self, **values):  # noqa: N807 - it stands in for it
            kind.__init__ = _init(kind, fields)
            kind.__init__(self, **values)

        return __init__

    class _Signature:
        """For whoever asks what a class is made of."""

        def __get__(self, one, kind):
            import inspect  # noqa: PLC0415 - nobody asks while a command runs

            made = inspect.signature(_init(kind, dataclasses.fields(kind)))
            return made.replace(parameters=list(made.parameters.values())[1:])

    def _setters(kind):
        """By field, what sets its slot past the shared `__setattr__`."""
        return {field.name: getattr(kind, field.name).__set__ for field in dataclasses.fields(kind)}

    def _init(kind, fields):
        """Sets every field past the shared `__setattr__`, as a frozen dataclass does."""
        scope = {"_missing": MISSING, **{f"_set_{name}": put for name, put in _setters(kind).items()}}
        parameters, lines = [], []
        for name, default, factory in ((field.name, field.default, field.default_factory) for field in fields):
            value = name
            if default is not MISSING:
                scope[f"_default_{name}"] = default
                parameters.append(f"{name}=_default_{name}")
            elif factory is not MISSING:
                scope[f"_make_{name}"] = factory
                parameters.append(f"{name}=_missing")
                value = f"_make_{name}() if {name} is _missing else {name}"
            else:
                parameters.append(name)
            lines.append(f" _set_{name}(self, {value})")
        head = f"def __init__(self{', *, ' if parameters else ''}{', '.join(parameters)}):\n"
        exec(head + ("\n".join(lines) or " pass"), scope)  # noqa: S102 - names of our own fields, as dataclasses does
        return scope["__init__"]

    def _getter(names):
        """All fields of an instance as a tuple."""
        match len(names):
            case 0:
                return staticmethod(lambda _: ())
            case 1:
                one = operator.attrgetter(*names)
                return staticmethod(lambda held: (one(held),))
            case _:
                return staticmethod(operator.attrgetter(*names))

    def _equal(self, other):
        if other.__class__ is not self.__class__:
            return NotImplemented
        return self.__held__(self) == other.__held__(other)

    def _hash(self):
        return hash(self.__held__(self))

    def _shown(self):
        fields = (f"{field.name}={getattr(self, field.name)!r}" for field in dataclasses.fields(self) if field.repr)
        return f"{self.__class__.__qualname__}({', '.join(fields)})"

    def _set(self, name, value):  # noqa: ARG001 - the shape of a `__setattr__`
        raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")

    def _delete(self, name):  # noqa: ARG001 - the shape of a `__delattr__`
        raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")

    def _state(self):
        return self.__held__(self)

    def _restored(self, state):
        for field, value in zip(dataclasses.fields(self), state, strict=True):
            object.__setattr__(self, field.name, value)

    SHARED = {
        "__eq__": _equal,
        "__hash__": _hash,
        "__repr__": _shown,
        "__setattr__": _set,
        "__delattr__": _delete,
        "__getstate__": _state,
        "__setstate__": _restored,
    }

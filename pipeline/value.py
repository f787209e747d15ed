"""Value: a dataclass that costs half as much to define, for modules that every command imports.

A frozen dataclass compiles six functions for each class, which is most of the start-up that is davy's own. Equality,
hash and repr need not be compiled for each: they are shared here. Everything else is the standard library's.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass  # noqa: PLC0414 - the types are the standard library's
else:
    import dataclasses
    import operator

    def dataclass(**options):
        """As `dataclasses.dataclass(frozen=True, …)`."""

        def made(kind):
            shared = {"__eq__": _equal, "__hash__": _hash, "__repr__": _shown}
            own = {name: method for name, method in shared.items() if name not in vars(kind)}
            result = dataclasses.dataclass(**options, repr=False, eq=False)(kind)
            names = tuple(field.name for field in dataclasses.fields(result))
            result.__held__ = _getter(names)
            for name, method in own.items():
                setattr(result, name, method)
            return result

        return made

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

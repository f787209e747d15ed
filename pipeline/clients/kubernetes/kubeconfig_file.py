"""Kubeconfig file: their contexts, clusters and users by name, with the lines that things stand on."""

import os
import stat
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from davy.pipeline.clients.kubernetes.access import HOW_TO
from davy.pipeline.config.parsing import yaml_tree
from davy.pipeline.config.parsing.yaml_tree import Place, Tree, YamlReading
from davy.pipeline.core.errors import Problem, Unusable

MOST_BYTES = 2**23
MOST_NODES = 200_000
"""A fleet's file with thousands of clusters has so many."""
KINDS = {"contexts": "context", "clusters": "cluster", "users": "user"}
"""Each list, and the key that its entries hold what they are under."""


class KubeconfigEntry:
    """One context, cluster or user: asked key by key, it notes all that is wrong."""

    def __init__(self, reading: YamlReading, place: Place, values: Mapping[str, Tree], folder: Path) -> None:
        self.folder = folder
        """Relative paths are meant from here."""
        self.problems: list[Problem] = []
        self._reading, self._place, self._values = reading, place, values

    def __contains__(self, key: str) -> bool:
        return self._values.get(key) is not None

    def only(self, keys: Iterable[str], why: str) -> None:
        """Note every key that is none of these."""
        for key in self._values.keys() - set(keys):
            import difflib  # noqa: PLC0415 - only for a strange key

            near = difflib.get_close_matches(key, keys, n=1)
            self.refuse(key, f"is a key that davy does not know, and {why}" + (f"; is it {near[0]!r}?" if near else ""))

    def refuse(self, key: str, what: str) -> None:
        """Note a problem of the key."""
        self.problems.append(self._reading.problem((*self._place, key), what))

    def text(self, key: str) -> str | None:
        """A text; None where there is none."""
        value = self._values.get(key)
        if value is None or isinstance(value, str):
            return value or None
        self.refuse(key, "must be a text; put it in quotes")
        return None

    def path(self, key: str) -> str | None:
        """A file; a relative path is meant from the kubeconfig's folder."""
        name = self.text(key)
        return str(self.folder / name) if name else None

    def flag(self, key: str) -> bool:
        """true or false."""
        value = self._values.get(key)
        if value is None or isinstance(value, bool):
            return bool(value)
        self.refuse(key, "must be true or false")
        return False

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts."""
        value = self._values.get(key)
        if value is None:
            return ()
        if isinstance(value, list) and all(isinstance(one, str) for one in value):
            return tuple(map(str, value))
        self.refuse(key, "must be a list of texts")
        return ()

    def within(self, key: str) -> "KubeconfigEntry":
        """A mapping in it; an empty one where there is none. What is wrong with it is noted there."""
        value = self._values.get(key)
        if value is not None and not isinstance(value, dict):
            self.refuse(key, "must be a mapping")
        return self._inner((key,), value)

    def each(self, key: str) -> "list[KubeconfigEntry]":
        """A list of mappings in it."""
        value = self._values.get(key)
        if value is None:
            return []
        if isinstance(value, list) and all(isinstance(one, dict) for one in value):
            return [self._inner((key, index), one) for index, one in enumerate(value)]
        self.refuse(key, "must be a list of mappings")
        return []

    def _inner(self, place: Place, value: Tree) -> "KubeconfigEntry":
        inner = KubeconfigEntry(
            self._reading, (*self._place, *place), value if isinstance(value, dict) else {}, self.folder
        )
        inner.problems = self.problems
        return inner

    def said(self) -> tuple[str, ...]:
        """Every key that is there."""
        return tuple(self._values)

    def raw(self, key: str) -> Tree:
        """As it stands there."""
        return self._values.get(key)


Named = dict[str, KubeconfigEntry]


def entries(paths: Sequence[Path]) -> tuple[dict[str, Named], str]:
    """By kind and name; the first file that has one wins, whole, as kubectl has it. And the current context's name.

    Raises Unusable with every problem of form, also of entries that nobody chose: then the file is not what it seems.
    """
    readings = [(path, _read(path)) for path in paths]
    problems = [problem for _, reading in readings for problem in reading.problems]
    found: dict[str, Named] = {kind: {} for kind in KINDS}
    current = ""
    for path, reading in readings:
        top = KubeconfigEntry(
            reading, (), reading.value if isinstance(reading.value, dict) else {}, path.absolute().parent
        )
        current = current or top.text("current-context") or ""
        for kind, inner in KINDS.items():
            for name, entry in _named(top, kind, inner).items():
                found[kind].setdefault(name, entry)
        problems += top.problems
    if problems:
        raise Unusable(f"The kubeconfig {problems[0].file} cannot be used.", problems=tuple(problems), remedy=HOW_TO)
    return found, current


def _named(top: KubeconfigEntry, kind: str, inner: str) -> Named:
    found: Named = {}
    for entry in top.each(kind):
        name = entry.text("name")
        if name is None:
            entry.refuse("name", "is not there")
        elif name in found:
            entry.refuse("name", f"{name!r} is there twice")
        else:
            found[name] = entry.within(inner)
    return found


def _read(path: Path) -> YamlReading:
    reading = yaml_tree.read(_text(path), str(path), {}, raw=lambda _: True, most=MOST_NODES)
    if not reading.problems and not isinstance(reading.value, dict):
        what = "is no kubeconfig: not a mapping"
        if reading.value is None:  # kubectl takes an empty file for one that says nothing.
            reading.value = {}
        else:
            reading.refuse((), what)
    return reading


def _text(path: Path) -> str:
    """At most MOST_BYTES of a plain file: a pipe or a device may have no end."""
    why = ""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                why = "it is no plain file"
            elif len(text := file.read(MOST_BYTES + 1)) > MOST_BYTES:
                why = "it is larger than 8 MiB"
            else:
                return text.decode("utf-8-sig")
    except IsADirectoryError:
        why = "it is a folder"
    except OSError as error:
        why = error.strerror or str(error)
    except UnicodeDecodeError as error:
        why = f"it is no UTF-8 text (byte {error.start})"
    raise Unusable(f"The kubeconfig {path} cannot be read: {why}.", remedy=HOW_TO)

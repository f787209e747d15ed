"""Mutants of reports: what of one can be missing, doubled, renamed, in another order, or told by a word alone."""

import copy
from collections.abc import Callable, Iterator
from xml.etree import ElementTree as ET

BAD_CHILDREN = ("failure", "error", "rerunFailure", "rerunError")
"""Of a case of JUnit."""
Mutant = tuple[str, ET.Element]


def parents(root: ET.Element) -> list[tuple[int, int]]:
    """Each element but the root, by its parent's number and its place in it."""
    return [(number, at) for number, one in enumerate(root.iter()) for at in range(len(one))]


def changed(root: ET.Element, change: Callable[[list[ET.Element]], None]) -> ET.Element:
    made = copy.deepcopy(root)
    change(list(made.iter()))
    return made


def mutants(root: ET.Element) -> Iterator[Mutant]:
    """Everything that can be taken away, told twice, put first or last, renamed, or told by a word alone."""
    yield "as it is", root
    for number, at in parents(root):
        child = list(root.iter())[number][at]
        what = f"{child.tag} {child.get('name', '')}"
        yield f"without {what}", changed(root, lambda all_, n=number, a=at: all_[n].remove(all_[n][a]))  # type: ignore[misc]
        yield f"twice {what}", changed(root, lambda all_, n=number, a=at: all_[n].append(copy.deepcopy(all_[n][a])))  # type: ignore[misc]
        if child.tag in BAD_CHILDREN:
            yield f"{what} as a word", changed(root, lambda all_, n=number, a=at: as_word(all_[n], a))  # type: ignore[misc]
    for number, one in enumerate(root.iter()):
        if len(one) > 1:
            yield f"{one.tag} reversed", changed(root, lambda all_, n=number: reverse(all_[n]))  # type: ignore[misc]
        for name in one.keys():  # noqa: SIM118 - an element's length is that of its children
            yield f"{one.tag} without {name}", changed(root, lambda all_, n=number, w=name: all_[n].attrib.pop(w))  # type: ignore[misc]
        if one.get("name") is not None:
            for to in ("other", ""):
                made = changed(root, lambda all_, n=number, t=to: all_[n].set("name", t))  # type: ignore[misc]
                yield f"{one.tag} {one.get('name')} called {to}", made
    for name in sorted({name for one in root.iter() for name in one.keys()}):  # noqa: SIM118
        yield f"no {name} at all", changed(root, lambda all_, w=name: [one.attrib.pop(w, None) for one in all_])  # type: ignore[misc]


def as_word(case: ET.Element, at: int) -> None:
    case.set("status", "error" if case[at].tag == "error" else "failed")
    case.remove(case[at])


def reverse(one: ET.Element) -> None:
    one[:] = list(one)[::-1]

"""Filed: an objective put down with its name, target, window and place."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TypeVar

from davy.checks.slofiles.counters import Counter, Difference, counted, failed
from davy.checks.slofiles.node import Node, name_of
from davy.pipeline.checksconfig import FiledSlo
from davy.pipeline.structuring import made

T = TypeVar("T")
MONTH = timedelta(days=30)


def put(
    node: Node,
    name: str,
    percent: float | None,
    window: timedelta | None,
    counters: Mapping[str, object] | None,
) -> None:
    """One more objective, where all of its parts could be read."""
    called = name_of(name)
    if name and not called:
        node.refuse(f"has the name {name!r}, of which nothing is left that may stand in one")
    if percent is not None and not 0 < percent < 100:
        node.refuse(f"has the target {percent:g} %; an objective with a budget lies between 0 and 100 %")
        percent = None
    if window is not None and not window:
        node.refuse("has a window of no length")
        window = None
    if not called or percent is None or window is None or counters is None:
        return
    if called != name:
        node.note(f"is called {called} here: a name is letters, digits, `-`, `_` and `.`, at most 63")
    said = {"name": called, "objective": percent, "window": window, **counters}
    node.found.objectives.append(made(FiledSlo, {**said, "file": node.file, "line": node.line}))


def asked(node: Node, read: Callable[[str], T]) -> T | None:
    """What the query at the node means; None where it is refused, which is put down."""
    text = node.text()
    try:
        return read(text) if text else None
    except ValueError as error:
        node.refuse(str(error))
        return None


def counter(node: Node, *, raw: bool = False) -> Counter | None:
    """The counter of an expression."""
    found = asked(node, lambda text: counted(text, raw=raw))
    if found is not None and found.grouped:
        node.note("sums by labels; here one objective holds for all of them together")
    return found


def errors(node: Node, *, raw: bool = False) -> Counter | Difference | None:
    """Bad events of an expression."""
    found = asked(node, lambda text: failed(text, raw=raw))
    if found is None:
        return None
    bad, remark = found
    if remark:
        node.note(remark)
    parts = (bad,) if isinstance(bad, Counter) else (bad.of, bad.good)
    if any(part.grouped for part in parts):
        node.note("sums by labels; here one objective holds for all of them together")
    return bad

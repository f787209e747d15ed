"""Objective: an objective put down with its name, target, window and place."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TypeVar

from davy.checks.slo_formats.promql_counters import Counter, Difference, failed, good_ones, objective, whole
from davy.checks.slo_formats.yaml_node import YamlNode, name_of
from davy.pipeline.config.parsing.reader import made
from davy.pipeline.config.sections.objectives import LOW, FiledSlo
from davy.pipeline.config.sections.thresholds import LEAST_OBJECTIVE, low_objective

T = TypeVar("T")
MONTH = timedelta(days=30)


def put(
    node: YamlNode,
    name: str,
    percent: tuple[YamlNode, float | None],
    window: timedelta | None,
    counters: Mapping[str, object] | None,
) -> None:
    """One more objective, where all of its parts could be read. `percent`: with its place."""
    called, target = name_of(name), _target(*percent)
    if name and not called:
        node.refuse(f"has the name {name!r}, of which nothing is left that may stand in one")
    if window is not None and not window:
        node.refuse("has a window of no length")
        window = None
    if not called or target is None or window is None or counters is None:
        return
    if first := node.found.place(called):
        node.refuse(f"a second check {called!r}, the first is at {first[0]}:{first[1]}; give it a name of its own")
        return
    if called != name:
        node.note(f"is called {called} here: a name is letters, digits, `-`, `_` and `.`, at most 63")
    said = {"name": called, "objective": target, "window": window, **counters}
    node.found.objectives.append(made(FiledSlo, {**said, "file": node.file, "line": node.line}))


def _target(place: YamlNode, percent: float | None) -> float | None:
    """The target, where a budget is left by it and somebody may have meant it."""
    if percent is None:
        return None
    if not 0 < percent < 100:
        place.refuse(f"the target {percent:.15g} % leaves no budget to spend; an objective lies between 0 and 100 %")
        return None
    if percent < LEAST_OBJECTIVE:
        place.refuse(f"{low_objective(percent)} If it is meant, write it under `checks.slos` with `accept: [{LOW}]`")
        return None
    return percent


def joined(node: YamlNode, **parts: Counter | Difference | None) -> Mapping[str, object] | None:
    """The counters as davy.yaml says them; None where one is missing or they make no objective, which is put down."""
    if any(part is None for part in parts.values()):
        return None
    return asked(node, lambda _: objective(**parts), text="-")  # type: ignore[arg-type]


def asked(node: YamlNode, read: Callable[[str], T], text: str = "") -> T | None:
    """What the query at the node means; None where it is refused, which is put down."""
    text = text or node.text()
    try:
        return read(text) if text else None
    except ValueError as error:
        node.refuse(str(error))
        return None


def counter(node: YamlNode, *, raw: bool = False, good: bool = False) -> Counter | None:
    """The counter of an expression: of all events, or of the good ones."""
    read = good_ones if good else whole
    found = asked(node, lambda text: read(text, raw=raw))
    if found is None:
        return None
    one, remark = found
    if remark:
        node.note(remark)
    remarked(node, one)
    return one


def remarked(node: YamlNode, *parts: Counter) -> None:
    """Notes on counters that are taken and may mean another thing here."""
    if any(part.grouped for part in parts):
        node.note("sums by labels; here one objective holds for all of them together")
    words = dict.fromkeys(word for part in parts for word in part.variables)
    if words:
        node.note(f"holds {', '.join(words)}: nothing here fills that in; write your value")


def errors(node: YamlNode, *, raw: bool = False) -> Counter | Difference | None:
    """Bad events of an expression."""
    found = asked(node, lambda text: failed(text, raw=raw))
    if found is None:
        return None
    bad, remark = found
    if remark:
        node.note(remark)
    remarked(node, *((bad,) if isinstance(bad, Counter) else (bad.of, bad.good)))
    if isinstance(bad, Counter):
        inverted(node, bad)
    return bad


def inverted(node: YamlNode, bad: Counter) -> None:
    """Note a bucket that is said to be bad."""
    if bad.counts_fast_ones:
        node.note(
            f"is a bucket: it counts the events that took at most {bad.bound:g}, the fast ones, and here they are the "
            "bad ones; for slow ones write all less this"
        )

"""Keptn: an SLO file of quality gates with its SLI file. https://github.com/keptn/spec/blob/master/service_level_objective.md."""

import re
from collections.abc import Iterator, Sequence

from davy.checks.slofiles import measured
from davy.checks.slofiles.node import Node

CRITERION = re.compile(rf"\s*(<=|>=|=|<|>)\s*{measured.NUMBER}\s*")
OPPOSITE = {"<=": ">", "<": ">=", ">=": "<", ">": "<="}
RELATIVE = "compares with an evaluation of before, which is no evidence here: an objective under `checks.slos` compares"
WHY = {
    "comparison": "nothing is compared with evaluations of before",
    "total_score": "there is no score: every check must be good enough, and each can fail the canary",
    "weight": "there is no score: every check counts whole",
    "key_sli": "every check can fail the canary",
}


def read(document: Node, documents: Sequence[Node]) -> None:
    """Each objective with an absolute criterion and a known query is a threshold."""
    document.left(("spec_version", "objectives", "filter"), WHY)
    filters = document.at("filter").value
    values = {str(key): str(value) for key, value in filters.items()} if isinstance(filters, dict) else {}
    for item in document.at("objectives").each():
        item.left(("sli", "pass", "warning"), WHY)
        if not item.at("pass").there:
            item.note("has no `pass`: Keptn shows it and judges nothing by it, so it is left out")
            continue
        name = item.at("sli").text()
        query = _query(name, documents)
        if query is None:
            item.at("sli").refuse(f"no query {name!r} is in the files; name Keptn's SLI file (`indicators`) as well")
            continue
        good = _limit(item.at("pass"))
        if good is not None:
            conditions = {"success": good, **_failure(item, good)}
            measured.put(item, name, measured.placeheld(query, query.text(), values), conditions)


def _query(name: str, documents: Sequence[Node]) -> Node | None:
    for document in documents:
        query = document.at("indicators", name)
        if query.there:
            return query
    return None


def _failure(item: Node, good: str) -> dict[str, object]:
    """A warning is neither good nor bad: what is worse than it fails."""
    if not item.at("warning").there:
        return {}
    warned = _limit(item.at("warning"))
    if warned is None or warned == good:
        return {}
    operator, _, number = warned.partition(" ")
    if operator not in OPPOSITE or not _is_wider(warned, good):
        item.at("warning").note("is not carried over: it is no wider than `pass`, which Keptn asks first")
        return {}
    return {"failure": f"{OPPOSITE[operator]} {number}"}


def _is_wider(warned: str, good: str) -> bool:
    """True where all that passes is within the warning, too: only then is what is beyond it a failure."""
    (operator, _, number), (passing, _, limit) = warned.partition(" "), good.partition(" ")
    if operator[0] != passing[0]:
        return False
    beyond = float(number) - float(limit) if operator[0] == "<" else float(limit) - float(number)
    return beyond > 0 or (beyond == 0 and (operator.endswith("=") or not passing.endswith("=")))


def _limit(criteria: Node) -> str | None:
    """The one absolute limit that must hold; None, noted, where there is none or more than one."""
    groups = criteria.each()
    if len(groups) > 1:
        criteria.refuse(
            "has several lists of which one must hold; write them under `checks.thresholds`, joined by `||`"
        )
        return None
    found = list(_absolute(groups[0].at("criteria"))) if groups else []
    if not found:
        criteria.refuse("has no limit that is a number")
        return None
    sides = {operator[0] for operator, _ in found}
    if len(sides) > 1:
        criteria.refuse("has a limit above and one below; write two objectives with one each")
        return None
    operator, number = (min if sides == {"<"} else max)(found, key=lambda one: one[1])
    if len(found) > 1:
        criteria.note("of several limits that must all hold, the tightest is carried over")
    return f"{'==' if operator == '=' else operator} {number:.15g}"


def _absolute(criteria: Node) -> Iterator[tuple[str, float]]:
    for item in criteria.each():
        text = item.text()
        found = CRITERION.fullmatch(text)
        signed = re.search(r"[<>=]\s*[-+]", text) is not None
        if found and not signed:
            yield found[1], float(found[2])
        elif text:
            item.note(f"{text!r} is not carried over: it {RELATIVE}")

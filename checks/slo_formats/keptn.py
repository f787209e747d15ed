"""Keptn: an SLO file of quality gates with its SLI file. https://github.com/keptn/spec/blob/master/service_level_objective.md."""

import math
import re
from collections.abc import Sequence

from davy.checks.slo_formats import threshold
from davy.checks.slo_formats.number_line import Limit, Lists, NumberLine
from davy.checks.slo_formats.yaml_node import YamlNode

CRITERION = re.compile(rf"(<=|>=|=|<|>){threshold.NUMBER}(%?)")
RELATIVE = "compares with an evaluation of before, which is no evidence here: an objective under `checks.slos` compares"
WHY = {
    "comparison": "nothing is compared with evaluations of before",
    "total_score": "there is no score: every check must be good enough, and each can fail the canary",
    "weight": "there is no score: every check counts whole",
    "key_sli": "every check can fail the canary",
}


def read(document: YamlNode, documents: Sequence[YamlNode]) -> None:
    """Each objective with an absolute criterion and a known query is a threshold."""
    document.left(("spec_version", "objectives", "filter"), WHY)
    values = threshold.texts(document.at("filter"))
    items = document.at("objectives").each()
    if not items and not isinstance(document.at("objectives").value, str | int | float | dict):
        document.refuse("has no `objectives`")
    for item in items:
        item.left(("sli", "pass", "warning"), WHY)
        if not item.at("pass").value:
            item.note("has no `pass`: Keptn shows it and judges nothing by it, so it is left out")
            continue
        name = item.at("sli").text()
        query = _query(item.at("sli"), name, documents)
        conditions = _conditions(item)
        if query is not None and conditions is not None:
            threshold.put(item, name, threshold.placeheld(query, query.text(), values), conditions)


def _query(place: YamlNode, name: str, documents: Sequence[YamlNode]) -> YamlNode | None:
    """The indicator of this name; None, refused, where there is none, or where files have different ones."""
    found = [document.at("indicators", name) for document in documents]
    queries = [one for one in found if one.there]
    if name and not queries:
        place.refuse(f"no query {name!r} is in the files; name Keptn's SLI file (`indicators`) as well")
    if len({str(one.value) for one in queries}) > 1:
        places = ", ".join(f"{one.file}:{one.line}" for one in queries)
        place.refuse(f"the files have different queries {name!r} ({places}); name the one SLI file that is meant")
        return None
    return queries[0] if queries else None


def _conditions(item: YamlNode) -> dict[str, object] | None:
    """What davy.yaml says for `pass` and `warning`; None, refused, where it can say nothing.

    Keptn asks `pass` first; what holds neither fails. In davy what is neither a success nor a failure is inconclusive,
    so a warning is. Without `warning`, all that does not pass fails, as with `success` alone.
    """
    passing, warned = _lists(item.at("pass")), _lists(item.at("warning"))
    if passing is None or warned is None:
        return None
    line = NumberLine.of(passing, warned)
    good, warning = line.held(passing), line.held(warned)
    if not any(good) or all(good):
        never = "has no limit that is a number, or one that every number keeps: nothing could fail"
        item.at("pass").refuse(never if any(good) else "has limits that no number keeps: nothing could pass")
        return None
    said: dict[str, object] = {"success": line.condition(good)}
    failing = tuple(not passes and not warns for passes, warns in zip(good, warning, strict=True))
    if not any(failing):
        item.at("warning").note("holds wherever `pass` does not, so nothing fails the canary: `failure_limit: -1`")
        return {**said, "failure_limit": -1}
    if any(warns and not passes for passes, warns in zip(good, warning, strict=True)):
        return {**said, "failure": line.condition(failing)}
    if warned and sorted(map(sorted, warned)) != sorted(map(sorted, passing)):
        item.at("warning").note("is not carried over: it is no wider than `pass`, which Keptn asks first")
    return said


def _lists(criteria: YamlNode) -> Lists | None:
    """The limits by list, one of which must hold; None where one of them is no criterion, which is put down.

    A comparison with evaluations of before always holds in Keptn where there are none, as here.
    """
    found = [_limits(group.at("criteria")) for group in criteria.each()]
    whole = criteria.value is None or isinstance(criteria.value, list)
    return [limits for limits in found if limits is not None] if whole and None not in found else None


def _limits(criteria: YamlNode) -> list[Limit] | None:
    items = criteria.each()
    limits: list[Limit] = []
    wrong = criteria.there and not isinstance(criteria.value, list)
    for item in items:
        text = "".join(item.text().split())
        found = CRITERION.fullmatch(text)
        if found is None or not math.isfinite(float(found[2])):
            wrong = True
            if text:
                item.refuse(f"{text!r} is no criterion, like `<600` or `<=+10%`")
        elif found[3] or found[2][0] in "+-":
            item.note(f"{item.text()!r} is not carried over: it {RELATIVE}")
        else:
            limits.append((found[1], float(found[2])))
    return None if wrong else limits

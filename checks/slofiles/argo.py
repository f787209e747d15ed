"""Argo Rollouts: the Prometheus metrics of an AnalysisTemplate. https://argo-rollouts.readthedocs.io/en/stable/features/analysis/."""

import re

from davy.checks.slofiles import measured
from davy.checks.slofiles.node import Node

OPERATOR = r"(>=|<=|==|!=|>|<)"
CONDITIONS = (
    re.compile(rf"\s*result(?:\[0\])?\s*{OPERATOR}\s*{measured.NUMBER}\s*"),
    re.compile(rf"\s*all\(\s*result\s*,\s*\{{?\s*#\s*{OPERATOR}\s*{measured.NUMBER}\s*\}}?\s*\)\s*"),
)
INSTEAD = "is more than one comparison of the result with a number; write `result[0] < 0.05`, or two metrics"
WHY = {
    "initialDelay": "the evidence begins after `canary.warmup`",
    "dryRun": "every check of davy.yaml counts; leave out what should not",
    "measurementRetention": "the journal keeps what there is room for",
    "templates": "the metrics of other templates are imported from their own files",
}
KNOWN = (
    "provider", "successCondition", "failureCondition", "interval", "count", "failureLimit", "consecutiveErrorLimit",
    "consecutiveSuccessLimit",
)  # fmt: skip


def read(document: Node) -> None:
    """Each metric of Prometheus is a threshold."""
    spec = document.at("spec")
    spec.left(("metrics", "args"), WHY)
    values = {
        f"args.{argument.at('name').value}": str(argument.at("value").value)
        for argument in spec.at("args").each()
        if argument.at("value").there
    }
    metrics = spec.at("metrics").each()
    if not metrics:
        spec.refuse("has no `metrics`")
    for metric in metrics:
        _metric(metric, values)


def _metric(metric: Node, values: dict[str, str]) -> None:
    metric.left(KNOWN, WHY)
    provider = metric.at("provider")
    if not provider.at("prometheus").there:
        others = ", ".join(provider.value) if isinstance(provider.value, dict) else "nothing"
        provider.refuse(f"is {others}; davy asks Prometheus alone")
        return
    asked = provider.at("prometheus", "query")
    provider.at("prometheus").left(("query", "address"), {"authentication": "`checks.prometheus` says how to sign in"})
    if provider.at("prometheus", "address").there:
        provider.at("prometheus", "address").note("is not carried over: davy asks `checks.prometheus`")
    conditions = {
        ours: read
        for theirs, ours in (("successCondition", "success"), ("failureCondition", "failure"))
        if metric.at(theirs).there and (read := _condition(metric.at(theirs)))
    }
    said = [key for key in ("successCondition", "failureCondition") if metric.at(key).there]
    if not said:
        metric.refuse("has neither `successCondition` nor `failureCondition`: in Argo it succeeds whatever comes")
    if not said or len(conditions) < len(said):
        return
    query = measured.filled(asked, asked.text(), values)
    measured.put(metric, metric.at("name").text(), query, {**conditions, **_counting(metric)})


def _condition(node: Node) -> str:
    text = node.text()
    for shape in CONDITIONS:
        found = shape.fullmatch(text)
        if found:
            return f"{found[1]} {found[2]}"
    node.refuse(INSTEAD)
    return ""


def _counting(metric: Node) -> dict[str, object]:
    said: dict[str, object] = {}
    if metric.at("interval").there and (interval := metric.at("interval").span()):
        said["interval"] = interval
    for theirs, ours in (("failureLimit", "failure_limit"), ("consecutiveErrorLimit", "error_limit")):
        value = measured.whole(metric.at(theirs))
        if value is not None:
            said[ours] = value
    count, row = measured.whole(metric.at("count"), 1), measured.whole(metric.at("consecutiveSuccessLimit"), 1)
    if row is not None:
        said["successes"] = row
    elif count is not None:
        said["successes"] = count
        metric.at("count").note("counts measurements in all; here as many successes must come in a row")
    elif not metric.at("interval").there:
        said["successes"] = 1
    return said

"""Argo Rollouts: the Prometheus metrics of an AnalysisTemplate. https://argo-rollouts.readthedocs.io/en/stable/features/analysis/."""

from davy.checks.slofiles import measured
from davy.checks.slofiles.node import Node
from davy.pipeline import conditiontext

FEW = 3
"""Successes in a row asked of a metric that Argo would measure without end."""
WHY = {
    "dryRun": "every check of davy.yaml counts; leave out what should not",
    "measurementRetention": "the journal keeps what there is room for",
    "templates": "the metrics of other templates are imported from their own files",
}
KNOWN = (
    "provider", "successCondition", "failureCondition", "interval", "count", "failureLimit", "consecutiveErrorLimit",
    "consecutiveSuccessLimit", "inconclusiveLimit", "initialDelay",
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
        if metric.at(theirs).there and (read := _condition(metric.at(theirs), values))
    }
    said = [key for key in ("successCondition", "failureCondition") if metric.at(key).there]
    if not said:
        metric.refuse("has neither `successCondition` nor `failureCondition`: in Argo it succeeds whatever comes")
    if not said or len(conditions) < len(said):
        return
    query = measured.filled(asked, asked.text(), values)
    measured.put(metric, metric.at("name").text(), query, {**conditions, **_counting(metric)})


def _condition(node: Node, values: dict[str, str]) -> str:
    """The expression as it is, where davy knows all of its words."""
    text = " ".join(measured.filled(node, node.text(), values).split())
    try:
        return conditiontext.condition(text).text if text else ""
    except ValueError as error:
        node.refuse(str(error))
        return ""


def _counting(metric: Node) -> dict[str, object]:
    said: dict[str, object] = {"style": "argo"}
    for theirs, ours in (("interval", "interval"), ("initialDelay", "initial_delay")):
        if metric.at(theirs).there and (span := metric.at(theirs).span()) is not None:
            said[ours] = span
    for theirs, ours, least in (
        ("failureLimit", "failure_limit", -1), ("inconclusiveLimit", "inconclusive_limit", 0), ("count", "count", 1),
        ("consecutiveErrorLimit", "error_limit", 0), ("consecutiveSuccessLimit", "successes", 1),
    ):  # fmt: skip
        value = measured.whole(metric.at(theirs), least)
        if value is not None:
            said[ours] = value
    if not {"count", "successes"} & said.keys():
        said |= _endless(metric)
    return said


def _endless(metric: Node) -> dict[str, object]:
    """Argo measures once without an interval, and with one until it is stopped."""
    if not metric.at("interval").there:
        return {"count": 1}
    metric.note(f"has no `count`: Argo measures until it is stopped; here {FEW} successes in a row are good enough")
    return {"successes": FEW}

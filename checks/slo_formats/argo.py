"""Argo: an AnalysisTemplate's metrics. https://argo-rollouts.readthedocs.io/en/stable/features/analysis/."""

import re

from davy.checks.slo_formats import threshold
from davy.checks.slo_formats.yaml_node import YamlNode
from davy.pipeline.config.parsing import condition_parser

FEW = 3
"""Successes in a row asked of a metric that Argo would measure without end."""
WHY = {
    "dryRun": "every check of davy.yaml counts; leave out what should not",
    "measurementRetention": "the journal keeps what there is room for",
    "templates": "the metrics of other templates are imported from their own files",
}
COUNTING: dict[str, tuple[str, int | None]] = {
    "interval": ("interval", None), "initialDelay": ("initial_delay", None), "failureLimit": ("failure_limit", -1),
    "inconclusiveLimit": ("inconclusive_limit", 0), "count": ("count", 0),
    "consecutiveErrorLimit": ("error_limit", 0), "consecutiveSuccessLimit": ("successes", 0),
}  # fmt: skip
"""By Argo's key, davy's, and the least number; None for a duration."""
RANGE = (
    "asks for every point of a span, and `result` is all of them; davy asks for one moment. Write a query over the "
    "span itself, like max_over_time(…[5m:1m]), without `rangeQuery`"
)
SIMPLE = re.compile(r"\^?[\w-]*(?:\.\*)?[\w-]*\$?")
"""Regexes that take no time, whatever the name."""
KNOWN = (
    "provider", "successCondition", "failureCondition", "interval", "count", "failureLimit", "consecutiveErrorLimit",
    "consecutiveSuccessLimit", "inconclusiveLimit", "initialDelay",
)  # fmt: skip


def read(document: YamlNode) -> None:
    """Each metric of Prometheus is a threshold."""
    spec = document.at("spec")
    spec.left(("metrics", "args", "dryRun"), WHY)
    said = ((argument.at("name").value, threshold.worded(argument.at("value"))) for argument in spec.at("args").each())
    values = {f"args.{name}": value for name, value in said if value is not None}
    metrics = spec.at("metrics").each()
    if not metrics:
        spec.refuse("has no `metrics`")
    rules = [str(rule.at("metricName").value or "") for rule in spec.at("dryRun").each()]
    for metric in metrics:
        if any(_may_match(rule, str(metric.at("name").value)) for rule in rules):
            metric.refuse(f"is a dry run in Argo, which fails nothing: {WHY['dryRun']}")
        else:
            _metric(metric, values)


def _may_match(rule: str, name: str) -> bool:
    """Whether Argo's regex of names is found in this one. One that is more than words and dots may be."""
    return not SIMPLE.fullmatch(rule) or re.search(rule, name) is not None


def _metric(metric: YamlNode, values: dict[str, str]) -> None:
    metric.left(KNOWN, WHY)
    provider = metric.at("provider")
    if not provider.at("prometheus").there:
        others = ", ".join(provider.value) if isinstance(provider.value, dict) else "nothing"
        kayenta = "; `checks.kayenta.config` takes its canary config" if provider.at("kayenta").there else ""
        provider.refuse(f"is {others}; davy asks Prometheus alone{kayenta}")
        return
    if provider.at("prometheus", "rangeQuery").there:
        provider.at("prometheus", "rangeQuery").refuse(RANGE)
        return
    asked = provider.at("prometheus", "query")
    provider.at("prometheus").left(("query", "address"), {"authentication": "`checks.prometheus` says how to sign in"})
    if provider.at("prometheus", "address").there:
        provider.at("prometheus", "address").note("is not carried over: davy asks `checks.prometheus`")
    conditions = {
        ours: read
        for theirs, ours in (("successCondition", "success"), ("failureCondition", "failure"))
        if metric.at(theirs).value not in (None, "") and (read := _condition(metric.at(theirs), values))
    }
    said = [key for key in ("successCondition", "failureCondition") if metric.at(key).value not in (None, "")]
    if not said:
        metric.refuse("has neither `successCondition` nor `failureCondition`: in Argo it succeeds whatever comes")
    if not said or len(conditions) < len(said):
        return
    counting = _counting(metric, values)
    if counting is not None:
        query = threshold.filled(asked, asked.text(), values)
        threshold.put(metric, metric.at("name").text(), query, {**conditions, **counting})


def _condition(node: YamlNode, values: dict[str, str]) -> str:
    """The expression as it is, where davy knows all of its words."""
    valued = threshold.valued(node, values)
    if valued is None:
        return ""
    text = " ".join(valued.text().split())
    try:
        return condition_parser.condition(text).text if text else ""
    except ValueError as error:
        node.refuse(str(error))
        return ""


def _counting(metric: YamlNode, values: dict[str, str]) -> dict[str, object] | None:
    """How the measurements are counted; None where a part of it cannot be read: with less it would mean another."""
    said: dict[str, object] = {"style": "argo"}
    for theirs, (ours, least) in COUNTING.items():
        if not metric.at(theirs).there:
            continue
        node = threshold.valued(metric.at(theirs), values)
        value: object = None
        if node is not None:
            value = node.span() if least is None else threshold.whole(node, least)
        if value is None:
            return None
        said[ours] = value
    # As if they were not there, in Argo.
    for key in ("count", "successes"):
        if said.get(key) == 0:
            del said[key]
    if not {"count", "successes"} & said.keys():
        said |= _endless(metric)
    return said


def _endless(metric: YamlNode) -> dict[str, object]:
    """Argo measures once without an interval, and with one until it is stopped."""
    if not metric.at("interval").there:
        return {"count": 1}
    has = "has a `count` of 0" if metric.at("count").there else "has no `count`"
    metric.note(f"{has}: Argo measures until it is stopped; here {FEW} successes in a row are good enough")
    return {"successes": FEW}

"""Flagger: the metrics of a Canary's analysis, with their MetricTemplates. https://docs.flagger.app/usage/metrics."""

from collections.abc import Sequence
from datetime import timedelta

from davy.checks.slo_formats import threshold
from davy.checks.slo_formats.yaml_node import YamlNode
from davy.pipeline.config.parsing.reader import made
from davy.pipeline.config.sections.thresholds import FlaggerConfig

BUILT_IN = {
    "request-success-rate": "is a query of Flagger's own for your mesh or ingress; write an objective of your "
    "counters under `checks.slos`, or the query under `checks.thresholds`",
    "request-duration": "is a query of Flagger's own for your mesh or ingress; write an objective with `histogram` "
    "and `under` under `checks.slos`",
}
ANALYSIS = {
    "stepWeight": "write the shares as `canary.steps`",
    "stepWeights": "write the shares as `canary.steps`",
    "maxWeight": "write the shares as `canary.steps`",
    "match": "A/B by headers is not davy's",
    "mirror": "davy mirrors no traffic",
    "webhooks": "davy calls none; write what tests as `tests`",
    "alerts": "davy prints, reports and exits; alert on that",
    "sessionAffinity": "davy's shares are made of pods",
}
SHORTEST = timedelta(seconds=10)
"""Flagger's MetricInterval and GetAnalysisInterval: a minute where none is said, and ten seconds at least."""
PER_METRIC = ("templateRef", "templateVariables", "thresholdRange", "threshold", "interval", "query")


def read(canary: YamlNode, documents: Sequence[YamlNode]) -> None:
    """Each metric of the analysis is a threshold; how they are counted is said once for all."""
    spec = canary.at("spec")
    analysis = _analysis(canary)
    analysis.left(("metrics", "threshold", "interval", "iterations"), ANALYSIS)
    if spec.at("skipAnalysis").value is True:
        spec.at("skipAnalysis").refuse("is true: Flagger promotes without asking any metric, so they are left out")
        return
    counting = _counting(analysis)
    if counting is None:
        return
    metrics = analysis.at("metrics").each()
    if not metrics:
        spec.refuse("has no metrics in its `analysis`")
    for metric in metrics:
        metric.left(PER_METRIC)
        query = _query(metric, canary, documents)
        if query is not None:
            text = threshold.filled(query, query.text(), _values(canary, metric))
            _put(metric, text)
    if any(one.style == "flagger" for one in analysis.found.thresholds):
        analysis.found.flagger = counting


def _analysis(canary: YamlNode) -> YamlNode:
    spec = canary.at("spec")
    return spec.at("analysis") if spec.at("analysis").there else spec.at("canaryAnalysis")


def read_alone(documents: Sequence[YamlNode]) -> None:
    """Templates that no Canary of these files uses: a query without a range is no threshold."""
    used = [
        template.place
        for document in documents
        if document.at("kind").value == "Canary" and isinstance(_analysis(document).at("metrics").value, list)
        for metric in _analysis(document).at("metrics").each()
        for template in _templates(metric, document, documents)
    ]
    for document in documents:
        if document.at("kind").value == "MetricTemplate" and document.place not in used:
            document.refuse(
                "is a query without a range; name the file with the Canary that says its `thresholdRange` as well"
            )


def _templates(metric: YamlNode, canary: YamlNode, documents: Sequence[YamlNode]) -> list[YamlNode]:
    """Those that the metric names: in its `namespace`, else in the Canary's; where a file names none, any may be it."""
    reference = metric.at("templateRef")
    named = reference.at("namespace") if reference.at("namespace").there else canary.at("metadata", "namespace")
    same = [
        document
        for document in documents
        if document.at("kind").value == "MetricTemplate"
        and document.at("metadata", "name").value == reference.at("name").value
    ]
    exact = [one for one in same if one.at("metadata", "namespace").value == named.value]
    loose = [one for one in same if not named.there or not one.at("metadata", "namespace").there]
    return exact or loose


def _query(metric: YamlNode, canary: YamlNode, documents: Sequence[YamlNode]) -> YamlNode | None:
    if metric.at("query").there:
        return metric.at("query")
    reference = metric.at("templateRef", "name")
    if not reference.there:
        name = str(metric.at("name").value)
        metric.refuse(BUILT_IN.get(name, "has neither `templateRef` nor `query`"))
        return None
    found = _templates(metric, canary, documents)
    if found and all(one.at("spec").value == found[0].at("spec").value for one in found):
        return _of_template(found[0])
    if found:
        reference.refuse(f"{len(found)} MetricTemplates have the name {reference.value!r}; name its `namespace`")
        return None
    named = metric.at("templateRef", "namespace").value or canary.at("metadata", "namespace").value
    where = f" of the namespace {named}" if named else ""
    reference.refuse(
        f"no MetricTemplate {reference.value!r}{where} is in the files; name the file that holds it as well"
    )
    return None


def _of_template(template: YamlNode) -> YamlNode | None:
    provider = template.at("spec", "provider")
    if provider.at("type").value != "prometheus":
        provider.at("type").refuse(f"is {provider.at('type').value}; davy asks Prometheus alone")
        return None
    for key in ("address", "secretRef", "insecureSkipVerify", "headers"):
        if provider.at(key).there:
            provider.at(key).note("is not carried over: `checks.prometheus` says where to ask and how to sign in")
    return template.at("spec", "query")


def _values(canary: YamlNode, metric: YamlNode) -> dict[str, str]:
    """What Flagger puts into a template."""
    spec, meta = canary.at("spec"), canary.at("metadata")
    service = spec.at("service", "name")
    places = {
        "name": meta.at("name"), "namespace": meta.at("namespace"), "target": spec.at("targetRef", "name"),
        "service": service if service.there else spec.at("targetRef", "name"),
        "ingress": spec.at("ingressRef", "name"), "interval": metric.at("interval"),
    }  # fmt: skip
    said = ((name, threshold.worded(place)) for name, place in places.items())
    values = {"interval": "1m"} | {name: text for name, text in said if text is not None}
    return values | {f"variables.{key}": text for key, text in threshold.texts(metric.at("templateVariables")).items()}


def _put(metric: YamlNode, query: str) -> None:
    bounds = metric.at("thresholdRange")
    said: dict[str, float] = {
        bound: limit
        for bound in ("min", "max")
        if bounds.at(bound).there and (limit := bounds.at(bound).number()) is not None
    }
    if not said and metric.at("threshold").there and (limit := metric.at("threshold").number()) is not None:
        # As Flagger has it for a metric with a query of its own: at most the threshold.
        said["max"] = limit
    if list(said) == ["min", "max"] and said["min"] > said["max"]:
        bounds.refuse("has a `min` above its `max`: every tick would fail")
    elif said:
        threshold.put(metric, metric.at("name").text(), query, {"style": "flagger", **said})
    else:
        metric.refuse("needs `thresholdRange` with `min` or `max`")


def _counting(analysis: YamlNode) -> dict[str, object] | None:
    """`checks.flagger`: one for all Canaries, for it is one rollout that is judged. None where it cannot be that."""
    said: dict[str, object] = {}
    if analysis.at("interval").there:
        interval = analysis.at("interval").span()
        if interval is None:
            return None
        if interval < SHORTEST:
            analysis.at("interval").note(f"is {SHORTEST.total_seconds():.0f}s here: Flagger itself raises it")
        said["interval"] = max(interval, SHORTEST)
    for key in ("threshold", "iterations"):
        value = threshold.whole(analysis.at(key), 0)
        if value is None and analysis.at(key).there:
            return None
        # As Flagger has it: none at all is the first.
        if value:
            said[key] = value
    before = analysis.found.flagger
    if before is not None and made(FlaggerConfig, before) != made(FlaggerConfig, said):
        analysis.refuse(
            "counts otherwise than another Canary of these files, so its metrics are left out; import them one by one"
        )
        return None
    return said

"""Sloth: `prometheus/v1` and the resource PrometheusServiceLevel. https://sloth.dev/specs/default/."""

from collections.abc import Mapping

from davy.checks.slo_formats import objective
from davy.checks.slo_formats.yaml_node import YamlNode

WHY = {"alerting": "davy has its own limits, and pages nobody for a budget", "plugins": "davy runs none of Sloth's"}
RAW = "is a ratio that was made already; its counts cannot be had back: write `events` with two queries"
PLUGIN = "is Go code that makes a query; write `events` with the two queries that it makes"


def read(document: YamlNode) -> None:
    """Every SLO of a service. Sloth's window is 30 days unless its command line says another."""
    spec = document.at("spec") if document.at("kind").there else document
    spec.left(("version", "slos", "sloPlugins"), WHY)
    items = spec.at("slos").each()
    if not items:
        spec.refuse("has no `slos`")
    for item in items:
        item.left(("objective", "sli"), WHY)
        target = item.at("objective")
        counters = _counters(item.at("sli"))
        objective.put(item, item.at("name").text(), (target, target.number()), objective.MONTH, counters)


def _counters(sli: YamlNode) -> Mapping[str, object] | None:
    for key, why in (("raw", RAW), ("plugin", PLUGIN)):
        if sli.at(key).there:
            sli.at(key).refuse(why)
            return None
    events = sli.at("events")
    if not events.there:
        sli.refuse("needs `events` with `error_query` and `total_query`")
        return None
    # The resource writes its keys in the manner of Kubernetes.
    error, total = (
        events.at(plain) if events.at(plain).there else events.at(resource)
        for plain, resource in (("error_query", "errorQuery"), ("total_query", "totalQuery"))
    )
    every, bad = objective.counter(total), objective.errors(error)
    return objective.joined(error, total=every, errors=bad)

"""Beacon: objectives as Beacon's files hold them."""

from davy.checks.slo_formats import objective
from davy.checks.slo_formats.promql_counters import selected
from davy.checks.slo_formats.yaml_node import YamlNode


def read(document: YamlNode) -> None:
    """One objective."""
    document.left(("apiVersion", "kind", "target", "days", "bad", "all"))
    bad, every = (objective.asked(document.at(key), selected) for key in ("bad", "all"))
    counters = objective.joined(document, errors=bad, total=every)
    percent = (document.at("target"), document.at("target").number())
    objective.put(document, document.at("name").text(), percent, document.at("window").span(), counters)

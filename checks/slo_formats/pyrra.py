"""Pyrra: ServiceLevelObjective of pyrra.dev/v1alpha1, whose metrics are plain selectors. https://github.com/pyrra-dev/pyrra."""

from collections.abc import Mapping
from datetime import timedelta

from davy.checks.slo_formats import objective
from davy.checks.slo_formats.promql_counters import Counter, selected
from davy.checks.slo_formats.yaml_node import YamlNode

WHY = {
    "alerting": "davy has its own limits, and pages nobody for a budget",
    "performance_over_accuracy": "davy asks for the whole window",
}
GAUGE = "is a gauge that is 0 or 1, not counted events; ask it under `checks.thresholds`"


def read(document: YamlNode) -> None:
    """One objective."""
    spec = document.at("spec")
    spec.left(("target", "window", "indicator", "partial_response_strategy"), WHY)
    name = document.at("metadata", "name").text()
    counters = _counters(spec.at("indicator"))
    objective.put(spec, name, (spec.at("target"), spec.at("target").number()), spec.at("window").span(), counters)


def _counters(indicator: YamlNode) -> Mapping[str, object] | None:
    kinds = [key for key in ("ratio", "latency", "latencyNative", "bool_gauge") if indicator.at(key).there]
    if len(kinds) != 1:
        indicator.refuse("needs one of `ratio`, `latency`, `latencyNative`, `bool_gauge`")
        return None
    kind = indicator.at(kinds[0])
    if kind.at("grouping").value:
        kind.at("grouping").note("is not carried over: here one objective holds for all groups together")
    match kinds[0]:
        case "ratio":
            errors, total = _selector(kind.at("errors", "metric")), _selector(kind.at("total", "metric"))
            if errors is not None:
                objective.inverted(kind.at("errors", "metric"), errors)
            return objective.joined(kind.at("errors", "metric"), total=total, errors=errors)
        case "latency":
            return _latency(kind)
        case "latencyNative":
            return _native(kind)
        case _:
            kind.refuse(GAUGE)
            return None


def _selector(metric: YamlNode) -> Counter | None:
    found = objective.asked(metric, selected)
    if found is not None:
        objective.remarked(metric, found)
    return found


def _latency(kind: YamlNode) -> Mapping[str, object] | None:
    good, total = _selector(kind.at("success", "metric")), _selector(kind.at("total", "metric"))
    if good is not None and good.bound is None:
        kind.at("success", "metric").refuse('needs the bucket of one bound, like le="0.5"')
        return None
    return objective.joined(kind.at("success", "metric"), total=total, good=good)


def _native(kind: YamlNode) -> Mapping[str, object] | None:
    """A native histogram has no `_bucket`; its name is the series'. Pyrra names a limit as a duration."""
    total, under = _selector(kind.at("total", "metric")), kind.at("latency").span()
    if total is None or under is None or under <= timedelta(0):
        return None
    return {"histogram": str(total), "under": under}

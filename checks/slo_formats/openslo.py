"""OpenSLO: SLO documents with their SLI inline or beside. https://github.com/OpenSLO/OpenSLO#specification."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from davy.checks.slo_formats import objective
from davy.checks.slo_formats.yaml_node import YamlNode
from davy.pipeline.core.text.shares import percent_of

SPEC = ("indicator", "indicatorRef", "timeWindow", "budgetingMethod", "objectives")
TARGET = ("target", "targetPercent")
OWN = ("indicator", "indicatorRef")
"""What an objective of a composite judges by."""
WHY = {
    "alertPolicies": "davy has its own limits, and pages nobody for a budget",
    "compositeWeight": "composite objectives are judged one by one",
}
SLICES = "counts good slices of time, which davy does not: it counts events; write `budgetingMethod: Occurrences`"


def read(document: YamlNode, documents: Sequence[YamlNode]) -> None:
    """An SLO: one objective for each of its `objectives`."""
    spec = document.at("spec")
    spec.left(SPEC, WHY)
    method = spec.at("budgetingMethod")
    if method.there and method.value != "Occurrences":
        method.refuse(SLICES)
        return
    shared = spec.at("indicator").there or spec.at("indicatorRef").there
    counters = _counters(_indicator(spec, documents)) if shared else None
    window = _window(spec.at("timeWindow"))
    name = document.at("metadata", "name").text()
    objectives = spec.at("objectives")
    items = objectives.each()
    if not items:
        objectives.refuse("is missing: an objective needs its `target`" if not objectives.there else "is empty")
    for number, item in enumerate(items, start=1):
        item.left((*TARGET, *OWN, "op", "value"), WHY)
        word = item.at("displayName").value
        own = str(word) if isinstance(word, str) and word else str(number)
        mine = counters
        if any(item.at(key).there for key in OWN) or not shared:
            mine = _counters(_indicator(item if any(item.at(key).there for key in OWN) else spec, documents))
        objective.put(item, name if len(items) == 1 else f"{name}-{own}", _percent(item), window, mine)


def _percent(item: YamlNode) -> tuple[YamlNode, float | None]:
    if item.at("target").there:
        share = item.at("target").number()
        if share is not None and share > 1:
            meant = f"; did you mean {share / 100:.15g}, or `targetPercent: {share:.15g}`?" if share < 100 else ""
            item.at("target").refuse(f"{share:.15g} is no share of good events, which lies between 0 and 1{meant}")
            share = None
        return item.at("target"), None if share is None else percent_of(share)
    if item.at("targetPercent").there:
        return item.at("targetPercent"), item.at("targetPercent").number()
    item.refuse("needs `target`, such as 0.999, or `targetPercent`")
    return item, None


def _indicator(spec: YamlNode, documents: Sequence[YamlNode]) -> YamlNode | None:
    """The SLI's spec, inline or by its name in any of the files; of the SLO, or of one objective of it."""
    reference = spec.at("indicatorRef")
    if spec.at("indicator").there:
        return spec.at("indicator", "spec")
    if not reference.there:
        spec.refuse("needs `indicator`, or `indicatorRef` with the name of an SLI")
        return None
    name = reference.text()
    found = [
        other
        for other in documents
        if (other.at("apiVersion").value, other.at("kind").value) == ("openslo/v1", "SLI")
        and other.at("metadata", "name").value == name
    ]
    if any(other.at("spec").value != found[0].at("spec").value for other in found):
        places = ", ".join(f"{other.file}:{other.line}" for other in found)
        reference.refuse(f"the files have different SLIs {name!r} ({places}); name the one file that is meant")
        return None
    if not found:
        reference.refuse(f"no SLI {name!r} is in the files; name the file that holds it as well")
    return found[0].at("spec") if found else None


def _counters(indicator: YamlNode | None) -> Mapping[str, object] | None:
    if indicator is None:
        return None
    ratio = indicator.at("ratioMetric")
    if indicator.at("thresholdMetric").there:
        indicator.at("thresholdMetric").refuse(
            "is one value held against a limit, not events that are good or bad; write a `ratioMetric` of two "
            "counters, or a query with a condition under `checks.thresholds`"
        )
        return None
    if not ratio.there:
        indicator.refuse("needs a `ratioMetric` of counters")
        return None
    if ratio.at("raw").there:
        ratio.at("raw").refuse(
            "is a ratio that was made already; its counts cannot be had back: write `good` or `bad`, and `total`"
        )
        return None
    return _ratio(ratio)


def _ratio(ratio: YamlNode) -> Mapping[str, object] | None:
    raw = ratio.at("counter").value is True
    known = ("counter", "good", "bad", "total", "rawType")
    ratio.left(known)
    which = [key for key in ("bad", "good") if ratio.at(key).there]
    if not which:
        ratio.refuse("needs `good` or `bad` beside `total`")
        return None
    if len(which) > 1:
        ratio.at("good").note("is not looked at: `bad` says the same")
    every, part = _query(ratio.at("total"), raw=raw), _query(ratio.at(which[0]), raw=raw)
    total = objective.counter(every, raw=raw) if every else None
    if part is None:
        return None
    if which[0] == "bad":
        return objective.joined(part, total=total, errors=objective.errors(part, raw=raw))
    return objective.joined(part, total=total, good=objective.counter(part, raw=raw, good=True))


def _query(metric: YamlNode, *, raw: bool) -> YamlNode | None:
    """The query of a metric source; `counter: false` with a plain selector is a gauge, and None, refused."""
    source = metric.at("metricSource")
    kind = source.at("type")
    if kind.there and str(kind.value).lower() != "prometheus":
        kind.refuse(f"is {kind.value}; davy asks Prometheus alone")
    if source.at("metricSourceRef").there:
        source.at("metricSourceRef").note("is not looked up: davy asks `checks.prometheus`")
    spec = source.at("spec")
    query = spec.at("promql") if spec.at("promql").there else spec.at("query")
    if not raw and isinstance(query.value, str) and "(" not in query.value:
        query.refuse("is no counter by `counter: false`; set `counter: true` where it only grows")
        return None
    return query


def _window(windows: YamlNode) -> timedelta | None:
    items = windows.each() if isinstance(windows.value, list) else [windows] if windows.there else []
    if not items:
        return objective.MONTH
    if len(items) > 1:
        windows.refuse("has several windows; davy takes one")
        return None
    only = items[0]
    if only.at("isRolling").value is False or only.at("calendar").there:
        only.note("begins by the calendar; here the window rolls: the last so many days, at every moment")
    return only.at("duration").span()

"""Config file: Kayenta's canary config, as JSON text, to metrics with their queries and yardsticks. Pure.

Format: https://github.com/spinnaker/kayenta/blob/master/docs/canary-config.md. What cannot be carried over is said as a
note; what would make a verdict wrong is a problem.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from davy.checks.judges.kayenta.json_node import JsonNode, Notebook
from davy.checks.judges.kayenta.json_places import places
from davy.checks.judges.kayenta.rules import Direction, Limits, Measure, NanStrategy, Yardstick
from davy.pipeline.config.sections.thresholds import KayentaConfig
from davy.pipeline.core.errors import Problem, Unusable
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.json import tree
from davy.pipeline.core.text import nouns

JUDGE = "NetflixACAJudge-v1.0"
PASS_AT, MARGINAL_AT = 95.0, 75.0
"""As Spinnaker's canary stage suggests them."""
PROMQL = "PromQL:"
LEFT_OUT = "is left out"
VARIABLE = re.compile(r"\$\\?\{\s*([A-Za-z_]\w*)\s*\}")
SELECTED = re.compile(r"=~\s*([\"'`])\$\\?\{\s*scope\s*\}\1")
"""`=~"${scope}"`: the only place where a regex of pod names can stand."""
SIDES = ("canary", "baseline")


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricQuery:
    """One metric: what is asked of each side, and how the answers are judged."""

    yardstick: Yardstick
    canary: str
    """PromQL; `{canary}` and `{stable}` stand for regexes of pod names."""
    baseline: str

    @property
    def name(self) -> str:
        """The metric's."""
        return self.yardstick.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """A canary config, read."""

    metrics: tuple[MetricQuery, ...]
    weights: Mapping[str, float]
    pass_at: float
    marginal_at: float
    notes: tuple[str, ...] = ()
    """What could not be carried over, and what is taken otherwise than a reader may think."""


def read(text: str, file: str, config: KayentaConfig) -> Analysis:
    """The analysis that the text means. Raises Unusable with every problem at once."""
    book = Notebook(file)
    try:
        whole = tree.parsed(text)
    except json.JSONDecodeError as error:
        # One without a text is of the whole, such as one that nests too deep.
        line, where = (error.lineno, f" at column {error.colno}") if error.doc else (None, "")
        book.problems.append(Problem(what=f"is no JSON: {error.msg}{where}", file=file, line=line))
        raise _unusable(book) from None
    if not isinstance(whole, dict):
        book.problems.append(Problem(what="is no object, which a canary config of Kayenta's is", file=file, line=1))
        raise _unusable(book)
    book.places = places(text)
    for path, line, first in book.places.twice:
        book.problems.append(
            Problem(what=f"is there twice; the first one is on line {first}", path=path, file=file, line=line)
        )
    root = JsonNode(whole, "", book)
    root.known(ROOT_KEYS, ROOT_LEFT)
    templates = root.at("templates").mapping()
    metrics = [_metric(node, templates, config) for node in root.at("metrics").items()]
    found = tuple(metric for metric in metrics if metric is not None)
    named: dict[str, int] = {}
    for index, metric in enumerate(metrics):
        if metric is not None and (before := named.setdefault(metric.name, index)) != index:
            book.refuse(f"metrics[{index}].name", f"the name {metric.name!r} is that of metrics[{before}], too")
    if all(metric.yardstick.muted for metric in found) and not book.problems:
        why = "; ".join(note.partition(": ")[2] for note in book.notes if LEFT_OUT in note)
        book.refuse("metrics", "there is no metric left that could be judged" + (f". {why}" if why else ""))
    pass_at, marginal_at = _limits(root, config)
    weights = _weights(root, found)
    _judge(root)
    if book.problems:
        raise _unusable(book)
    return Analysis(metrics=found, weights=weights, pass_at=pass_at, marginal_at=marginal_at, notes=tuple(book.notes))


ROOT_KEYS = (
    "name",
    "description",
    "applications",
    "judge",
    "templates",
    "classifier",
    "metrics",
    "configVersion",
    "id",
)
ROOT_LEFT = ("createdTimestamp", "updatedTimestamp", "createdTimestampIso", "updatedTimestampIso", "isNew")
METRIC_KEYS = ("name", "groups", "query", "analysisConfigurations", "scopeName", "id")
QUERY_KEYS = (
    "type", "serviceType", "metricName", "customInlineTemplate", "customFilterTemplate", "customFilter",
    "labelBindings", "groupByFields", "resourceType",
)  # fmt: skip
RULE_KEYS = ("direction", "nanStrategy", "critical", "muted", "mustHaveData", "effectSize", "outliers")


def _unusable(book: Notebook) -> Unusable:
    remedy = "docs/migrating.md says what davy reads of Kayenta's canary configs."
    return Unusable(
        f"{book.file} has {nouns.problems(len(book.problems))}.", problems=tuple(book.problems), remedy=remedy
    )


def _judge(root: JsonNode) -> None:
    name = root.at("judge", "name").text(JUDGE)
    if name != JUDGE:
        root.at("judge", "name").note(f"is {name}; davy judges by the rule of {JUDGE}")


def _limits(root: JsonNode, config: KayentaConfig) -> tuple[float, float]:
    said = root.at("classifier", "scoreThresholds")
    pass_at = said.at("pass").number(PASS_AT) if config.pass_ is None else config.pass_
    marginal_at = said.at("marginal").number(MARGINAL_AT) if config.marginal is None else config.marginal
    if marginal_at > pass_at:
        said.refuse(f"a marginal score ({marginal_at:g}) is above one that passes ({pass_at:g})")
    return pass_at, marginal_at


def _weights(root: JsonNode, metrics: Iterable[MetricQuery]) -> dict[str, float]:
    said = root.at("classifier", "groupWeights")
    groups = {group for metric in metrics for group in metric.yardstick.groups}
    weights = {group: said.at(group).number(0.0) for group in said.mapping()}
    for group in weights.keys() - groups:
        said.at(group).note("is the weight of a group that no metric is in: no canary can reach it")
    if weights and groups <= weights.keys() and abs(sum(weights.values()) - 100) > 1e-9:
        said.note(f"add up to {sum(weights.values()):g}, so that is the best score there is")
    return weights


def _metric(node: JsonNode, templates: Mapping[str, Any], config: KayentaConfig) -> MetricQuery | None:
    node.known(METRIC_KEYS)
    query, name = node.at("query"), node.at("name").needed()
    kind = query.at("type").text("") or query.at("serviceType").text("")
    if kind != "prometheus":
        critical = " (a critical one)" if node.at("analysisConfigurations", "canary", "critical").truth() else ""
        node.note(f"{name or 'a metric'}{critical} {LEFT_OUT}: its query is of {kind or 'no type'}, not of Prometheus")
        return None
    if node.at("scopeName").text("default") != "default":
        node.at("scopeName").note("is taken for the only scope there is")
    query.known(QUERY_KEYS)
    asked = _query(query, templates, config)
    yardstick = _yardstick(node, name)
    if asked is None or yardstick is None:
        return None
    return MetricQuery(yardstick=yardstick, canary=asked[0], baseline=asked[1])


def _query(query: JsonNode, templates: Mapping[str, Any], config: KayentaConfig) -> tuple[str, str] | None:
    text, place = _template(query, templates)
    if text is None:
        return None
    if "${" in VARIABLE.sub("", text) or "<#" in text:
        place.refuse("is more of FreeMarker than `${name}`; davy fills in names only")
        return None
    before = len(place.book.problems)
    if "scope" not in VARIABLE.findall(text):
        place.refuse("asks the same of canary and baseline: there is no `${scope}` in it")
    by_pods = any("{canary}" in side or "{stable}" in side for side in (config.canary, config.baseline))
    if by_pods and len(SELECTED.findall(text)) != VARIABLE.findall(text).count("scope"):
        place.refuse(
            '`${scope}` is a regex of pod names here, and can only stand as `=~"${scope}"`; write that, or say what '
            "it is under `checks.kayenta.canary` and `checks.kayenta.baseline`"
        )
    filled = [_filled(place, text, scope, config) for scope in (config.canary, config.baseline)]
    if filled[0] is None or filled[1] is None or len(place.book.problems) > before:
        return None
    return _promql(query, filled[0]), _promql(query, filled[1])


def _template(query: JsonNode, templates: Mapping[str, Any]) -> tuple[str | None, JsonNode]:
    inline, named = query.at("customInlineTemplate"), query.at("customFilterTemplate")
    if inline.text(""):
        return inline.text(""), inline
    if named.text(""):
        text = templates.get(named.text(""))
        if not isinstance(text, str):
            named.refuse(f"there is no template {named.text('')!r} under `templates`")
            return None, named
        return text, named
    if query.at("customFilter").text(""):
        return query.at("customFilter").text(""), query.at("customFilter")
    if query.at("resourceType").text(""):
        query.at("resourceType").refuse(
            "selects by zones and instances; write a `customInlineTemplate` with `${scope}`"
        )
    else:
        query.refuse(
            "needs a `customInlineTemplate` or `customFilterTemplate` that says with `${scope}` whose data it is"
        )
    return None, query


def _filled(place: JsonNode, text: str, scope: str, config: KayentaConfig) -> str | None:
    values = {**config.variables, "scope": scope, "location": config.location}
    missing = sorted({name for name in VARIABLE.findall(text) if name not in values})
    if missing:
        place.refuse(
            f"asks for {', '.join(f'`${{{name}}}`' for name in missing)}: say it in `checks.kayenta.variables`"
        )
        return None
    return VARIABLE.sub(lambda found: values[found[1]], text)


def _promql(query: JsonNode, text: str) -> str:
    """A whole expression where it says so; else matchers for the metric's name, averaged, as Kayenta builds it."""
    if text.startswith(PROMQL):
        return text.removeprefix(PROMQL).strip()
    matchers = ",".join([text, *(str(one) for one in query.at("labelBindings").listed())])
    fields = ", ".join(str(one) for one in query.at("groupByFields").listed())
    if fields:
        query.at("groupByFields").note("makes several series of one metric; their points are judged together")
    return f"avg({query.at('metricName').needed()}{{{matchers}}})" + (f" by ({fields})" if fields else "")


def _yardstick(node: JsonNode, name: str) -> Yardstick | None:
    rule = node.at("analysisConfigurations", "canary")
    rule.known(RULE_KEYS)
    groups = tuple(str(group) for group in node.at("groups").listed())
    if not groups:
        node.note(f"{name} is in no group, so its label is no part of the score; only critical ones count then")
    measure = rule.at("effectSize", "measure").choice(Measure, Measure.MEAN_RATIO)
    factor = rule.at("outliers", "outlierFactor").number(3.0)
    removes = rule.at("outliers", "strategy").text("keep") == "remove"
    return Yardstick(
        name=name,
        groups=groups,
        direction=rule.at("direction").choice(Direction, Direction.EITHER),
        nan=rule.at("nanStrategy").choice(NanStrategy, NanStrategy.REMOVE),
        critical=rule.at("critical").truth(),
        muted=rule.at("muted").truth(),
        must_have_data=rule.at("mustHaveData").truth(),
        measure=measure,
        allowed=_effects(rule, "allowed", measure),
        severe=_effects(rule, "critical", measure),
        outlier_factor=factor if removes else None,
    )


def _effects(rule: JsonNode, kind: str, measure: Measure) -> Limits:
    size = rule.at("effectSize")
    return Limits(
        decrease=size.at(f"{kind}Decrease").number(measure.neutral),
        increase=size.at(f"{kind}Increase").number(measure.neutral),
    )

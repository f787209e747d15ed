"""Lint: queries that parse and answer, and still would judge a canary wrongly, each with its reason. Pure."""

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from davy.checks.ports import Answer
from davy.checks.preflight.remark import Place, Remark, RemarkSeverity
from davy.checks.samples import promql_tree
from davy.pipeline.config.condition_answers import can_be_failed
from davy.pipeline.config.sections.checks import ChecksConfig
from davy.pipeline.config.sections.thresholds import LintRule, ThresholdConfig, can_never_fail
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.text import time_text

if TYPE_CHECKING:
    import promql_parser as promql

SCRAPES = 4
"""Scrapes a window must hold: fewer, and one that is late or lost leaves too few samples for a rate.

https://www.robustperception.io/what-range-should-i-use-with-rate
"""
MOST_SERIES = 10_000
"""More than this in one question is slow at every look; 200 pods with 50 series each."""
COUNTER_FUNCTIONS = frozenset({"rate", "irate", "increase", "resets"})
SELECTORS = ("errors", "good", "total", "histogram")
CANARY, STABLE = "{canary}", "{stable}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerQuestion:
    """Something only the server can tell, and what its answer means."""

    promql: str
    read: Callable[[Answer], Remark | None]


def remarks(config: ChecksConfig) -> tuple[Remark, ...]:
    """What can be told from the configuration alone."""
    found: list[Remark] = []
    for index, slo in enumerate(config.slos):
        for key in SELECTORS:
            found += _of_selector(getattr(slo, key), ("checks", "slos", index, key))
    for index, threshold in enumerate(config.thresholds):
        place: Place = ("checks", "thresholds", index, "query")
        found += _accepted(_of_query(threshold, place, config), threshold)
        found += _accepted(_of_counting(threshold, place[:-1]), threshold)
    return tuple(found)


def _of_counting(threshold: ThresholdConfig, place: Place) -> Iterator[Remark]:
    if not can_be_failed(threshold):
        why = f"there is no answer that fails it, by `{threshold.failure or threshold.success}`"
        yield _warning("never-fails", place, why, remedy="write a condition that a bad canary breaks")
        return
    if threshold.style != "flagger" and can_never_fail(threshold):
        limit = threshold.failure_limit
        why = f"no number of failures is too many: `failure_limit` is {limit}"
        why += f" and `count` {threshold.count}" if limit >= 0 else ""
        yield _warning("never-fails", place, why, remedy="set it below `count`, or accept this where it is meant")


def questions(config: ChecksConfig, canary: str, stable: str) -> tuple[ServerQuestion, ...]:
    """What to ask the server. `canary` and `stable`: regexes of pod names, put in for the placeholders."""
    asked = []
    for index, slo in enumerate(config.slos):
        for key in SELECTORS:
            selector = getattr(slo, key)
            if selector is not None:
                asked.append(_cardinality(selector, ("checks", "slos", index, key)))
    for index, threshold in enumerate(config.thresholds):
        place: Place = ("checks", "thresholds", index, "query")
        if "cardinality" not in threshold.accept:
            asked += [_cardinality(_filled(one, canary, stable), place) for one in _selectors(threshold.query)]
        if "bound" not in threshold.accept:
            asked += [_bounds(_filled(selector, canary, stable), threshold, place) for selector in _buckets(threshold)]
    return tuple(asked)


def _accepted(found: Iterable[Remark], threshold: ThresholdConfig) -> Iterator[Remark]:
    return (remark for remark in found if remark.rule not in threshold.accept)


def _of_selector(text: str | None, place: Place) -> Iterator[Remark]:
    name = (text or "").partition("{")[0].strip()
    if ":" in name:
        yield Remark(
            rule="recorded",
            severity=RemarkSeverity.WARNING,
            place=place,
            why=f"{name} has the name of a recording rule: it is no raw counter, and often aggregates the pods away",
            remedy="name the counter that the service itself exposes",
        )


def _of_query(threshold: ThresholdConfig, place: Place, config: ChecksConfig) -> Iterator[Remark]:

    try:
        tree = promql_tree.parsed(threshold.query)
    except ValueError as error:
        yield _warning(
            "unparsed",
            place,
            f"the linter cannot read the query ({str(error).splitlines()[0][:120]})",
            remedy="correct it; where your server takes more than PromQL, accept this",
        )
        return
    for node in _nodes(tree):
        yield from _of_node(node, place, config.interval)
    yield from _sides(tree, place, config.pod_label)


def _of_node(node: "promql.Expr", place: Place, scrape: timedelta) -> Iterator[Remark]:
    import promql_parser as promql  # noqa: PLC0415

    match node:
        case promql.MatrixSelector() if node.range < SCRAPES * scrape:
            yield _short(node.range, place, scrape)
        case promql.BinaryExpr() if str(node.op) == "or" and any(map(_is_vector_of_zero, (node.lhs, node.rhs))):
            yield _warning(
                "or-vector",
                place,
                "`or vector(0)` answers 0 also where nothing was scraped or a name is misspelled",
                remedy="drop it: davy counts an empty answer as unknown, which neither passes nor fails",
            )
        case promql.SubqueryExpr():
            yield _warning(
                "subquery",
                place,
                "a subquery samples its inside anew at each step, so it can miss what lies between",
                remedy="ask the counter itself over a plain window",
            )
        case promql.Call():
            yield from _of_call(node, place)


def _of_call(node: "promql.Call", place: Place) -> Iterator[Remark]:
    name = node.func.name
    if name in COUNTER_FUNCTIONS and any(map(_is_aggregated_subquery, node.args)):
        yield Remark(
            rule="rate-after-sum",
            severity=RemarkSeverity.ERROR,
            place=place,
            why=f"{name}() of a sum takes every pod that restarts or goes for a reset of the whole",
            remedy=f"sum the {name}(): sum({name}(counter[5m]))",
        )
    if name == "irate":
        why = "irate() looks at the last two samples alone, so most of what happened is never looked at"
        yield _warning("irate", place, why, remedy="use rate() over the whole interval")
    if name in ("absent", "absent_over_time"):
        why = f"{name}() answers 1 where nothing is there and nothing where something is: never a number that is good"
        yield _warning("absent", place, why, remedy="drop it: davy names what is absent, stale or empty itself")
    if name == "histogram_quantile":
        why = "histogram_quantile() interpolates inside a bucket, so between two bounds it is a guess"
        remedy = "judge the share above a bound instead: an SLO with `histogram` and `under`"
        yield _warning("quantile", place, why, remedy=remedy)


def _short(window: timedelta, place: Place, scrape: timedelta) -> Remark:
    least = time_text.shown(SCRAPES * scrape)
    return Remark(
        rule="short-window",
        severity=RemarkSeverity.ERROR,
        place=place,
        why=f"a window of {time_text.shown(window)} holds fewer than {SCRAPES} scrapes of {time_text.shown(scrape)}, "
        "so one late scrape leaves nothing to take a rate of",
        remedy=f"make it {least} or longer",
    )


def _sides(tree: "promql.Expr", place: Place, label: str) -> Iterator[Remark]:
    """Selectors that say neither canary nor stable, and queries that never ask for the canary."""
    texts = [selector.prettify() for selector in _vectors(tree)]
    told = [text for text in texts if CANARY in text or STABLE in text]
    untold = [text for text in texts if text not in told]
    if texts and not told:
        why = "the query asks of canary and stable alike, so a bad canary is diluted by the stable pods"
        yield _warning("sides", place, why, remedy=f'select the canary: {label}=~"{CANARY}"')
    elif untold:
        why = f"{untold[0]} holds both sides, while {told[0]} holds one"
        yield _warning("sides", place, why, remedy=f'give it {label}=~"{CANARY}" or {label}=~"{STABLE}" too')
    elif texts and not any(CANARY in text for text in texts):
        yield _warning("sides", place, "the query asks of stable alone", remedy=f'select {label}=~"{CANARY}"')


def _cardinality(selector: str, place: Place) -> ServerQuestion:
    def read(answer: Answer) -> Remark | None:
        count = sum(value for _, value in answer.values)
        if not count > MOST_SERIES:
            return None
        why = f"{selector} is {count:,.0f} series; each look reads them all"
        return _warning("cardinality", place, why, remedy="narrow it by its labels, or drop labels in the service")

    return ServerQuestion(promql=f"count({selector})", read=read)


def _bounds(selector: str, threshold: ThresholdConfig, place: Place) -> ServerQuestion:
    """Whether the limits that a quantile is held against are bounds of its buckets."""

    def read(answer: Answer) -> Remark | None:
        bounds = sorted({float(labels["le"]) for labels, _ in answer.values if "le" in labels})
        for limit in _limits(threshold):
            if bounds and not any(abs(bound - limit) <= 1e-9 * abs(limit) for bound in bounds):
                below, above = (
                    [bound for bound in bounds if bound < limit],
                    [bound for bound in bounds if bound > limit],
                )
                near = below[-1:] + above[:1]
                why = f"{limit:g} is no bucket bound, so the quantile is guessed just where it is judged"
                return _warning("bound", place, why, remedy=f"use {' or '.join(f'{bound:g}' for bound in near)}")
        return None

    return ServerQuestion(promql=f"count by (le) ({selector})", read=read)


def _limits(threshold: ThresholdConfig) -> list[float]:
    said = (condition.strip().lstrip("<>=! ") for condition in (threshold.success, threshold.failure) if condition)
    return [float(limit) for limit in said if not limit.endswith("%")]


def _buckets(threshold: ThresholdConfig) -> list[str]:
    """The selectors inside of quantiles."""
    import promql_parser as promql  # noqa: PLC0415

    tree = _tree(threshold.query)
    calls = [node for node in _nodes(tree) if isinstance(node, promql.Call)] if tree is not None else []
    return [one.prettify() for call in calls if call.func.name == "histogram_quantile" for one in _vectors(call)]


def _selectors(query: str) -> list[str]:
    tree = _tree(query)
    return list(dict.fromkeys(one.prettify() for one in _vectors(tree))) if tree is not None else []


def _tree(query: str) -> "promql.Expr | None":
    try:
        return promql_tree.parsed(query)
    except ValueError:
        return None


def _filled(selector: str, canary: str, stable: str) -> str:
    return selector.replace(CANARY, canary).replace(STABLE, stable)


def _nodes(tree: "promql.Expr") -> list["promql.Expr"]:
    import promql_parser as promql  # noqa: PLC0415

    found: list[promql.Expr] = []
    promql.walk(tree, found.append)
    return found


def _vectors(tree: "promql.Expr") -> list[Any]:
    import promql_parser as promql  # noqa: PLC0415

    return [node for node in _nodes(tree) if isinstance(node, promql.VectorSelector)]


def _is_vector_of_zero(node: "promql.Expr") -> bool:
    import promql_parser as promql  # noqa: PLC0415

    inner = _bare(node)
    if not isinstance(inner, promql.Call) or inner.func.name != "vector":
        return False
    value = _bare(inner.args[0])
    return isinstance(value, promql.NumberLiteral)


def _is_aggregated_subquery(node: "promql.Expr") -> bool:
    import promql_parser as promql  # noqa: PLC0415

    inner = _bare(node)
    return isinstance(inner, promql.SubqueryExpr) and isinstance(_bare(inner.expr), promql.AggregateExpr)


def _bare(node: "promql.Expr") -> "promql.Expr":
    import promql_parser as promql  # noqa: PLC0415

    while isinstance(node, promql.ParenExpr):
        node = node.expr
    return node


def _warning(rule: LintRule, place: Place, why: str, *, remedy: str) -> Remark:
    return Remark(rule=rule, severity=RemarkSeverity.WARNING, place=place, why=why, remedy=remedy)

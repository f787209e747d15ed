"""PromQL counters: the raw counter that an expression sums the growth of, where it is exactly that."""

import re
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from davy.checks.samples import promql_tree
from davy.pipeline.core.text import time_text

WINDOW = re.compile(r"\{\{-?\s*\.window\s*-?\}\}")
STANDS_FOR_WINDOW = timedelta(minutes=4, seconds=59)
"""Nobody writes it: what asks for Sloth's window is told from what asks for five minutes."""
LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
GROWTH = ("rate", "increase")
NUMERIC = re.compile(r"\d+(?:\.\d*)?(?:[eE][-+]?\d+)?")
SECONDS = re.compile(r"(?:^|[^a-z])seconds(?:[^a-z]|$)")
"""As a word of a metric's name: `milliseconds` are others."""
VARIABLE = re.compile(r"\$\{?[A-Za-z_]\w*\}?|\[\[\w+\]\]")
"""Of Grafana's."""
INSTEAD = (
    "write it as sum(rate(NAME{…}[{{.window}}])) of one counter, or write the objective itself under `checks.slos`"
)
ANYTHING = (("=~", ".*"), ("=~", "(.*)"))
"""Operators and values that every series matches."""
Matcher = tuple[str, str, str]
"""Label, operator, value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """One plain selector, as it was meant."""

    name: str
    matchers: tuple[Matcher, ...] = ()
    grouped: bool = False
    """True where the expression sums by labels; davy sums over all of them."""
    grown: str = field(default="", compare=False)
    """How it is grown: `a rate`, or `an increase over` so much; empty for the counter itself."""

    def __str__(self) -> str:
        if METRIC.fullmatch(self.name):
            inner = [_written(matcher) for matcher in self.matchers]
            return f"{self.name}{{{','.join(inner)}}}" if inner else self.name
        return "{" + ",".join([_quoted(self.name), *map(_written, self.matchers)]) + "}"

    @property
    def everything(self) -> tuple[str, frozenset[Matcher]]:
        """The events it counts, whatever spelling: a histogram's `_count` is its bucket of +Inf."""
        if self.name.endswith("_count"):
            return self.name.removesuffix("_count"), frozenset(self.matchers)
        if self.name.endswith("_bucket") and self.bound == float("inf"):
            return self.name.removesuffix("_bucket"), frozenset(self.unbound)
        return self.name, frozenset(self.matchers)

    def covers(self, other: "Counter") -> bool:
        """True where it counts every event that the other counts: the same, or with fewer matchers."""
        (name, mine), (same, theirs) = self.everything, other.everything
        return name == same and {one for one in mine if one[1:] not in ANYTHING} <= theirs

    @property
    def bound(self) -> float | None:
        """The bucket bound that it selects; None where it selects none."""
        bounds = [value for label, operator, value in self.matchers if label == "le" and operator == "="]
        try:
            return float(bounds[0]) if len(bounds) == 1 else None
        except ValueError:
            return None

    @property
    def variables(self) -> tuple[str, ...]:
        """Words in its matchers that some dashboard would fill in."""
        return tuple(word for _, _, value in self.matchers for word in VARIABLE.findall(value))

    @property
    def counts_fast_ones(self) -> bool:
        """True for a bucket of a finite bound, which counts the events that took at most so long."""
        return self.name.endswith("_bucket") and self.bound is not None and self.bound < float("inf")

    @property
    def unbound(self) -> tuple[Matcher, ...]:
        """Its matchers without the bucket bound."""
        return tuple(matcher for matcher in self.matchers if matcher[0] != "le")


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """`all - good`: bad events as what is left of all."""

    of: Counter
    good: Counter


def selected(text: str) -> Counter:
    """The counter of a plain vector selector. Raises ValueError with what is wrong."""
    import promql_parser as promql  # noqa: PLC0415 - only where a file is read

    expression = _unwrapped(_parsed(text))
    if not isinstance(expression, promql.VectorSelector):
        raise ValueError('is no plain selector, like http_requests_total{job="shop"}: davy reads the raw counter')
    return _counter(expression)


def counted(text: str, *, raw: bool = False) -> Counter:
    """The counter whose growth is summed. `raw`: the text may also be the counter itself, or its sum.

    Raises ValueError with what is wrong and what to write instead.
    """
    return _summed(_unwrapped(_parsed(text)), raw=raw)


def whole(text: str, *, raw: bool = False) -> tuple[Counter, str]:
    """The same for all events, and a remark. A guard against nothing counted says nothing: that is "cannot tell"."""
    found, guard = _guarded(text, raw=raw, any_number=True)
    return found, f"{guard} is left out: where nothing was counted davy cannot tell anyway" if guard else ""


def good_ones(text: str, *, raw: bool = False) -> tuple[Counter, str]:
    """The same for good events, of which a guard may only say what holds here anyway: none counted, none good."""
    found, guard = _guarded(text, raw=raw, any_number=False)
    return found, f"{guard} is left out: where no good event was counted, all are bad here" if guard else ""


def _guarded(text: str, *, raw: bool, any_number: bool) -> tuple[Counter, str]:
    expression, guard = _unguarded(_unwrapped(_parsed(text)), any_number=any_number)
    found, inner = _guarded_sum(expression, raw=raw, any_number=any_number)
    return found, guard or inner


def failed(text: str, *, raw: bool = False) -> tuple[Counter | Difference, str]:
    """The same for bad events, and a remark: here `or vector(0)` says nothing, and `all - good` is understood."""
    import promql_parser as promql  # noqa: PLC0415

    expression, guard = _unguarded(_unwrapped(_parsed(text)))
    bad: Counter | Difference
    if isinstance(expression, promql.BinaryExpr) and str(expression.op) == "-" and expression.modifier is None:
        whole, guarded = _unguarded(_unwrapped(expression.lhs), any_number=True)
        good, also = _unguarded(_unwrapped(expression.rhs))
        (of, first), (part, second) = _guarded_sum(whole, raw=raw, any_number=True), _guarded_sum(good, raw=raw)
        bad, guard = Difference(of=of, good=part), guard or guarded or also or first or second
    else:
        bad, inner = _guarded_sum(expression, raw=raw)
        guard = guard or inner
    return bad, f"{guard} is left out: no error yet is 0 here anyway" if guard else ""


def objective(
    *, total: Counter, errors: Counter | Difference | None = None, good: Counter | None = None
) -> dict[str, object]:
    """What davy.yaml says for it: `errors`, `good` or `histogram`. Raises ValueError for a difference of others."""
    if isinstance(errors, Difference):
        if errors.of.everything != total.everything:
            raise ValueError(f"subtracts from {errors.of}, which is not the total ({total}); {INSTEAD}")
        _comparable(errors.good, errors.of)
        good = errors.good
    part = good if good is not None else errors
    if isinstance(part, Counter):
        _comparable(part, total)
        if part.covers(total):
            which = "good" if good is not None else "bad"
            same = f"the same as the total ({total})"
            counts = same if total.covers(part) else f"all that the total ({total}) counts"
            raise ValueError(f"counts {counts}: every event would be {which} for ever")
    if good is None:
        return {"errors": str(errors), "total": str(total)}
    return _latency(good, total) or {"good": str(good), "total": str(total)}


def _comparable(part: Counter, total: Counter) -> None:
    """Raises ValueError where one is a rate and the other an increase, or both increases over different times."""
    if part.grown and total.grown and part.grown != total.grown:
        raise ValueError(f"is {part.grown}, and the total is {total.grown}: their ratio is no share of events")


def _latency(good: Counter, total: Counter) -> dict[str, object] | None:
    """A bucket of the total's own histogram in seconds, as `histogram` and `under`."""
    base, bound = good.name.removesuffix("_bucket"), good.bound
    same = total.everything == (base, frozenset(good.unbound)) and good.name.endswith("_bucket")
    if not same or bound is None or not SECONDS.search(base.lower()) or not 1e-6 <= bound < float("inf"):
        return None
    under = timedelta(seconds=bound)
    if abs(under.total_seconds() - bound) > bound * 1e-9:
        return None
    return {"histogram": str(Counter(name=good.name, matchers=good.unbound)), "under": under}


def _parsed(text: str) -> Any:
    filled = WINDOW.sub(f"{STANDS_FOR_WINDOW.total_seconds():.0f}s", text)
    if "{{" in filled:
        raise ValueError(f"holds a template that davy does not know; {INSTEAD}")
    try:
        return promql_tree.parsed(filled)
    except ValueError as error:
        words = ", ".join(dict.fromkeys(VARIABLE.findall(filled)))
        why = f"it holds {words}, which only a dashboard fills in; write your value" if words else error
        raise ValueError(f"is no PromQL: {why}") from error


def _unwrapped(expression: Any) -> Any:
    import promql_parser as promql  # noqa: PLC0415

    while isinstance(expression, promql.ParenExpr):
        expression = expression.expr
    return expression


def _unguarded(expression: Any, *, any_number: bool = False) -> tuple[Any, str]:
    """What a guard against an empty answer stands around, and the guard: `or vector(0)`, `> 0`.

    `any_number`: of a total, `or vector(1)` guards too.
    """
    import promql_parser as promql  # noqa: PLC0415

    if not isinstance(expression, promql.BinaryExpr):
        return expression, ""
    operator, right = str(expression.op), str(_unwrapped(expression.rhs)).replace(" ", "")
    number = NUMERIC.fullmatch(right.removeprefix("vector(").removesuffix(")"))
    if number is None or (expression.modifier is not None and expression.modifier.return_bool):
        return expression, ""
    zero = float(number.group()) == 0
    if (operator == "or" and (zero or any_number)) or (operator in (">", "!=") and zero):
        inner, _ = _unguarded(_unwrapped(expression.lhs), any_number=any_number)
        return inner, f"`{operator} {right}`"
    return expression, ""


def _guarded_sum(expression: Any, *, raw: bool, any_number: bool = False) -> tuple[Counter, str]:
    """`_summed`, where the guard may also stand inside of the sum."""
    import promql_parser as promql  # noqa: PLC0415

    if isinstance(expression, promql.AggregateExpr):
        inner, guard = _unguarded(_unwrapped(expression.expr), any_number=any_number)
        return _summed(expression, raw=raw, inner=inner), guard
    return _summed(expression, raw=raw), ""


def _summed(expression: Any, *, raw: bool, inner: Any = None) -> Counter:
    """Of a sum `inner` is what it sums, where a guard was taken away there."""
    import promql_parser as promql  # noqa: PLC0415

    summed, inner, grouped = inner, expression, False
    if isinstance(expression, promql.AggregateExpr):
        if str(expression.op) != "sum":
            raise ValueError(f"is a {expression.op}(…), not a sum(…) of events; {INSTEAD}")
        by = expression.modifier
        grouped = by is not None and (by.type == promql.AggModifierType.Without or bool(by.labels))
        inner = summed if summed is not None else _unwrapped(expression.expr)
    if isinstance(inner, promql.Call) and inner.func.name in GROWTH and inner is not expression:
        return _of_range(_unwrapped(inner.args[0]), grouped=grouped, by=inner.func.name)
    if isinstance(inner, promql.VectorSelector) and raw:
        return _counter(inner, grouped=grouped)
    raise ValueError(f"is no sum of one counter's rate or increase; {INSTEAD}")


def _of_range(inner: Any, *, grouped: bool, by: str) -> Counter:
    import promql_parser as promql  # noqa: PLC0415

    if not isinstance(inner, promql.MatrixSelector):
        raise ValueError(f"takes the rate of something that is no selector; {INSTEAD}")
    over = "{{.window}}" if inner.range == STANDS_FOR_WINDOW else time_text.shown(inner.range)
    grown = "a rate" if by == "rate" else f"an increase over {over}"
    return replace(_counter(inner.vector_selector, grouped=grouped), grown=grown)


def _counter(selector: Any, *, grouped: bool = False) -> Counter:
    import promql_parser as promql  # noqa: PLC0415

    if selector.offset is not None or selector.at is not None:
        raise ValueError("looks at another time (`offset` or `@`); leave that out")
    if selector.matchers.or_matchers:
        raise ValueError("joins matchers by `or`, which is not Prometheus'; write one regex")
    operators = (
        (promql.MatchOp.Equal, "="), (promql.MatchOp.NotEqual, "!="),
        (promql.MatchOp.Re, "=~"), (promql.MatchOp.NotRe, "!~"),
    )  # fmt: skip
    matchers = [
        (one.name, next(sign for kind, sign in operators if kind == one.op), one.value)
        for one in selector.matchers.matchers
    ]
    name = selector.name or next((v for label, op, v in matchers if (label, op) == ("__name__", "=")), "")
    if not name:
        raise ValueError("names no metric; write NAME{…}")
    return Counter(name=name, matchers=tuple(one for one in matchers if one[0] != "__name__"), grouped=grouped)


def _written(matcher: Matcher) -> str:
    label, operator, value = matcher
    return f"{label if LABEL.fullmatch(label) else _quoted(label)}{operator}{_quoted(value)}"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'

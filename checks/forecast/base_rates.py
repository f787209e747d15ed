"""Base rates: how much traffic there is and how much of it is bad today, as the metrics server sums it up.

For planning alone: `increase()` extrapolates and misses what a counter was born with, so none of it is evidence.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from davy.checks.budget.queries import BEYOND
from davy.checks.ports import Answer, Metrics
from davy.checks.samples.selectors import bound_matcher, selector
from davy.pipeline.config.sections.checks import ChecksConfig
from davy.pipeline.config.sections.objectives import SloConfig
from davy.pipeline.core.errors import Problem, Unusable


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseRate:
    """One SLO's events over the whole span, all pods together."""

    bad: float
    total: float

    @property
    def rate(self) -> float:
        """Share of bad events; where none was seen, as if it were one: no count can show that they never happen."""
        return min(max(self.bad, 1.0) / self.total, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedTraffic:
    """What a service serves today."""

    rps: float
    """Of the SLO with the most events."""
    pods: int
    rates: Mapping[str, BaseRate]
    """By SLO."""


def traffic(metrics: Metrics, config: ChecksConfig, now: datetime, last: timedelta) -> ServedTraffic:
    """Read over the `last` span. Raises Unreachable, Forbidden, and Unusable naming every SLO that has no events."""
    problems, rates, pods = [], {}, 0
    for index, slo in enumerate(config.slos):
        path = f"checks.slos[{index}]"
        try:
            bad, total, by_pod = _questions(slo, config.pod_label, last)
        except ValueError as error:
            problems.append(Problem(path=path, what=str(error)))
            continue
        events = _number(metrics.query(total, now))
        if events <= 0:
            problems.append(Problem(path=path, what=f"no event was counted in the last {_promql(last)}"))
            continue
        answer = metrics.query(bad, now)
        if slo.under is not None and not answer.values:
            what = f"the histogram has no bucket bound {slo.under.total_seconds():g}"
            problems.append(Problem(path=f"{path}.under", what=what))
            continue
        if slo.good is not None and not answer.values:
            problems.append(Problem(path=f"{path}.good", what=f"there is no series of the good ones, {slo.good}"))
            continue
        if strange := _strange(slo, _number(answer), events):
            problems.append(Problem(path=path, what=strange))
            continue
        rates[slo.name] = BaseRate(bad=min(max(_number(answer), 0.0), events), total=events)
        pods = max(pods, round(_number(metrics.query(by_pod, now))))
    if problems or not rates:
        raise Unusable(
            "The traffic of today cannot be read.",
            problems=tuple(problems) or (Problem(path="checks.slos", what="is empty: there is nothing to plan for"),),
            remedy="Look further back with --last 7d, or say it yourself with --rps and --bad.",
        )
    most = max(rate.total for rate in rates.values())
    return ServedTraffic(rps=most / last.total_seconds(), pods=max(pods, 1), rates=rates)


def _questions(slo: SloConfig, pod_label: str, last: timedelta) -> tuple[str, str, str]:
    """Bad events, all events, and how many pods have served; as PromQL. Raises ValueError for a bad selector."""
    span = _promql(last)
    if slo.histogram is not None and slo.under is not None:
        every = selector(slo.histogram)
        whole = every.joined('le=~"[+]?Inf"')
        # The bound's own bucket, among those that the matcher finds with +Inf.
        inside = every.joined(bound_matcher(slo.under)).joined('le!~"[+]?Inf"')
        total = f"sum(increase({whole}[{span}]))"
        return f"{total} - sum(increase({inside}[{span}]))", total, _pods(str(whole), pod_label)
    part = slo.errors if slo.errors is not None else slo.good
    if part is None or slo.total is None:
        raise ValueError("needs `errors` and `total`, or `good` and `total`, or `histogram` and `under`")
    some, every = selector(part), selector(slo.total)
    bad, total = f"sum(increase({some}[{span}]))", f"sum(increase({every}[{span}]))"
    return bad if slo.errors is not None else f"{total} - {bad}", total, _pods(str(every), pod_label)


def _strange(slo: SloConfig, bad: float, events: float) -> str:
    """Where the part is more than the whole, by more than `increase()` makes of a race."""
    part, kind = (bad, "bad") if slo.errors is not None else (events - bad, "good")
    return f"{part:,.0f} {kind} events of {events:,.0f}" if part > BEYOND * events + 1 else ""


def _pods(series: str, label: str) -> str:
    return f"count(count by ({label}) ({series}))"


def _promql(span: timedelta) -> str:
    return f"{max(round(span.total_seconds()), 1)}s"


def _number(answer: Answer) -> float:
    """The one value; 0 for none, as for an error counter that was never born."""
    value = answer.values[0][1] if answer.values else 0.0
    return value if math.isfinite(value) else 0.0

"""Trace: windows of counts with the rules they are judged by, as a value that any judge can replay; and its lines."""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Any

from davy.checks.judges.sequential.case import Comparison, Metric, Rules
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.text.shares import percent_of
from davy.pipeline.core.verdict import Counts, Pair

VERSION = 1
GRID = 1
"""The ratios and rates that evidence is spread over, as docs/trace.md lists them; there are no others yet."""
BESIDE = "x_beside"
"""In a rollout's header, the threshold checks that had their say too: no journal holds what they measured."""
NO_DATA_RULES = Rules(bad_at_least=0, windows_at_least=0)
"""A trace is judged by its evidence alone, unless its header asks for more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """The counts of one window."""

    t: float
    """Seconds since the trace began, at the window's end."""
    counts: Mapping[str, Pair]
    """By metric; one that is missing was not read in this window."""
    worse: float | None = None
    """The ratio to exclude at this window, where it is not the trace's own: an earlier step had another."""
    gap: bool = False
    """True where something could not be read: nothing is promoted at this window."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """What was counted, and by which rules it is judged."""

    metrics: tuple[Metric, ...]
    rules: Rules = field(default_factory=Rules)
    worse: float = 2.0
    """The ratio that promotion must exclude."""
    promote_from: float = 0.0
    """Seconds before which nothing is promoted: the last step had not begun. Infinite: never."""
    windows: tuple[Glance, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Header entries of other judges: `threshold`, `mannwhitney`."""
    origins: Mapping[str, str] = field(default_factory=dict)
    """By metric, where its dispersion comes from, in words."""


def written(trace: Trace) -> Iterator[str]:
    """The trace's lines, without line ends. What holds its default is written too: a reader needs no other source."""
    yield json.dumps(header_document(trace), allow_nan=False)
    for glance in trace.windows:
        yield json.dumps(_window(glance), allow_nan=False)


def header_document(trace: Trace) -> dict[str, Any]:
    """The first line, as JSON-ready data."""
    rules = trace.rules
    parameters: dict[str, Any] = {
        "alpha": rules.alpha,
        "beta": rules.beta,
        "tolerate": rules.tolerate,
        "worse": trace.worse,
        "burn_weight": rules.burn_weight,
        "burn": rules.burn,
        "dispersion": 1.0,
        "grid": GRID,
    }
    if rules.bad_at_least:
        parameters["bad_at_least"] = rules.bad_at_least
    if rules.windows_at_least:
        parameters["windows_at_least"] = rules.windows_at_least
    if trace.promote_from:
        parameters["promote_from"] = trace.promote_from if math.isfinite(trace.promote_from) else None
    metrics = [_metric(one, trace.origins.get(one.name, "")) for one in trace.metrics]
    return {"davy_trace": VERSION, "metrics": metrics, "parameters": parameters, **trace.settings}


def _metric(metric: Metric, origin: str) -> dict[str, Any]:
    document: dict[str, Any] = {"name": metric.name}
    if metric.objective is not None:
        document["objective"] = percent_of(metric.objective)
    if metric.bound:
        document["bound"] = metric.bound
    if metric.evidence is not Comparison.CONDITIONAL:
        document["evidence"] = metric.evidence.value
    if metric.against != "stable":
        document["against"] = metric.against
    document |= {"weight": metric.weight, "dispersion": metric.dispersion}
    if origin:
        document["dispersion_from"] = origin
    return document


def _window(glance: Glance) -> dict[str, Any]:
    document: dict[str, Any] = {
        "t": glance.t,
        "canary": _side({name: pair.canary for name, pair in glance.counts.items()}),
        "stable": _side({name: pair.stable for name, pair in glance.counts.items()}),
    }
    if glance.worse is not None:
        document["worse"] = glance.worse
    if glance.gap:
        document["gap"] = True
    return document


def _side(counts: Mapping[str, Counts]) -> dict[str, Any]:
    """Only what was counted: a side without requests has no data."""
    return {
        name: {"total": one.total, "bad": dict(one.above) if one.above else one.bad}
        for name, one in counts.items()
        if one.total
    }

"""Answers: JSON to samples and values."""

from collections.abc import Iterable, Mapping
from typing import Any

from davy.checks.ports import Histogram, Series
from davy.pipeline.core.json import tree

Reply = Mapping[str, Any]
MOST_WORDS = 300


def body_of(content: bytes) -> Reply:
    """The answer's JSON object; empty where it is none."""
    try:
        body = tree.parsed(content)
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def error_of(body: Reply) -> str:
    """What Prometheus says is wrong, shortened; never a body of another kind."""
    return str(body.get("error", ""))[:MOST_WORDS]


def warnings_of(body: Reply) -> tuple[str, ...]:
    """What the server warned of beside its answer."""
    said = tuple(str(said) for key in ("warnings", "infos") for said in body.get(key) or ())
    # VictoriaMetrics' cluster says so where a storage node did not answer.
    return (*said, "the answer is partial") if body.get("isPartial") is True else said


def series(reply: Reply, first: float) -> tuple[Series, ...]:
    """The series of a range selector's answer, without samples at or before `first` (unix seconds)."""
    found = []
    for one in reply["result"]:
        points = tuple((float(at), float(value)) for at, value in one.get("values", ()) if float(at) > first)
        natives = tuple((float(at), _histogram(h)) for at, h in one.get("histograms", ()) if float(at) > first)
        if points or natives:
            found.append(Series(labels=one["metric"], samples=points, histograms=natives))
    return tuple(found)


def _histogram(said: Reply) -> Histogram:
    buckets = sorted((float(low), float(high), float(count)) for _, low, high, count in said.get("buckets") or ())
    return Histogram(count=float(said["count"]), sum=float(said["sum"]), buckets=tuple(buckets))


def values(result: Any) -> tuple[tuple[Mapping[str, str], float], ...]:
    """Of a vector, or of a scalar, which is one pair of time and value. Native histograms have no value."""
    if isinstance(result, list) and len(result) == 2 and not isinstance(result[0], dict):
        return (({}, float(result[1])),)
    return tuple((one["metric"], float(one["value"][1])) for one in result if "value" in one or "histogram" not in one)


def joined(pages: Iterable[tuple[Series, ...]]) -> tuple[Series, ...]:
    """Pages of one span, in the order of time, as one answer; no sample is in two of them."""
    whole: dict[frozenset[tuple[str, str]], list[Series]] = {}
    for page in pages:
        for one in page:
            whole.setdefault(frozenset(one.labels.items()), []).append(one)
    return tuple(
        parts[0]
        if len(parts) == 1
        else Series(
            labels=parts[0].labels,
            samples=tuple(point for part in parts for point in part.samples),
            histograms=tuple(point for part in parts for point in part.histograms),
        )
        for parts in whole.values()
    )

"""Pod file: the past of pods as JSON lines, so that a backtest can be repeated with no server. Pure."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from davy.checks.backtest.pod_counts import LARGEST, PodCounts
from davy.pipeline.core.errors import Problem, Unusable
from davy.pipeline.core.json import tree
from davy.pipeline.core.verdict import Counts

VERSION = 1
MOST_PROBLEMS = 50
KEY = "davy_pods"
LONGEST = 3600.0
"""Seconds of a window."""
MOST_WINDOWS = 10_000_000


def written(counts: PodCounts) -> Iterator[str]:
    """A header, then a line for each window that held something, without line ends. `t`: seconds, at its end."""
    metrics = {name: list(bounds) for name, bounds in counts.bounds.items()}
    yield json.dumps({KEY: VERSION, "start": counts.start, "window": counts.length, "metrics": metrics})
    for window in range(counts.first, counts.end):
        pods: dict[str, dict[str, list[int]]] = {}
        for metric, strips in counts.strips.items():
            for pod, strip in strips.items():
                if strip.first <= window < strip.end:
                    place = window - strip.first
                    pods.setdefault(pod, {})[metric] = [column[place] for column in strip.columns]
        if pods:
            yield tree.compact({"t": (window + 1) * counts.length, "pods": pods})


def read(lines: Iterable[str], file: str) -> PodCounts:
    """Raises Unusable with every malformed line."""
    numbered = enumerate(lines, start=1)
    problems: list[Problem] = []
    _, first = next(numbered, (1, ""))
    try:
        counts = _header(first)
    except ValueError as error:
        raise _unusable(file, [Problem(what=str(error), file=file, line=1)]) from None
    last = -1
    for number, line in numbered:
        if not line.strip():
            continue
        try:
            last = _put(counts, line, last)
        except ValueError as error:
            problems.append(Problem(what=str(error), file=file, line=number))
            if len(problems) == MOST_PROBLEMS:
                problems.append(Problem(what="and maybe more: it was not read further", file=file, line=number))
                break
    if problems:
        raise _unusable(file, problems)
    return counts


def _unusable(file: str, problems: list[Problem]) -> Unusable:
    remedy = "Write one with `davy judge backtest --export FILE`."
    return Unusable(f"{file} holds no past of pods that can be used.", problems=tuple(problems), remedy=remedy)


def _header(line: str) -> PodCounts:
    document = _object(line)
    if document.get(KEY) != VERSION:
        raise ValueError(f'the first line must say "{KEY}": {VERSION}')
    start, length, metrics = _seconds(document, "start"), _seconds(document, "window"), document.get("metrics")
    if not length or length > LONGEST:
        raise ValueError("`window` must be above 0, and no longer than an hour")
    if not isinstance(metrics, dict) or not metrics:
        raise ValueError("`metrics` must hold the bucket bounds by metric")
    if not all(isinstance(held, list) and all(isinstance(one, str) for one in held) for held in metrics.values()):
        raise ValueError("`metrics`: the bounds of each must be a list of texts")
    bounds = {name: tuple(held) for name, held in metrics.items()}
    return PodCounts(start=start, length=length, bounds=bounds)


def _put(counts: PodCounts, line: str, last: int) -> int:
    """Add a line's counts; its window, which must lie behind the last."""
    document = _object(line)
    at, pods = _seconds(document, "t"), document.get("pods")
    if not 0.5 < at / counts.length < MOST_WINDOWS:
        raise ValueError("`t` must be seconds since `start`, at the window's end")
    if not isinstance(pods, dict):
        raise ValueError("`pods` must hold counts by pod and metric")
    window = round(at / counts.length) - 1
    if window <= last:
        again = "there twice" if window == last else f"before the line above it, {(last + 1) * counts.length:g}"
        raise ValueError(f"`t` must grow: {at:g} is {again}")
    for pod, held in pods.items():
        if not isinstance(held, dict):
            raise ValueError(f"pod {pod!r} must hold counts by metric")
        for metric, numbers in held.items():
            counts.put(metric, window, pod, _counts(counts, metric, numbers))
    return window


def _counts(counts: PodCounts, metric: str, numbers: Any) -> Counts:
    if metric not in counts.bounds:
        raise ValueError(f"metric {metric!r} is not in the first line")
    bounds = counts.bounds[metric]
    wanted = 2 + len(bounds)
    right = isinstance(numbers, list) and len(numbers) == wanted
    if not right or not all(type(one) is int and 0 <= one <= LARGEST for one in numbers):
        raise ValueError(f"{metric!r} must be {wanted} whole numbers up to 2^53: total, bad, and above each bound")
    total, bad, *above = numbers
    if max(bad, *above, 0) > total:
        raise ValueError(f"{metric!r}: more are bad than there are")
    return Counts(bad=bad, total=total, above=dict(zip(bounds, above, strict=True)))


def _object(line: str) -> dict[str, Any]:
    try:
        document = tree.parsed(line)
    except (ValueError, RecursionError):
        raise ValueError("is no JSON") from None
    if not isinstance(document, dict):
        raise ValueError("must be a JSON object")
    return document


def _seconds(document: dict[str, Any], key: str) -> float:
    value = document.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e11:
        raise ValueError(f"`{key}` must be seconds")
    return float(value)

"""Ports: the metrics server, in the words of samples."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from davy.pipeline.core.fast_dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """One sample of a native histogram: what it had counted since its process began."""

    count: float
    sum: float
    buckets: tuple[tuple[float, float, float], ...]
    """(lower edge, upper edge, events in between), ascending; empty ones are left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Raw samples of one series, oldest first."""

    labels: Mapping[str, str]
    samples: tuple[tuple[float, float], ...]
    """(unix seconds, value); a value may be NaN."""
    histograms: tuple[tuple[float, Histogram], ...] = ()
    """(unix seconds, histogram), of a native histogram; such a series has no plain samples, as a rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What an instant query answered."""

    values: tuple[tuple[Mapping[str, str], float], ...]
    """(labels, value); a scalar has no labels."""
    warnings: tuple[str, ...] = ()


class Metrics(Protocol):
    """A Prometheus, or what speaks its API."""

    def samples(self, selector: str, start: datetime, end: datetime) -> tuple[Series, ...]:
        """Raw samples in `(start, end]`, as scraped. Raises Unreachable, Forbidden, and Unusable for a bad selector."""
        ...

    def samples_of(self, selectors: Sequence[str], start: datetime, end: datetime) -> tuple[tuple[Series, ...], ...]:
        """`samples` of each, in the order asked, in as few and as parallel requests as the server allows."""
        ...

    def query(self, promql: str, at: datetime) -> Answer:
        """An instant query. Raises the same."""
        ...

    def heard(self) -> tuple[str, ...]:
        """What the server warned of, beside its answers, since this was last asked; each once."""
        ...

"""Reader: the raw series of every objective, asked of the metrics server in two rounds."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from davy.checks.ports import Metrics, Series
from davy.checks.samples import counts, native_histograms
from davy.checks.samples.counts import Raw
from davy.checks.samples.selectors import Selector, any_of, bound_matcher, selector
from davy.pipeline.config.sections.objectives import SloConfig
from davy.pipeline.core.errors import Unusable
from davy.pipeline.core.fast_dataclass import dataclass

CLASSIC = "_bucket"
"""Name's end of a classic histogram's series; a native one has its own name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanSamples:
    """What one span held."""

    raw: Mapping[str, Raw]
    """By metric."""
    notes: tuple[str, ...] = ()

    @property
    def samples(self) -> int:
        """How many were read."""
        return sum(len(one.samples) for raw in self.raw.values() for one in raw.every)


def read(
    metrics: Metrics,
    slos: Sequence[SloConfig],
    start: datetime,
    end: datetime,
    *,
    only: tuple[str, Sequence[str]] | None = None,
) -> SpanSamples:
    """Raw series of `(start, end]`, by metric. `only`: label and pods to narrow the selectors to. Raises as the port.

    The totals are asked first, in one round, and then the errors, or the good events: scrapes are stored whole, so what
    a total has, the later answer about its errors has too. The other way round a scrape between the rounds would bring
    requests whose errors were not there yet, and they would never be counted.
    """
    first = metrics.samples_of([_narrowed(first_of(slo), only) for slo in slos], start, end)
    later = [slo for slo in slos if slo.histogram is None]
    second = metrics.samples_of([_narrowed(second_of(slo), only) for slo in later], start, end) if later else ()
    parts = {slo.name: found for slo, found in zip(later, second, strict=True)}
    raw: dict[str, Raw] = {}
    notes: dict[str, None] = {}
    for slo, found in zip(slos, first, strict=True):
        if slo.histogram is None:
            raw[slo.name] = _ratio(slo, found, parts[slo.name])
        else:
            raw[slo.name] = _histogram(slo, found, notes)
    return SpanSamples(raw=raw, notes=tuple(notes))


def first_of(slo: SloConfig) -> str:
    """The selector of all events: of a histogram, of no more buckets than are needed."""
    return str(slo.total) if slo.histogram is None else str(needed_buckets(slo))


def second_of(slo: SloConfig) -> str:
    """The selector of the bad events, or of the good ones where these are what is counted."""
    return str(slo.good if slo.good is not None else slo.errors)


def _ratio(slo: SloConfig, total: tuple[Series, ...], part: tuple[Series, ...]) -> Raw:
    if slo.good is None:
        return Raw(total=total, bad=part)
    return Raw(total=total, good={"": part}, may_lack_good=True)


def needed_buckets(slo: SloConfig) -> Selector:
    """The selector of an SLO's buckets at its bounds and at +Inf; of a native histogram, of it whole."""
    wanted = _selector(str(slo.histogram))
    is_classic = wanted.name.endswith(CLASSIC)
    bounds = [bound for bound in (slo.under, *slo.bounds) if bound is not None]
    return wanted.joined(bound_matcher(*bounds, none=not is_classic))


def classic(slo: SloConfig, found: tuple[Series, ...]) -> tuple[tuple[Series, ...], tuple[str, ...]]:
    """Series with `le`, whatever kind of histogram was found, and what to say of the way there."""
    if not any(one.histograms for one in found):
        return found, ()
    bounds = [bound.total_seconds() for bound in (slo.under, *slo.bounds) if bound is not None]
    made, notes = native_histograms.classic(found, bounds)
    return (*(one for one in found if one.samples and "le" in one.labels), *made), notes


def bounds_of(slo: SloConfig) -> tuple[str, ...]:
    """Every bound of an SLO, spelled as counts name it, ascending; the SLO's own among them."""
    seconds = {bound.total_seconds() for bound in (slo.under, *slo.bounds) if bound is not None}
    return tuple(counts.spelled(bound) for bound in sorted(seconds))


def raw_of(slo: SloConfig, found: Iterable[Series]) -> Raw:
    """Of a histogram's classic series. Raises Unusable where a bound is none of its buckets."""
    under = slo.under.total_seconds() if slo.under is not None else 0.0
    return counts.of_histogram(found, under, [bound.total_seconds() for bound in slo.bounds])


def _histogram(slo: SloConfig, found: tuple[Series, ...], notes: dict[str, None]) -> Raw:
    series, said = classic(slo, found)
    notes.update(dict.fromkeys(said))
    try:
        return raw_of(slo, series)
    except Unusable:  # Preflight named it; here the metric is one that cannot be read.
        return Raw(total=(), good=dict.fromkeys(bounds_of(slo), ()), bound=bounds_of(slo)[0])


def _narrowed(text: str, only: tuple[str, Sequence[str]] | None) -> str:
    if only is None:
        return text
    label, names = only
    return str(_selector(text).joined(f'{label}=~"{any_of(tuple(names))}"'))


def _selector(text: str) -> Selector:
    try:
        return selector(text)
    except ValueError as error:
        raise Unusable(str(error), remedy="Write a plain vector selector.") from error

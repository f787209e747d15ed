"""Paging: a span that is too much for one answer, read in parts that the server can give."""

import re
from collections.abc import Callable

from davy.checks.metrics.prometheus.answers import joined
from davy.checks.ports import Series

LEAST_MS = 1000
"""A page shorter than this is not tried: what is too much in a second is too much at all."""
# What servers say when an answer would hold too much; a shorter span has less of it.
# Prometheus: promql/engine.go, ErrTooManySamples; storage/remote. Thanos: pkg/store/limiter.go.
# Mimir: pkg/util/globalerror (err-mimir-max-chunks-per-query and its like). VictoriaMetrics: -search.max….
TOO_MUCH = re.compile(
    r"too many samples|max-?_?samples|max-?chunk|max-estimated-(?:chunks|memory)|max-fetched|chunks? (?:size )?limit"
    r"|exceeded (?:samples|chunks|bytes|sample) limit|samples? limit|bytes limit|ResourceExhausted"
    r"|-search\.max(?:SamplesPerQuery|SamplesPerSeries|MemoryPerQuery|ResponseSeries)"
    r"|response (?:body )?(?:is )?too large",
    re.IGNORECASE,
)
Ask = Callable[[int, int], tuple[Series, ...]]


class TooMuch(Exception):
    """The server would not give that much at once, or gave more than davy takes; holds its words."""


def is_too_much(status: int, said: str) -> bool:
    """True for a refusal that a shorter span may get around."""
    return status == 413 or (status >= 400 and bool(TOO_MUCH.search(said)))


class Pages:
    """Reads spans, and remembers how long a page each selector can have, so that it is found out once."""

    def __init__(self) -> None:
        self._longest: dict[str, int] = {}

    def read(self, what: str, first: int, last: int, ask: Ask) -> tuple[Series, ...]:
        """All of `(first, last]` (unix milliseconds). Raises TooMuch where even the shortest page is."""
        got: list[tuple[Series, ...]] = []
        while first < last:
            page = min(self._longest.get(what, last - first), last - first)
            try:
                got.append(ask(first, first + page))
            except TooMuch:
                if page <= LEAST_MS:
                    raise
                self._longest[what] = max(page // 2, LEAST_MS)
            else:
                first += page
        return got[0] if len(got) == 1 else joined(got)

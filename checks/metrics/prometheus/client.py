"""Client: raw samples by range selectors, and instant queries."""

import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from queue import Empty, LifoQueue

from davy.checks.metrics.prometheus.answers import series, values
from davy.checks.metrics.prometheus.auth import Signing
from davy.checks.metrics.prometheus.paging import Pages, TooMuch
from davy.checks.metrics.prometheus.session import MOST_BYTES, PrometheusSession
from davy.checks.ports import Answer, Series
from davy.pipeline.config.sections.servers import PrometheusConfig
from davy.pipeline.core.errors import Unusable

MOST_AT_ONCE = 8
"""Requests under way at the same time; a Prometheus runs 20 queries at once by default (--query.max-concurrency)."""


class Prometheus:
    """A Prometheus, or what speaks its API (Thanos, Mimir, VictoriaMetrics)."""

    def __init__(
        self,
        server: str | PrometheusConfig,
        *,
        headers: Mapping[str, str] | None = None,
        timeout: timedelta = timedelta(seconds=10),
        secrets: Sequence[str] = (),
        most_bytes: int = MOST_BYTES,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`server`: how to get there and to sign in, its secrets read; or its URL, with `headers` and `timeout`."""
        if isinstance(server, str):
            server = PrometheusConfig(url=server, headers=dict(headers or {}), timeout=timeout)
        self._server = server
        self._signing = Signing(server)
        self._secrets = tuple(secrets)
        self._most_bytes = most_bytes
        self._sleep = sleep
        self._pages = Pages()
        self._idle: LifoQueue[PrometheusSession] = LifoQueue()
        self._lock = threading.Lock()
        self._unsaid: dict[str, None] = {}
        if self._signing.warning():
            self._unsaid[f"{self._signing.url}: {self._signing.warning()}"] = None

    @property
    def url(self) -> str:
        """Where it is, without user and password."""
        return self._signing.url

    def samples(self, selector: str, start: datetime, end: datetime) -> tuple[Series, ...]:
        """Raw samples in `(start, end]`.

        An instant query of a range selector answers the samples themselves. The range excludes its left edge since
        Prometheus 3.0 and included it before, so the edge is cut here. Samples lie on whole milliseconds.
        """
        first, last = (math.floor(at.timestamp() * 1000) for at in (start, end))

        def ask(after: int, until: int) -> tuple[Series, ...]:
            with self._line() as line:
                span = f"{selector}[{until - after}ms]"
                return line.asked(selector, lambda: series(line.posted(span, until / 1000), after / 1000))

        try:
            return self._pages.read(selector, first, last, ask)
        except TooMuch as refused:
            what = f"Asked Prometheus at {self.url} for {selector}; even a second of it is too much: {refused}."
            raise Unusable(what, remedy="Narrow the selector, or raise the server's limit.") from refused

    def samples_of(self, selectors: Sequence[str], start: datetime, end: datetime) -> tuple[tuple[Series, ...], ...]:
        """See the port. Each selector is asked once, however often it is there; a few at the same time."""
        wanted = list(dict.fromkeys(selectors))
        if len(wanted) < 2:
            return tuple(self.samples(selector, start, end) for selector in selectors)
        pool = ThreadPoolExecutor(max_workers=min(MOST_AT_ONCE, len(wanted)))
        try:
            under_way = {selector: pool.submit(self.samples, selector, start, end) for selector in wanted}
            return tuple(under_way[selector].result() for selector in selectors)
        finally:
            # After a failure those that wait for their turn are not asked any more: a verdict is waited for.
            pool.shutdown(cancel_futures=True)

    def heard(self) -> tuple[str, ...]:
        """See the port."""
        with self._lock:
            said = tuple(self._unsaid)
            self._unsaid.clear()
        return said

    def query(self, promql: str, at: datetime) -> Answer:
        """An instant query."""
        with self._line() as line:
            found = line.asked(promql, lambda: values(line.queried(promql, at.timestamp())))
            return Answer(values=found, warnings=line.warnings)

    @contextmanager
    def _line(self) -> Iterator[PrometheusSession]:
        """A session that nobody else uses meanwhile; idle ones are used again, unless a certificate has changed."""
        line = self._free() or self._opened()
        try:
            yield line
        finally:
            with self._lock:
                self._unsaid.update(dict.fromkeys(line.heard()))
            self._idle.put(line)

    def _opened(self) -> PrometheusSession:
        return PrometheusSession(
            self._server, self._signing, secrets=self._secrets, most_bytes=self._most_bytes, sleep=self._sleep
        )

    def _free(self) -> PrometheusSession | None:
        while True:
            try:
                line = self._idle.get_nowait()
            except Empty:
                return None
            if line.is_current():
                return line
            line.close()

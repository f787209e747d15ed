"""Judging, sequentially: reads the samples of each look, folds them into the case, and says what they mean."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from davy.checks import samples, sentences
from davy.checks.ports import Metrics
from davy.checks.promql import Selector, bound_matcher, selector
from davy.checks.sequential import Case, Form, Metric, Rules
from davy.pipeline import durations
from davy.pipeline.checksconfig import ChecksConfig, SloConfig
from davy.pipeline.errors import DavyError, Unusable
from davy.pipeline.model import Gap, Pair, ReadyPod, Sides, Verdict, Window

LOOKBACK = timedelta(minutes=5)
"""Read from before the span, for each counter's last value: Prometheus' own lookback."""


def rules_of(config: ChecksConfig) -> Rules:
    """The rules a configuration sets."""
    return Rules(
        alpha=config.alpha,
        beta=config.beta,
        tolerate=config.tolerate,
        burn=config.burn,
        burn_weight=config.burn_weight,
    )


def metric_of(slo: SloConfig, dispersion: float) -> Metric:
    """The metric an SLO is judged as."""
    words = f"took over {durations.shown(slo.under)}" if slo.under is not None else "failed"
    return Metric(
        name=slo.name,
        objective=slo.objective / 100,
        weight=slo.weight,
        dispersion=dispersion,
        bad_words=words,
        evidence=Form(slo.evidence),
    )


@dataclass(frozen=True, slots=True)
class Look:
    """One look's reading of everything."""

    windows: tuple[Window, ...]
    gaps: Mapping[str, Gap]
    waiting: tuple[str, ...]


class SequentialJudge:
    """Evidence on raw counters, canary against stable in the same windows, valid at every look."""

    def __init__(self, metrics: Metrics, config: ChecksConfig, warmup: timedelta) -> None:
        self._metrics = metrics
        self._slos = config.slos
        self._interval = config.interval
        self._label = config.pod_label
        self._warmup = warmup
        self._rules = rules_of(config)
        self._of = {slo.name: metric_of(slo, config.dispersion) for slo in config.slos}
        self._case = Case.opened(self._rules, self._of.values())
        self._read_to: dict[str, datetime] = {}
        self._pods: dict[str, tuple[ReadyPod, bool]] = {}

    @property
    def interval(self) -> timedelta:
        """Time between looks that can bring something new."""
        return self._interval

    def recall(self, windows: Iterable[Window]) -> None:
        """Start from evidence of before, and from nothing else; windows of other judges are left alone."""
        self._case = Case.opened(self._rules, self._of.values())
        self._read_to.clear()
        self._pods.clear()
        for window in windows:
            self._fold(window)

    def look(self, sides: Sides, now: datetime, worse: float) -> Verdict:
        """What the samples up to `now` add, and what all say together. Never raises for a server that is away."""
        self._remember(sides)
        first = min((pod.ready_since for pod in sides.canary), default=now) + self._warmup
        if now <= first and not self._read_to:
            waits = f"Warming up until {first:%H:%M:%S} UTC." if sides.canary else "No canary pod is ready yet."
            return self._verdict(Look((), {}, ()), now, worse, waits)
        look = self._look(sides, now, first)
        for window in look.windows:
            self._fold(window)
        waits = f"Waiting for two scrapes after warm-up of {_listed(look.waiting)}." if look.waiting else ""
        return self._verdict(look, now, worse, waits)

    def _remember(self, sides: Sides) -> None:
        """Pods by the first time they were ready: one that flaps gets no second warm-up."""
        for group, canary in ((sides.canary, True), (sides.stable, False)):
            for pod in group:
                self._pods.setdefault(pod.name, (pod, canary))

    def _look(self, sides: Sides, now: datetime, first: datetime) -> Look:
        spans: dict[tuple[datetime, datetime], dict[str, Pair]] = {}
        gaps: dict[str, Gap] = {}
        waiting: dict[str, None] = {}
        try:
            readings = {slo.name: self._reading(slo, sides, now, first) for slo in self._slos}
        except DavyError:
            return Look((), dict.fromkeys(self._of, Gap.UNREACHABLE), ())
        for name, (start, reading) in readings.items():
            if reading.gap is not None:
                gaps[name] = reading.gap
            waiting.update(dict.fromkeys(reading.waiting))
            if reading.pair is not None:
                end = datetime.fromtimestamp(reading.end, tz=now.tzinfo)
                spans.setdefault((start, end), {})[name] = reading.pair
        windows = tuple(Window(start=start, end=end, counts=counts) for (start, end), counts in spans.items())
        return Look(windows, gaps, tuple(waiting))

    def _reading(
        self, slo: SloConfig, sides: Sides, now: datetime, first: datetime
    ) -> tuple[datetime, samples.Reading]:
        start = self._read_to.get(slo.name, first)
        raw = self._raw(slo, start - LOOKBACK, now)
        pods = self._counted(sides, start if slo.name not in self._read_to else None)
        reading = samples.read(
            raw,
            pods,
            label=self._label,
            start=start.timestamp(),
            now=now.timestamp(),
            scrape=self._interval.total_seconds(),
        )
        return start, reading

    def _raw(self, slo: SloConfig, start: datetime, end: datetime) -> samples.Raw:
        """The total is asked first: scrapes are stored whole, so what it has, the later answer has too."""
        if slo.histogram is not None and slo.under is not None:
            wanted = histogram_of(slo.histogram, slo.under)
            try:
                return samples.of_histogram(self._metrics.samples(wanted, start, end), slo.under.total_seconds())
            except Unusable as error:
                if error.problems:
                    raise
                return samples.Raw(total=())
        total = self._metrics.samples(str(slo.total), start, end)
        return samples.Raw(total=total, bad=self._metrics.samples(str(slo.errors), start, end))

    def _counted(self, sides: Sides, floor: datetime | None) -> tuple[samples.Pod, ...]:
        serving = {pod.name for pod in (*sides.canary, *sides.stable)}
        counted = []
        for name, (pod, canary) in self._pods.items():
            new = canary or pod.ready_since > sides.started_at
            since = pod.ready_since + (self._warmup if new else timedelta(0))
            if floor is not None and not (new and not self._warmup):
                since = max(since, floor)
            counted.append(
                samples.Pod(
                    name=name,
                    canary=canary,
                    counts_from=since.timestamp(),
                    from_zero=new and not self._warmup,
                    serves=name in serving,
                )
            )
        return tuple(counted)

    def _fold(self, window: Window) -> None:
        ours = [name for name in window.counts if name in self._of]
        if not ours:
            return
        self._case = self._case.seen(window)
        for name in ours:
            self._read_to[name] = max(window.end, self._read_to.get(name, window.end))

    def _verdict(self, look: Look, now: datetime, worse: float, waits: str) -> Verdict:
        self._case = self._case.excluding(worse)
        standing = self._case.standing(worse, look.gaps, may_promote=not waits)
        return Verdict(
            at=now,
            decision=standing.decision,
            sentence=sentences.sentence(standing, self._of, self._rules, worse=worse, gaps=look.gaps, waits=waits),
            evidence=standing.evidence,
            log_e_roll_back=standing.log_e_roll_back,
            log_e_burn=standing.log_e_burn,
            roll_back_at=self._rules.roll_back_at,
            promote_at=self._rules.promote_at,
            blame=standing.blame,
            gaps=look.gaps,
            windows=look.windows,
        )


def histogram_of(text: str, under: timedelta) -> str:
    """The selector of the two buckets that are needed."""
    return str(_selector(text).joined(bound_matcher(under)))


def _selector(text: str) -> Selector:
    try:
        return selector(text)
    except ValueError as error:
        raise Unusable(str(error), remedy="Write a plain vector selector.") from error


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")

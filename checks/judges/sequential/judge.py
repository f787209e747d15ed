"""Judge: reads the samples of each look, folds them into the case, and says what they mean."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from davy.checks.judges.sequential import history, notes, sentences
from davy.checks.judges.sequential.case import Comparison, Metric, Rules, SequentialCase
from davy.checks.judges.sequential.history import StableHistory
from davy.checks.ports import Metrics
from davy.checks.samples import counts as samples
from davy.checks.samples import reader
from davy.checks.samples.counts import MetricReading
from davy.checks.samples.reader import bounds_of
from davy.pipeline.config.sections.checks import ChecksConfig
from davy.pipeline.config.sections.objectives import SloConfig
from davy.pipeline.core.errors import DavyError
from davy.pipeline.core.text import time_text
from davy.pipeline.core.text.shares import share_of
from davy.pipeline.core.verdict import Counts, Gap, Pair, Verdict, Window
from davy.pipeline.core.workload import ReadyPod, Sides

LOOKBACK = timedelta(minutes=5)
"""Read from before the span, for each counter's last value: Prometheus' own lookback."""
AGAINST = {"stable": "stable", "fresh": "the baseline", "none": ""}
"""By kind of baseline, what the canary is compared with."""


def rules_of(config: ChecksConfig) -> Rules:
    """The rules a configuration sets. Without a baseline the burn is all there is to roll back by."""
    return Rules(
        alpha=config.alpha,
        beta=config.beta,
        tolerate=config.tolerate,
        burn=config.burn,
        burn_weight=1.0 if config.baseline == "none" else config.burn_weight,
    )


def metric_of(slo: SloConfig, dispersion: float, against: str = "stable") -> Metric:
    """The metric an SLO is judged as.

    A histogram is judged at `under` alone where no more bounds are wished for. Its neighbours would see some
    regressions sooner, at a price: a roll-back for a latency that nobody called bad; evidence divided by their number
    where only `under` is crossed; and bounds that a resumed runner might find changed on the server, so that it would
    not come to the same evidence.
    """
    words = f"took over {time_text.shown(slo.under)}" if slo.under is not None else "failed"
    bounds = bounds_of(slo)
    return Metric(
        name=slo.name,
        objective=share_of(slo.objective),
        weight=slo.weight,
        dispersion=dispersion,
        bad_words=words,
        bound=samples.spelled(slo.under.total_seconds()) if slo.under is not None else "",
        bounds=bounds if len(bounds) > 1 else (),
        against=against,
        evidence=Comparison(slo.evidence),
    )


@dataclass(frozen=True, slots=True)
class Observation:
    """One look's reading of everything."""

    windows: tuple[Window, ...] = ()
    gaps: Mapping[str, Gap] = field(default_factory=dict)
    waiting: tuple[str, ...] = ()
    away: bool = False
    """True where the metrics server gave no usable answer."""


class SequentialJudge:
    """Evidence on raw counters, canary against its baseline in the same windows, valid at every look."""

    def __init__(self, metrics: Metrics, config: ChecksConfig, warmup: timedelta) -> None:
        self._metrics, self._config, self._warmup = metrics, config, warmup
        self._slos = config.slos
        self._against = AGAINST[config.baseline]
        self._rules = rules_of(config)
        self._said: dict[str, None] = {}
        self.recall(())

    @property
    def interval(self) -> timedelta:
        """Time between looks that can bring something new."""
        return self._config.interval

    def recall(self, windows: Iterable[Window]) -> None:
        """Start from evidence of before, and from nothing else; windows of other judges are left alone."""
        kept = tuple(windows)
        self._dispersion = dict(pair for window in reversed(kept) for pair in window.dispersion.items())
        self._past = StableHistory(self._metrics, self._config, self._warmup)
        self._windows: list[Window] = []
        self._read_to: dict[str, datetime] = {}
        self._pods: dict[str, tuple[ReadyPod, bool]] = {}
        self._warm: set[str] = set()
        self._notes: list[str] = []
        self._open()
        for window in kept:
            self._fold(window)
        self._recalled_to = max(self._read_to.values(), default=None)

    def look(self, sides: Sides, now: datetime, worse: float) -> Verdict:
        """What the samples up to `now` add, and what all say together. Never raises for a server that is away."""
        self._remember(sides)
        first = min((pod.ready_since for pod in sides.canary), default=now) + self._warmup
        if now <= first and not self._read_to:
            self._look_back(sides, now)
            waits = f"Warming up until {first:%H:%M:%S} UTC." if sides.canary else "No canary pod is ready yet."
            return self._verdict(Observation(), now, worse, waits)
        look = self._look(sides, now, first)
        look = replace(look, windows=self._tempered(look, sides, now))
        for window in look.windows:
            self._fold(window)
        waits = f"Waiting for two scrapes after warm-up of {_listed(look.waiting)}." if look.waiting else ""
        if self._config.baseline == "fresh" and not sides.baseline:
            waits = f"No pod of the baseline {self._config.baseline_deployment} is ready. {waits}".strip()
        return self._verdict(look, now, worse, waits)

    # ---- what the evidence is tempered by ----

    def _look_back(self, sides: Sides, now: datetime) -> None:
        if self._config.dispersion == "auto" and not self._dispersion:
            self._past.read(sides.stable, now)

    def _tempered(self, look: Observation, sides: Sides, now: datetime) -> tuple[Window, ...]:
        """The windows; the first ones of a rollout say what all are tempered by, so that the journal does.

        With them the dispersion is settled: from here on it stays, whoever goes on with the rollout.
        """
        if self._dispersion or look.away:
            return look.windows
        self._look_back(sides, now)
        if not look.windows:
            return ()
        self._settle(now)
        first, *others = look.windows
        return (replace(first, dispersion=self._dispersion), *others)

    def _settle(self, now: datetime) -> None:
        if self._config.dispersion == "auto":
            found, cut = self._past.dispersions(), self._past.cut()
            self._dispersion = {name: round(one.value, 4) for name, one in found.items()}
            self._notes += [notes.tempered(name, one, cut) for name, one in found.items()]
        else:
            self._dispersion = {slo.name: float(self._config.dispersion) for slo in self._slos}
        if self._config.week_ago:
            self._notes += history.week_ago(self._metrics, self._slos, now)
        self._open()

    def _open(self) -> None:
        """The case anew, with the windows so far."""
        metrics = [metric_of(slo, self._dispersion.get(slo.name, 1.0), self._against) for slo in self._slos]
        self._of = {metric.name: metric for metric in metrics}
        self._case = SequentialCase.opened(self._rules, metrics)
        for window in self._windows:
            self._case = self._case.seen(window)

    # ---- reading ----

    def _remember(self, sides: Sides) -> None:
        """Pods by the first time they were ready: one that flaps gets no second warm-up."""
        compared = {"stable": sides.stable, "fresh": sides.baseline, "none": ()}[self._config.baseline]
        for group, canary in ((sides.canary, True), (compared, False)):
            for pod in group:
                self._pods.setdefault(pod.name, (pod, canary))

    def _look(self, sides: Sides, now: datetime, first: datetime) -> Observation:
        try:
            readings = self._readings(sides, now, first)
        except DavyError:
            return Observation(gaps=dict.fromkeys(self._of, Gap.UNREACHABLE), away=True)
        spans: dict[tuple[datetime, datetime], dict[str, Pair]] = {}
        gaps: dict[str, Gap] = {}
        waiting: dict[str, None] = {}
        for name, (start, read) in readings.items():
            if read.gap is not None:
                gaps[name] = read.gap
            waiting.update(dict.fromkeys(read.waiting))
            if read.pair is not None:
                end = datetime.fromtimestamp(read.end, tz=now.tzinfo)
                spans.setdefault((start, end), {})[name] = read.pair
        self._tell_of_warm_up(readings)
        windows = tuple(Window(start=start, end=end, counts=counts) for (start, end), counts in spans.items())
        return Observation(windows, gaps, tuple(waiting))

    def _readings(self, sides: Sides, now: datetime, first: datetime) -> dict[str, tuple[datetime, MetricReading]]:
        """By metric, from where it is read and what was. One question for all that were read up to the same moment."""
        spans: dict[datetime, list[SloConfig]] = {}
        for slo in self._slos:
            spans.setdefault(self._read_to.get(slo.name, first), []).append(slo)
        found: dict[str, tuple[datetime, MetricReading]] = {}
        for start, slos in spans.items():
            held = reader.read(self._metrics, slos, start - LOOKBACK, now)
            self._notes += held.notes
            for slo in slos:
                pods = self._counted(sides, start if slo.name not in self._read_to else None)
                read = samples.read(
                    held.raw[slo.name],
                    pods,
                    label=self._config.pod_label,
                    start=start.timestamp(),
                    now=now.timestamp(),
                    scrape=self._config.interval.total_seconds(),
                )
                found[slo.name] = (start, read)
        return {slo.name: found[slo.name] for slo in self._slos}

    def _counted(self, sides: Sides, floor: datetime | None) -> tuple[samples.Pod, ...]:
        serving = {pod.name for pod in (*sides.canary, *sides.stable, *sides.baseline)}
        counted = []
        for name, (pod, canary) in self._pods.items():
            new = canary or pod.ready_since > sides.started_at
            fresh = new or self._config.baseline == "fresh"
            since = pod.ready_since + (self._warmup if fresh else timedelta(0))
            from_zero = new and not self._warmup
            if floor is not None and not from_zero:
                since = max(since, floor)
            counted.append(
                samples.Pod(
                    name=name,
                    canary=canary,
                    counts_from=since.timestamp(),
                    from_zero=from_zero,
                    warms_up=new and not from_zero and name not in self._warm and not self._was_recalled(since),
                    serves=name in serving,
                )
            )
        return tuple(counted)

    def _was_recalled(self, since: datetime) -> bool:
        """A runner before this one told of its warm-up."""
        return self._recalled_to is not None and since <= self._recalled_to

    def _tell_of_warm_up(self, readings: Mapping[str, tuple[datetime, MetricReading]]) -> None:
        """Once for each pod, by the first metric that was read."""
        left_out = next((read.left_out for _, read in readings.values() if read.left_out), {})
        self._warm |= left_out.keys()
        if left_out:
            sides: tuple[list[Counts], list[Counts]] = ([], [])
            for name, counts in left_out.items():
                sides[0 if self._pods[name][1] else 1].append(counts)
            self._notes.append(notes.left_out(self._warmup, *sides, self._against))

    def _fold(self, window: Window) -> None:
        ours = [name for name in window.counts if name in self._of]
        if not ours:
            return
        self._windows.append(window)
        self._case = self._case.seen(window)
        for name in ours:
            self._read_to[name] = max(window.end, self._read_to.get(name, window.end))

    # ---- saying ----

    def _verdict(self, look: Observation, now: datetime, worse: float, waits: str) -> Verdict:
        self._case = self._case.excluding(worse)
        standing = self._case.standing(worse, look.gaps, may_promote=not waits)
        new = notes.fresh((*self._notes, *self._metrics.heard()), self._said)
        self._said.update(dict.fromkeys(new))
        self._notes.clear()
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
            notes=new,
        )


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")

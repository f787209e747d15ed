"""Judge: the Mann-Whitney judge over a metrics server, as Kayenta's canary stage runs it.

A step of the canary is one analysis. It begins when its newest pod is past the warm-up (Kayenta's `beginAfterMins`),
and is judged every `interval` until `lifetime` is over: a score that fails rolls back, one that passes at the last
judgement promotes, anything between goes on. Nothing corrects for the repeated judgements, as in Kayenta: the more
there are, the likelier a good canary fails one.

Nothing is journaled. After a resume the points are read again from the metrics server, at the same moments.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

from davy.checks.judges.kayenta import rules
from davy.checks.judges.kayenta.config_file import Analysis
from davy.checks.judges.kayenta.rules import Classified, Label, Mark
from davy.checks.judges.threshold.rules import asked
from davy.checks.ports import Metrics
from davy.pipeline.config.sections.thresholds import KayentaConfig
from davy.pipeline.core.errors import DavyError
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.text import time_text
from davy.pipeline.core.verdict import Counts, Decision, Evidence, Gap, Verdict, Window
from davy.pipeline.core.workload import Sides

MOST_POINTS = 40
"""Moments that one look asks about, so that it never lasts long; a long past is read over several looks."""
LONGEST_PAUSE = timedelta(seconds=15)
Point = tuple[tuple[float, ...], tuple[float, ...]]
"""What both sides answered at one moment; a query may answer several series."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What one judgement found."""

    number: int
    of: int
    results: tuple[Classified, ...]
    score: float
    because: str
    mark: Mark


class MannWhitneyJudge:
    """Kayenta's rule on what its queries answer for canary and baseline pods."""

    def __init__(self, metrics: Metrics, config: KayentaConfig, analysis: Analysis, warmup: timedelta) -> None:
        self._metrics = metrics
        self._config = config
        self._analysis = analysis
        self._warmup = warmup
        self._ready: dict[str, datetime] = {}
        self._start: datetime | None = None
        self._points: list[dict[str, Point]] = []
        self._last: Judgement | None = None
        self._said: dict[str, None] = {}

    @property
    def interval(self) -> timedelta:
        """Short enough to see a new analysis begin, and to read points as they come."""
        return min(self._config.step, LONGEST_PAUSE)

    def recall(self, windows: Iterable[Window]) -> None:
        """Start from nothing: what was seen is read again."""
        del windows
        self._start, self._last = None, None
        self._points.clear()

    def look(self, sides: Sides, now: datetime, worse: float) -> Verdict:
        """Read the points that are due, and judge where a judgement is. `worse` says nothing here."""
        del worse
        baseline = tuple(pod.name for pod in sides.baseline or sides.stable)
        if not sides.canary or not baseline:
            return self._verdict(now, waits=f"There is no {'baseline' if sides.canary else 'canary'} pod to compare.")
        for pod in sides.canary:
            self._ready.setdefault(pod.name, pod.ready_since)
        start = max(self._ready[pod.name] for pod in sides.canary) + self._warmup
        if start != self._start:
            self._start, self._last = start, None
            self._points.clear()
        if now < start:
            return self._verdict(now, waits=f"Warming up until {start:%H:%M:%S} UTC.")
        try:
            self._read(tuple(pod.name for pod in sides.canary), baseline, start, now)
        except DavyError:
            return self._unknown(now)
        self._judge(start, now)
        return self._verdict(now)

    def _read(self, canary: tuple[str, ...], baseline: tuple[str, ...], start: datetime, now: datetime) -> None:
        """Points lie at the analysis' start and every `step` after it."""
        due = (now - start) // self._config.step + 1
        first = len(self._points)
        for place in range(first, min(due, first + MOST_POINTS)):
            at = start + place * self._config.step
            self._points.append(
                {
                    metric.name: (
                        self._values(metric.canary, canary, baseline, at),
                        self._values(metric.baseline, canary, baseline, at),
                    )
                    for metric in self._analysis.metrics
                }
            )

    def _values(
        self, query: str, canary: tuple[str, ...], baseline: tuple[str, ...], at: datetime
    ) -> tuple[float, ...]:
        wanted = asked(query, canary, baseline)
        return () if wanted is None else tuple(value for _, value in self._metrics.query(wanted, at).values)

    def _judge(self, start: datetime, now: datetime) -> None:
        of = judgements(self._config)
        number = min((now - start) // self._config.interval, of)
        last = (number * self._config.interval) // self._config.step
        if number <= (self._last.number if self._last else 0) or len(self._points) <= last:
            return
        back = self._config.lookback // self._config.step
        first = max(0, last + 1 - back) if back else 0
        window = self._points[first : last + 1]
        results = tuple(
            rules.classified(metric.yardstick, _side(window, metric.name, 0), _side(window, metric.name, 1))
            for metric in self._analysis.metrics
        )
        score = rules.scored(results, self._analysis.weights)
        mark = rules.marked(score.value, self._analysis.pass_at, self._analysis.marginal_at)
        self._last = Judgement(
            number=number, of=of, results=results, score=score.value, because=score.because, mark=mark
        )

    def _unknown(self, now: datetime) -> Verdict:
        gaps = {metric.name: Gap.UNREACHABLE for metric in self._analysis.metrics}
        before = f" Until then {self._told(self._last)}." if self._last else ""
        return Verdict(
            at=now,
            decision=Decision.UNKNOWN,
            sentence=f"Can't tell: the metrics server gave no usable answer.{before}",
            judge="mannwhitney",
            evidence=self._evidence(),
            gaps=gaps,
            notes=self._notes(),
        )

    def _verdict(self, now: datetime, *, waits: str = "") -> Verdict:
        decision = Decision.GO_ON if waits else self._decision()
        return Verdict(
            at=now,
            decision=decision,
            sentence=waits or self._sentence(decision),
            judge="mannwhitney",
            evidence=self._evidence(),
            blame=self._blame() if decision is Decision.ROLL_BACK else "",
            notes=self._notes(),
        )

    def _decision(self) -> Decision:
        if self._last is None:
            return Decision.GO_ON
        if self._last.mark is Mark.FAIL:
            return Decision.ROLL_BACK
        is_over = self._last.number == self._last.of
        return Decision.PROMOTE if is_over and self._last.mark is Mark.PASS else Decision.GO_ON

    def _sentence(self, decision: Decision) -> str:
        if self._last is None:
            every = time_text.shown(self._config.interval)
            return f"{len(self._points)} points of each side so far; the first judgement comes after {every}."
        told = self._told(self._last)
        match decision:
            case Decision.ROLL_BACK:
                return f"Rolled back: {told}; a score below {self._analysis.marginal_at:g} fails."
            case Decision.PROMOTE:
                return f"Good enough: {told}."
            case _ if self._last.number == self._last.of:
                return f"Inconclusive: {told}; {self._analysis.pass_at:g} passes, and there is no further judgement."
            case _:
                return f"Not over yet: {told}."

    def _told(self, judgement: Judgement) -> str:
        why = f" because {judgement.because}" if judgement.because else ""
        parts = [f"score {judgement.score:g}{why} at judgement {judgement.number} of {judgement.of}"]
        parts += [_words(one) for one in judgement.results]
        return "; ".join(parts)

    def _evidence(self) -> tuple[Evidence, ...]:
        return tuple(_evidence(one) for one in self._last.results) if self._last else ()

    def _blame(self) -> str:
        return rules.blamed(self._last.results) if self._last else ""

    def _notes(self) -> tuple[str, ...]:
        new = tuple(note for note in (*self._analysis.notes, *self._metrics.heard()) if note not in self._said)
        self._said.update(dict.fromkeys(new))
        return new


def judgements(config: KayentaConfig) -> int:
    """How often each step is judged; as Spinnaker has it, the last may come before the lifetime is over."""
    return max(1, config.lifetime // config.interval)


def _side(window: Sequence[dict[str, Point]], name: str, side: int) -> tuple[float, ...]:
    """One side's points. A moment without an answer is NaN, where others have one; without any there are no points."""
    read: Callable[[dict[str, Point]], tuple[float, ...]] = lambda point: point[name][side]  # noqa: E731
    if not any(read(point) for point in window):
        return ()
    return tuple(value for point in window for value in read(point) or (math.nan,))


def _evidence(one: Classified) -> Evidence:
    """The counts are points; a label that fails is told by the value and the blame."""
    return Evidence(
        metric=one.name,
        canary=Counts(bad=0, total=one.points[0]),
        stable=Counts(bad=0, total=one.points[1]),
        gap=Gap.EMPTY if one.label in (Label.NO_DATA, Label.NO_DATA_FAILS) else None,
        value=None if math.isnan(one.effect) else one.effect,
    )


def _words(one: Classified) -> str:
    effect = "" if math.isnan(one.effect) or not all(one.points) else f", effect {one.effect:.3g}"
    muted = ", muted" if one.muted else ""
    return f"{one.name} {one.label}{effect}{muted} ({one.points[0]} and {one.points[1]} points)"

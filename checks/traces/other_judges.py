"""Other judges: what other judges make of a trace: thresholds as Argo Rollouts or Flagger hold them, and Kayenta. Pure.

They are asked of counts, so that they can be compared with the sequential judge on the same windows. What an empty
answer or a missing number does to them is as in their originals, with two exceptions: errors in a row do not roll back,
and what was never measured is not good.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

from davy.checks.judges.kayenta import rules
from davy.checks.judges.kayenta.rules import Classified, Mark, Yardstick
from davy.checks.judges.sequential.sentences import UNREAD, not_before
from davy.checks.traces.intervals import Intervals, Reached, Sums
from davy.checks.traces.result import Look, ReplayEnd, TraceResult
from davy.checks.traces.rules_over_counts import Argo, Flagger
from davy.checks.traces.settings import MannWhitneySettings, MetricRule, mannwhitney_settings, threshold_settings
from davy.checks.traces.trace import Glance, Trace
from davy.pipeline.core.verdict import Counts


def threshold(trace: Trace, *, to_end: bool = False) -> TraceResult:
    """The canary's share of good events in each interval against a limit. Raises Unusable for its settings."""
    settings = threshold_settings(trace)
    judge = Flagger(trace, settings) if settings.style == "flagger" else Argo(trace, settings)
    sums, looks = Sums(), []
    intervals = Intervals(settings.interval)
    held: Reached | None = None
    reached: Reached | None = None
    for glance in trace.windows:
        sums.see(glance)
        values = intervals.see(glance)
        if values is not None and reached is None:
            sums.values.update({name: value for name, value in values.items() if not math.isnan(value)})
            held = judge.measured(values, glance.t)
        if reached is None:
            reached = _readable(held, glance)
        looks.append(sums.look(glance.t, judge.names, reached.blame if reached else ""))
        if reached and not to_end:
            break
    if reached is None and trace.windows:
        held = held or judge.ended(trace.windows[-1].t)
        reached = _readable(held, trace.windows[-1])
    otherwise = judge.going_on(UNREAD if held else "")
    return _finding("threshold", reached, tuple(looks), otherwise)


def _readable(held: Reached | None, glance: Glance) -> Reached | None:
    """The verdict, but for one to promote at a window of which something could not be read: it waits for another."""
    if held is None or held.verdict is not ReplayEnd.PROMOTE:
        return held
    return None if glance.gap else replace(held, at=glance.t)


def mannwhitney(trace: Trace, *, to_end: bool = False) -> TraceResult:
    """Kayenta's rule on each side's share of bad events by window. Raises Unusable for its settings."""
    judge = _Kayenta(trace, mannwhitney_settings(trace))
    looks = []
    held: Reached | None = None
    reached: Reached | None = None
    for place, glance in enumerate(trace.windows):
        judge.see(glance)
        if reached is None:
            held = judge.judged(glance.t, is_last=place == len(trace.windows) - 1) or held
            reached = _readable(held, glance)
        looks.append(judge.sums.look(glance.t, judge.names, reached.blame if reached else ""))
        if reached and not to_end:
            break
    otherwise = f"{held.sentence.replace('Good enough', 'Inconclusive', 1)} {UNREAD}" if held else judge.sentence
    return _finding("mannwhitney", reached, tuple(looks), otherwise)


class _Kayenta:
    """One canary analysis."""

    def __init__(self, trace: Trace, settings: MannWhitneySettings) -> None:
        self.sums = Sums()
        over = f": no interval of {settings.interval:g} s was over" if settings.interval and trace.windows else ""
        self.sentence = f"Inconclusive: nothing was judged{over}."
        self._settings = settings
        self._from = trace.promote_from
        self._end = trace.windows[-1].t if trace.windows else 0.0
        self._next = settings.interval or math.inf
        self._yardsticks = tuple(settings.metrics.get(m.name, MetricRule()).yardstick(m.name) for m in trace.metrics)
        whole = sum(metric.weight for metric in trace.metrics)
        self._weights = settings.weights or {m.name: 100 * m.weight / whole for m in trace.metrics}
        self._points: dict[str, list[tuple[float, float, float]]] = {metric.name: [] for metric in trace.metrics}

    @property
    def names(self) -> tuple[str, ...]:
        """Of the metrics."""
        return tuple(self._points)

    def see(self, glance: Glance) -> None:
        """A point of each side, for each metric that was read."""
        self.sums.see(glance)
        for name, pair in glance.counts.items():
            self._points[name].append((glance.t, _rate(pair.canary), _rate(pair.stable)))

    def judged(self, t: float, *, is_last: bool) -> Reached | None:
        """A judgement, where one is due. The last is the last that fits in the trace."""
        interval = self._settings.interval
        if (t < self._next) if interval else not is_last:
            return None
        if interval:
            self._next = (math.floor(t / interval) + 1) * interval
            is_last = is_last or self._next > self._end
        results = tuple(self._classified(one, t) for one in self._yardsticks)
        score = rules.scored(results, self._weights)
        mark = rules.marked(score.value, self._settings.pass_, self._settings.marginal)
        self.sums.values.update(
            {one.name: one.effect for one in results if not math.isnan(one.effect) and all(one.points)}
        )
        return self._reached(mark, score.value, results, t, is_last=is_last, because=score.because)

    def _classified(self, yardstick: Yardstick, t: float) -> Classified:
        back = self._settings.lookback
        points = [one for one in self._points[yardstick.name] if not back or one[0] > t - back]
        return rules.classified(yardstick, [one[1] for one in points], [one[2] for one in points])

    def _reached(
        self, mark: Mark, score: float, results: Sequence[Classified], t: float, *, is_last: bool, because: str
    ) -> Reached | None:
        told = "; ".join([f"score {score:g}", *filter(None, [because]), *(_words(one) for one in results)])
        served = [side.total for pair in self.sums.counts.values() for side in (pair.canary, pair.stable)]
        if not any(served):
            self.sentence = "Inconclusive: neither side has had a request yet."
            return None
        if not any(served[1::2]):
            self.sentence = f"Inconclusive: there is no stable side to compare, for it has had no request; {told}."
            return None
        if mark is Mark.FAIL:
            blame = rules.blamed(results)
            sentence = f"Rolled back: {told} (fails below {self._settings.marginal:g})."
            return Reached(verdict=ReplayEnd.ROLL_BACK, at=t, sentence=sentence, blame=blame)
        if mark is Mark.PASS and is_last and t >= self._from:
            return Reached(verdict=ReplayEnd.PROMOTE, at=t, sentence=f"Good enough: {told}.")
        waits = f" {not_before(self._from)}" if mark is Mark.PASS and t < self._from else ""
        self.sentence = f"Inconclusive: {told} (passes from {self._settings.pass_:g}).{waits}"
        return None


def _rate(counts: Counts) -> float:
    return counts.bad / counts.total if counts.total else math.nan


def _words(one: Classified) -> str:
    effect = "" if math.isnan(one.effect) or not all(one.points) else f", effect {one.effect:.3g}"
    return f"{one.name} {one.label}{effect} ({one.points[0]} and {one.points[1]} points)"


def _finding(judge: str, reached: Reached | None, looks: tuple[Look, ...], otherwise: str) -> TraceResult:
    return TraceResult(
        judge=judge,
        verdict=reached.verdict if reached else ReplayEnd.INCONCLUSIVE,
        at=reached.at if reached else None,
        looks=looks,
        sentence=reached.sentence if reached else otherwise,
        blame=reached.blame if reached else "",
    )

"""Judge: Flagger's analysis over a metrics server, every check of `style: flagger` at every tick."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from davy.checks.judges.flagger.rules import RangeCheck, Ticks, measured, shown
from davy.checks.judges.sequential import sentences
from davy.checks.judges.threshold.rules import PAIRS, Measurement, MeasurementResult, result_of
from davy.checks.ports import Metrics
from davy.pipeline.config.sections.checks import ChecksConfig
from davy.pipeline.core.errors import DavyError, Problem, Unusable
from davy.pipeline.core.verdict import NOTHING, Counts, Decision, Evidence, Gap, Verdict, Window
from davy.pipeline.core.workload import Sides


def ranges_of(config: ChecksConfig) -> tuple[RangeCheck, ...]:
    """The checks in Flagger's style. Raises Unusable with every problem."""
    checks, problems = [], []
    for index, check in enumerate(config.thresholds):
        if check.style != "flagger":
            continue
        try:
            checks.append(RangeCheck.of(check))
        except ValueError as error:
            problems.append(Problem(path=f"checks.thresholds[{index}]", what=str(error)))
    if problems:
        raise Unusable("The thresholds cannot be used.", problems=tuple(problems))
    return tuple(checks)


class FlaggerJudge:
    """Rolls back at `threshold` failed ticks, promotes after `iterations` good ones since the canary last grew.

    A tick fails where any check is outside its range or has no number: no traffic, NaN, a server that is away. As in
    Flagger there is no fourth answer, so an outage of the metrics server rolls back. Other than Flagger, davy does not
    wait one more interval before it does.
    """

    def __init__(self, metrics: Metrics, config: ChecksConfig, warmup: timedelta) -> None:
        self._metrics = metrics
        self._config = config.flagger
        self._warmup = warmup
        self._checks = ranges_of(config)
        self._analysis = Ticks()
        self._ticked: datetime | None = None
        self._failures: dict[str, int] = {}
        self._last: dict[str, Measurement] = {}
        self._canary: frozenset[str] = frozenset()

    @property
    def interval(self) -> timedelta:
        """Between two ticks."""
        return self._config.interval

    def recall(self, windows: Iterable[Window]) -> None:
        """Start from the ticks of before, and from nothing else; each was one window."""
        self._analysis, self._ticked = Ticks(), None
        self._failures.clear()
        for window in windows:
            found = {check.config.name: window.counts.get(check.config.name) for check in self._checks}
            results = {name: result_of(pair) for name, pair in found.items() if pair is not None}
            if results and None not in results.values():
                self._tick({name: result for name, result in results.items() if result is not None}, window.end)

    def look(self, sides: Sides, now: datetime, worse: float) -> Verdict:
        """A tick, where one is due. `worse` says nothing here: the ranges are the user's own."""
        del worse
        canary = tuple(pod.name for pod in sides.canary if pod.ready_since + self._warmup <= now)
        stable = tuple(pod.name for pod in sides.stable)
        if not frozenset(canary) <= self._canary:
            self._analysis, self._canary = self._analysis.anew(), frozenset(canary)
        if not canary:
            return self._verdict(now, (), "Warming up: no canary pod is past its warm-up.")
        is_due = self._ticked is None or now - self._ticked >= self._config.interval
        return self._verdict(now, self._asked(canary, stable, now) if is_due else (), "")

    def _asked(self, canary: tuple[str, ...], stable: tuple[str, ...], now: datetime) -> tuple[Window, ...]:
        queries = {check: check.asked(canary, stable) for check in self._checks}
        # A check that asks for stable pods is not asked where there are none: after the promotion nothing is wrong.
        found = {check.config.name: self._measurement(check, query, now) for check, query in queries.items() if query}
        if not found:
            return ()
        self._last = found
        start = self._ticked or now - self._config.interval
        results = {name: one.result for name, one in self._last.items()}
        self._tick(results, now)
        return (Window(start=start, end=now, counts={name: PAIRS[result] for name, result in results.items()}),)

    def _measurement(self, check: RangeCheck, query: str, now: datetime) -> Measurement:
        try:
            answer = self._metrics.query(query, now)
        except DavyError:
            return Measurement(result=MeasurementResult.FAILURE, gap=Gap.UNREACHABLE)
        return measured(check, [value for _, value in answer.values])

    def _tick(self, results: dict[str, MeasurementResult], at: datetime) -> None:
        bad = [name for name, result in results.items() if result is not MeasurementResult.SUCCESS]
        self._analysis, self._ticked = self._analysis.ticked(is_good=not bad), at
        for name in bad:
            self._failures[name] = self._failures.get(name, 0) + 1

    def _verdict(self, now: datetime, windows: tuple[Window, ...], waits: str) -> Verdict:
        decision = self._decision(waits)
        return Verdict(
            at=now,
            decision=decision,
            sentence=self._sentence(decision, waits),
            judge="threshold",
            evidence=tuple(self._evidence(check.config.name) for check in self._checks),
            blame=max(self._failures, key=lambda name: self._failures[name], default="")
            if decision is Decision.ROLL_BACK
            else "",
            gaps={name: one.gap for name, one in self._last.items() if one.gap is not None},
            windows=windows,
        )

    def _decision(self, waits: str) -> Decision:
        if self._analysis.has_failed(self._config):
            return Decision.ROLL_BACK
        is_bad = any(one.result is not MeasurementResult.SUCCESS for one in self._last.values())
        good = self._analysis.is_good(self._config) and not is_bad
        return Decision.PROMOTE if good and self._checks and not waits else Decision.GO_ON

    def _sentence(self, decision: Decision, waits: str) -> str:
        analysis, config = self._analysis, self._config
        failed = f"{analysis.failed} of {analysis.ticks} ticks failed (rolled back at {config.threshold})"
        good = f"{min(analysis.good, config.iterations)} of {config.iterations} good ticks"
        told = "; ".join([failed, *(self._words(check) for check in self._checks if self._is_bad(check.config.name))])
        match decision:
            case Decision.ROLL_BACK:
                return f"Rolled back: {told}."
            case Decision.PROMOTE:
                return f"Good enough: {good}; {failed}."
            case _:
                return waits or f"Not enough yet: {good}; {told}."

    def _is_bad(self, name: str) -> bool:
        return name in self._last and self._last[name].result is not MeasurementResult.SUCCESS

    def _words(self, check: RangeCheck) -> str:
        last = self._last[check.config.name]
        if last.gap is Gap.EMPTY:
            return f"{check.config.name}: the query's answer is empty"
        if last.gap is not None:
            return f"{check.config.name}: {sentences.gap_words(last.gap)}"
        value = "no number" if last.value is None else shown(check, last.value)
        return f"{check.config.name}: wanted {check.words()}, the last answer was {value}"

    def _evidence(self, name: str) -> Evidence:
        last = self._last.get(name)
        counted = Counts(bad=self._failures.get(name, 0), total=self._analysis.ticks)
        return Evidence(
            metric=name,
            canary=counted,
            stable=NOTHING,
            gap=last.gap if last else None,
            value=last.value if last else None,
        )

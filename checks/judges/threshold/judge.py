"""Judge: the threshold judge over a metrics server, and several judges as one."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from davy.checks.judges.sequential import notes, sentences
from davy.checks.judges.threshold import sentences as thresholdwords
from davy.checks.judges.threshold.rules import (
    PAIRS,
    Check,
    CheckPhase,
    Measurement,
    MeasurementResult,
    MeasurementTally,
    due,
    measured,
    result_of,
    shown,
)
from davy.checks.ports import Metrics
from davy.pipeline.config.sections.checks import ChecksConfig
from davy.pipeline.core.errors import DavyError, Problem, Unusable
from davy.pipeline.core.verdict import NOTHING, Counts, Decision, Evidence, Gap, Verdict, Window
from davy.pipeline.core.workload import Sides


class ThresholdJudge:
    """Any PromQL held against conditions, with Argo Rollouts' counting.

    Rolls back when more measurements failed than `failure_limit`; promotes when every check had `successes` in a row,
    or `count` in all, since the canary last grew. Anything unknown promotes nothing; more errors in a row than
    `error_limit` end the wait for that check: it stays unknown. More measurements between the conditions than
    `inconclusive_limit` leave it to a person.
    """

    def __init__(self, metrics: Metrics, config: ChecksConfig, warmup: timedelta) -> None:
        self._metrics = metrics
        self._warmup = warmup
        self._checks = checks_of(config)
        self._tallies = {check.config.name: MeasurementTally() for check in self._checks}
        self._measured: dict[str, datetime] = {}
        self._last: dict[str, Measurement] = {}
        self._failed: dict[str, Measurement] = {}
        """By check, the last measurement that failed."""
        self._canary: frozenset[str] = frozenset()
        self._said: dict[str, None] = {}
        self._since: datetime | None = None

    @property
    def interval(self) -> timedelta:
        """The shortest of the checks' intervals."""
        return min((check.config.interval for check in self._checks), default=timedelta(seconds=30))

    def recall(self, windows: Iterable[Window]) -> None:
        """Start from the measurements of before, and from nothing else; windows of other judges are left alone."""
        self._tallies = {check.config.name: MeasurementTally() for check in self._checks}
        self._measured.clear()
        for window in windows:
            for check in self._checks:
                name = check.config.name
                result = result_of(window.counts[name]) if name in window.counts else None
                if result is not None:
                    self._tallies[name] = self._tallies[name].seen(result, check.config.error_limit)
                    self._measured[name] = window.end

    def look(self, sides: Sides, now: datetime, worse: float) -> Verdict:
        """Measure what is due. `worse` says nothing here: the conditions are the user's own."""
        del worse
        canary = tuple(pod.name for pod in sides.canary if pod.ready_since + self._warmup <= now)
        stable = tuple(pod.name for pod in sides.stable)
        if not frozenset(canary) <= self._canary:
            self._tallies = {name: tally.anew() for name, tally in self._tallies.items()}
            self._canary = frozenset(canary)
        self._since = self._since or (now if canary else None)
        waits = "" if canary else "Warming up: no canary pod is past its warm-up."
        windows = self._measure(canary, stable, now) if canary else ()
        return self._verdict(now, windows, waits)

    def _measure(self, canary: tuple[str, ...], stable: tuple[str, ...], now: datetime) -> tuple[Window, ...]:
        windows = []
        for check in self._checks:
            name = check.config.name
            if self._delayed(check, now) or not due(self._measured.get(name), now, check, self._tallies[name]):
                continue
            measurement = self._measurement(check, canary, stable, now)
            start = self._measured.get(name, now - check.config.interval)
            self._measured[name] = now
            self._last[name] = measurement
            if measurement.result is MeasurementResult.FAILURE:
                self._failed[name] = measurement
            self._tallies[name] = self._tallies[name].seen(measurement.result, check.config.error_limit)
            windows.append(Window(start=start, end=now, counts={name: PAIRS[measurement.result]}))
        return tuple(windows)

    def _delayed(self, check: Check, now: datetime) -> bool:
        first = check.config.name not in self._measured
        return first and self._since is not None and now < self._since + check.config.initial_delay

    def _measurement(
        self, check: Check, canary: tuple[str, ...], stable: tuple[str, ...], now: datetime
    ) -> Measurement:
        query = check.asked(canary, stable)
        if query is None:
            return Measurement(result=MeasurementResult.ERROR, gap=Gap.EMPTY)
        try:
            answer = self._metrics.query(query, now)
        except DavyError:
            return Measurement(result=MeasurementResult.ERROR, gap=Gap.UNREACHABLE)
        return measured(check, (value for _, value in answer.values))

    def _verdict(self, now: datetime, windows: tuple[Window, ...], waits: str) -> Verdict:
        gaps = {name: one.gap for name, one in self._last.items() if one.gap is not None}
        for name, tally in self._tallies.items():
            if tally.gave_up:
                gaps.setdefault(name, Gap.UNREACHABLE)
        failed = [check for check in self._checks if self._phase(check) is CheckPhase.FAILED]
        decision = self._decision(bool(failed), bool(gaps), waits)
        return Verdict(
            at=now,
            decision=decision,
            sentence=self._sentence(decision, failed, gaps, waits),
            judge="threshold",
            evidence=tuple(self._evidence(check, gaps) for check in self._checks),
            blame=failed[0].config.name if failed else "",
            gaps=gaps,
            windows=windows,
            notes=self._heard(),
        )

    def _heard(self) -> tuple[str, ...]:
        new = notes.fresh(self._metrics.heard(), self._said)
        self._said.update(dict.fromkeys(new))
        return new

    def _phase(self, check: Check) -> CheckPhase:
        return check.phase(self._tallies[check.config.name])

    def _decision(self, failed: bool, unknown: bool, waits: str) -> Decision:
        if failed:
            return Decision.ROLL_BACK
        if unknown:
            return Decision.UNKNOWN
        enough = all(self._phase(check) is CheckPhase.GOOD for check in self._checks)
        return Decision.PROMOTE if enough and self._checks and not waits else Decision.GO_ON

    def _evidence(self, check: Check, gaps: Mapping[str, Gap]) -> Evidence:
        name = check.config.name
        tally, last = self._tallies[name], self._last.get(name)
        counted = Counts(bad=tally.failures, total=tally.measurements)
        return Evidence(
            metric=name, canary=counted, stable=NOTHING, gap=gaps.get(name), value=last.value if last else None
        )

    def _sentence(self, decision: Decision, failed: Sequence[Check], gaps: Mapping[str, Gap], waits: str) -> str:
        if decision is Decision.ROLL_BACK:
            return f"Rolled back: {'; '.join(self._failed_words(check) for check in failed)}."
        if decision is Decision.UNKNOWN:
            return f"Can't tell: {'; '.join(self._gap_words(name, gap) for name, gap in gaps.items())}."
        each = "; ".join(self._counted_words(check) for check in self._checks)
        if decision is Decision.PROMOTE:
            return thresholdwords.promoted(each, self._checks, self._tallies)
        unsure = [check for check in self._checks if self._phase(check) is CheckPhase.UNSURE]
        if unsure:
            told = "; ".join(self._unsure_words(check) for check in unsure)
            return f"Inconclusive: {told}. A person decides: `davy canary promote` or `davy canary abort`."
        return waits or f"Not enough yet: {each}."

    def _failed_words(self, check: Check) -> str:
        tally, last = self._tallies[check.config.name], self._failed.get(check.config.name)
        value = f", the last that failed was {shown(check, last.value)}" if last and last.value is not None else ""
        wanted = (last.broke if last else "") or check.fails_by
        limit = check.config.failure_limit
        return (
            f"{check.config.name}: {tally.failures} of {tally.measurements} measurements failed "
            f"(at most {limit} may; {wanted}{value})"
        )

    def _unsure_words(self, check: Check) -> str:
        tally = self._tallies[check.config.name]
        counted = f"{tally.inconclusive} of {tally.measurements} measurements held neither condition"
        if tally.inconclusive > check.inconclusive_limit:
            return f"{check.config.name}: {counted} (at most {check.inconclusive_limit:g} may)"
        return f"{check.config.name}: {tally.counted} measurements without {check.wanted} successes in a row"

    def _gap_words(self, name: str, gap: Gap) -> str:
        tally, last = self._tallies[name], self._last.get(name)
        words = last.said or _words(gap) if last and last.gap is not None else ""
        limit = next(check.config.error_limit for check in self._checks if check.config.name == name)
        more = f"more than {limit} in a row had no number, so no more are waited for" if tally.gave_up else ""
        return f"{name}: {', and '.join(filter(None, (words, more)))}"

    def _counted_words(self, check: Check) -> str:
        tally = self._tallies[check.config.name]
        if check.wanted is None:
            counted = min(tally.counted, check.config.count or 0)
            failed = f", {tally.failures} of all failed" if tally.failures else ""
            return f"{check.config.name}: {counted} of {check.config.count} measurements{failed}"
        return f"{check.config.name}: {min(tally.successes, check.wanted)} of {check.wanted} successes in a row"


def _words(gap: Gap) -> str:
    return "the query's answer is empty" if gap is Gap.EMPTY else sentences.gap_words(gap)


def checks_of(config: ChecksConfig) -> tuple[Check, ...]:
    """The thresholds with their conditions read, without Flagger's. Raises Unusable with every problem."""
    checks, problems = [], []
    for index, threshold in enumerate(config.thresholds):
        if threshold.style == "flagger":
            continue
        try:
            checks.append(Check.of(threshold))
        except ValueError as error:
            problems.append(Problem(path=f"checks.thresholds[{index}]", what=str(error)))
    if problems:
        raise Unusable("The thresholds cannot be used.", problems=tuple(problems))
    return tuple(checks)

"""Rules over counts: Argo Rollouts' and Flagger's analyses over the counts of a trace. Pure."""

import math
from collections.abc import Iterator, Mapping

from davy.checks.judges.flagger import rules
from davy.checks.judges.sequential import sentences
from davy.checks.judges.threshold import rules as thresholds
from davy.checks.judges.threshold import sentences as thresholdwords
from davy.checks.judges.threshold.rules import Check, CheckPhase, Measurement, MeasurementTally
from davy.checks.traces.intervals import Reached
from davy.checks.traces.result import ReplayEnd
from davy.checks.traces.settings import ThresholdSettings, unusable
from davy.checks.traces.trace import Trace
from davy.pipeline.config.sections.thresholds import FlaggerConfig, ThresholdConfig
from davy.pipeline.core.errors import Problem

ENDLESS = 10**12
"""A count that no trace reaches."""


class Argo:
    """One AnalysisRun of all metrics, from the trace's beginning."""

    def __init__(self, trace: Trace, settings: ThresholdSettings) -> None:
        self._settings = settings
        self._may_end = settings.count is None and settings.successes is None
        self._from = trace.promote_from
        self._checks = {check.config.name: check for check in _checks(trace, settings)}
        self._tallies = {name: MeasurementTally() for name in self._checks}
        self._last: dict[str, Measurement] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """Of the metrics."""
        return tuple(self._checks)

    def measured(self, values: Mapping[str, float], t: float) -> Reached | None:
        """One measurement of each metric that still runs."""
        for name, check in self._checks.items():
            if check.phase(self._tallies[name]) is CheckPhase.RUNNING:
                found = thresholds.measured(check, [values[name]] if name in values else [])
                self._last[name] = found
                self._tallies[name] = self._tallies[name].seen(found.result, self._settings.error_limit)
        phases = self._phases()
        failed = [name for name, phase in phases.items() if phase is CheckPhase.FAILED]
        if failed:
            sentence = f"Rolled back: {'; '.join(self._failed_words(name) for name in failed)}."
            return Reached(verdict=ReplayEnd.ROLL_BACK, at=t, sentence=sentence, blame=failed[0])
        if not self._may_end and t >= self._from and all(phase is CheckPhase.GOOD for phase in phases.values()):
            return self._good(t)
        return None

    def ended(self, t: float) -> Reached | None:
        """An endless analysis that has not failed is good when it is ended; one that never measured is not, here."""
        phases = self._phases().values()
        if not self._may_end or t < self._from or any(phase is not CheckPhase.RUNNING for phase in phases):
            return None
        return self._good(t) if all(tally.counted for tally in self._tallies.values()) else None

    def _phases(self) -> dict[str, CheckPhase]:
        return {name: check.phase(self._tallies[name]) for name, check in self._checks.items()}

    def _good(self, t: float) -> Reached:
        sentence = thresholdwords.promoted(self._counted(), self._checks.values(), self._tallies)
        return Reached(verdict=ReplayEnd.PROMOTE, at=t, sentence=sentence)

    def going_on(self, withheld: str = "") -> str:
        """Without a verdict: what was counted, and why that is none. `withheld`: it would be one, but for this."""
        why = (withheld,) if withheld else self._lacks()
        return " ".join(filter(None, (f"Inconclusive: {self._counted()}.", *why)))

    def _lacks(self) -> Iterator[str]:
        if not any(tally.measurements for tally in self._tallies.values()):
            yield no_interval(self._settings)
            return
        of = {name: self._lack(check, self._tallies[name]) for name, check in self._checks.items()}
        yield " ".join(f"{name}: {lack}." for name, lack in of.items() if lack)
        if not any(of.values()):
            yield sentences.not_before(self._from)

    def _lack(self, check: Check, tally: MeasurementTally) -> str:
        if self._may_end and check.phase(tally) is CheckPhase.RUNNING:
            return "" if tally.counted else "nothing was measured"
        return thresholdwords.lack(check, tally)

    def _counted(self) -> str:
        return "; ".join(
            f"{name}: {tally.failures} of {tally.measurements} measurements failed"
            for name, tally in self._tallies.items()
        )

    def _failed_words(self, name: str) -> str:
        check, tally, found = self._checks[name], self._tallies[name], self._last[name]
        value = found.value
        last = "" if value is None else f", the last was {thresholds.shown(check, value)}"
        return (
            f"{name}: {tally.failures} of {tally.measurements} measurements failed "
            f"(at most {check.config.failure_limit} may; {found.broke or check.fails_by}{last})"
        )


class Flagger:
    """One analysis of a Canary: every metric at every tick."""

    def __init__(self, trace: Trace, settings: ThresholdSettings) -> None:
        self._settings = settings
        self._from = trace.promote_from
        self._checks = {check.config.name: check for check in _ranges(trace, settings)}
        self._config = FlaggerConfig(threshold=settings.threshold, iterations=settings.iterations or 1)
        self._analysis = rules.Ticks()
        self._bad: dict[str, Measurement] = {}
        self._is_bad = False

    @property
    def names(self) -> tuple[str, ...]:
        """Of the metrics."""
        return tuple(self._checks)

    def measured(self, values: Mapping[str, float], t: float) -> Reached | None:
        """One tick. A threshold that the tick before used up is acted on before anything is asked."""
        if self._analysis.has_failed(self._config):
            return self._failed(t)
        found = {
            name: rules.measured(check, [values[name]] if name in values else [])
            for name, check in self._checks.items()
        }
        bad = {name: one for name, one in found.items() if one.result is thresholds.MeasurementResult.FAILURE}
        self._bad, self._is_bad = bad or self._bad, bool(bad)
        self._analysis = self._analysis.ticked(is_good=not bad)
        if self._settings.at_once and self._analysis.has_failed(self._config):
            return self._failed(t)
        enough = self._settings.iterations is not None and self._analysis.is_good(self._config)
        return self._good(t) if enough and not bad and t >= self._from else None

    def ended(self, t: float) -> Reached | None:
        """Where nothing else says when it is enough, the trace's end does."""
        failed = self._analysis.has_failed(self._config)
        endless = self._settings.iterations is None and self._analysis.good
        return self._good(t) if endless and not failed and t >= self._from else None

    def _good(self, t: float) -> Reached:
        return Reached(verdict=ReplayEnd.PROMOTE, at=t, sentence=f"Good enough: {self._counted()}.")

    def _failed(self, t: float) -> Reached:
        blame = next(iter(self._bad))
        check, value = self._checks[blame], self._bad[blame].value
        last = "no value" if value is None or math.isnan(value) else rules.shown(check, value)
        sentence = f"Rolled back: {self._counted()} ({blame}: wanted {check.words()}, the last bad one was {last})."
        return Reached(verdict=ReplayEnd.ROLL_BACK, at=t, sentence=sentence, blame=blame)

    def going_on(self, withheld: str = "") -> str:
        """Without a verdict: what was counted, and why that is none. `withheld`: it would be one, but for this."""
        return f"Inconclusive: {self._counted()}. {withheld or self._lack()}"

    def _lack(self) -> str:
        analysis, wanted = self._analysis, self._settings.iterations
        if not analysis.ticks:
            return no_interval(self._settings)
        if analysis.has_failed(self._config):
            return "Flagger rolls back at the tick after these, and there was none."
        if analysis.good < (wanted or 1):
            return f"{analysis.good} of {wanted or 1} good ticks."
        if wanted and self._is_bad:
            return "The last tick was bad."
        return sentences.not_before(self._from)

    def _counted(self) -> str:
        analysis = self._analysis
        return f"{analysis.failed} of {analysis.ticks} ticks failed (rolled back at {self._settings.threshold})"


def no_interval(settings: ThresholdSettings) -> str:
    """Why nothing was measured."""
    return f"No interval of {settings.interval:g} s was over."


def _checks(trace: Trace, settings: ThresholdSettings) -> tuple[Check, ...]:
    checks, problems = [], []
    for metric in trace.metrics:
        own = settings.of(metric.name, metric.objective)
        config = ThresholdConfig(
            name=metric.name,
            query="trace",
            style="argo",
            success=own.success,
            failure=own.failure,
            failure_limit=settings.failure_limit,
            inconclusive_limit=settings.inconclusive_limit,
            error_limit=settings.error_limit,
            successes=settings.successes,
            count=settings.count if settings.count or settings.successes else ENDLESS,
        )
        try:
            checks.append(Check.of(config))
        except ValueError as error:
            problems.append(_problem(metric.name, str(error), "`success` or `failure`"))
    if problems:
        raise unusable("threshold", problems)
    return tuple(checks)


def _ranges(trace: Trace, settings: ThresholdSettings) -> tuple[rules.RangeCheck, ...]:
    checks, problems = [], []
    for metric in trace.metrics:
        own = settings.of(metric.name, metric.objective)
        config = ThresholdConfig(name=metric.name, query="trace", style="flagger", min=own.min, max=own.max)
        try:
            checks.append(rules.RangeCheck.of(config))
        except ValueError as error:
            problems.append(_problem(metric.name, str(error), "`min` or `max`"))
    if problems:
        raise unusable("threshold", problems)
    return tuple(checks)


def _problem(name: str, what: str, keys: str) -> Problem:
    hint = f"; the metric has no objective to take it from, so say {keys}" if "needs" in what else ""
    return Problem(path=f"threshold.metrics.{name}", what=what + hint)

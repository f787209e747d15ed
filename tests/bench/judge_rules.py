"""Rules: davy, its rivals with settings out of their own documentation, and textbook tests, on the same traces."""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from random import Random
from typing import Any

from davy.checks.forecast.judges import CONTENDERS, Judge, davy, untempered
from davy.checks.forecast.rollouts import Scenario, SimulatedOutcome, SimulatedRollout, sequential
from davy.checks.judges.sequential.case import Comparison
from davy.checks.traces import other_judges
from davy.checks.traces.result import ReplayEnd, TraceResult
from davy.checks.traces.trace import Trace

Opened = Callable[[SimulatedRollout, Scenario, Random], Judge]

ARGO_DOCS = {"style": "argo", "interval": 300.0, "success": ">= 0.95", "failure_limit": 3}
"""The example of Argo Rollouts' documentation, analysis.md."""
ARGO_STRICT = {"style": "argo", "interval": 60.0, "success": ">= 0.99", "failure_limit": 3}
FLAGGER = {"style": "flagger", "interval": 60.0, "min": 0.99, "threshold": 5}
"""The example of Flagger's documentation: request-success-rate at least 99, interval 1m, threshold 5."""
KAYENTA_ONCE: dict[str, Any] = {}
KAYENTA_SIX = {"interval": 300.0}
KAYENTA_HOURLY = {"interval": 3600.0}
"""Three hours, judged every hour: Spinnaker's best practices."""


def threshold(settings: Mapping[str, Any], *, oracle: bool = False) -> Opened:
    """Argo's or Flagger's counting. `oracle`: the limit is twice the true base rate, which nobody knows beforehand."""

    def opened(play: SimulatedRollout, scenario: Scenario, dice: Random) -> Judge:
        del scenario, dice
        said = dict(settings)
        if oracle:
            limit = 1 - 2 * play.streams[0].base
            said |= {"success": f">= {limit!r}"} if said["style"] == "argo" else {"min": limit}
        return lambda trace: _of(other_judges.threshold(replace(trace, settings={"threshold": said})), trace)

    return opened


def kayenta(settings: Mapping[str, Any]) -> Opened:
    """Kayenta's classifier on each side's error rate by window."""

    def opened(play: SimulatedRollout, scenario: Scenario, dice: Random) -> Judge:
        del play, scenario, dice
        return lambda trace: _of(other_judges.mannwhitney(replace(trace, settings={"mannwhitney": settings})), trace)

    return opened


def _of(finding: TraceResult, trace: Trace) -> SimulatedOutcome:
    return SimulatedOutcome(result=finding.verdict, at=trace.windows[-1].t if finding.at is None else finding.at)


def tolerating(tolerate: float) -> Opened:
    """davy with another tolerance."""

    def opened(play: SimulatedRollout, scenario: Scenario, dice: Random) -> Judge:
        judge = untempered(play, scenario, dice)
        return lambda trace: judge(replace(trace, rules=replace(trace.rules, tolerate=tolerate)))

    return opened


def two_sample(play: SimulatedRollout, scenario: Scenario, dice: Random) -> Judge:
    """davy with the form for events that are not rare."""
    judge = untempered(play, scenario, dice)

    def judged(trace: Trace) -> SimulatedOutcome:
        metrics = tuple(replace(metric, evidence=Comparison.TWO_SAMPLE) for metric in trace.metrics)
        return judge(replace(trace, metrics=metrics))

    return judged


def with_warm_up(play: SimulatedRollout, scenario: Scenario, dice: Random) -> Judge:
    """davy that counts what its warm-up leaves out."""
    del play, scenario, dice
    return sequential


def binomial(alpha: float, every: float) -> Opened:
    """The textbook's one-sided test of the canary's part of all bad events, at every so many seconds."""

    def opened(play: SimulatedRollout, scenario: Scenario, dice: Random) -> Judge:
        del play, scenario, dice
        return lambda trace: _tested(trace, alpha, every)

    return opened


def _tested(trace: Trace, alpha: float, every: float) -> SimulatedOutcome:
    name = trace.metrics[0].name
    bad = both = canary = total = 0
    for glance in trace.windows:
        pair = glance.counts[name]
        bad, both = bad + pair.canary.bad, both + pair.canary.bad + pair.stable.bad
        canary, total = canary + pair.canary.total, total + pair.canary.total + pair.stable.total
        if glance.t % every == 0 and bad and tail(bad, both, canary / total) <= alpha:
            return SimulatedOutcome(result=ReplayEnd.ROLL_BACK, at=glance.t)
    return SimulatedOutcome(result=ReplayEnd.INCONCLUSIVE, at=trace.windows[-1].t)


def tail(bad: int, both: int, share: float) -> float:
    """P(at least `bad` of `both`)."""
    if bad <= both * share:
        return 1.0
    log = math.lgamma(both + 1) - math.lgamma(bad + 1) - math.lgamma(both - bad + 1)
    term = math.exp(log + bad * math.log(share) + (both - bad) * math.log1p(-share))
    whole, odds = 0.0, share / (1 - share)
    for k in range(bad, both + 1):
        whole += term
        term *= odds * (both - k) / (k + 1)
        if term < 1e-12 * whole:
            break
    return whole


RULES: Mapping[str, Opened] = {
    "davy": davy,
    "davy, tolerate 1": tolerating(1.0),
    "davy, dispersion 1": untempered,
    "davy, warm-up counted": with_warm_up,
    "davy, two-sample form": two_sample,
    "binomial .01, one look": binomial(0.01, 1800),
    "binomial .01/6, 6 looks": binomial(0.01 / 6, 300),
    "binomial .05, each scrape": binomial(0.05, 15),
    "Argo docs: 5m, 95 %": threshold(ARGO_DOCS),
    "Argo: 1m, 99 %": threshold(ARGO_STRICT),
    "Argo: 1m, 2x true rate": threshold(ARGO_STRICT, oracle=True),
    "Flagger docs: 1m, 99 %": threshold(FLAGGER),
    "Flagger: 1m, 2x true rate": threshold(FLAGGER, oracle=True),
    **{name: CONTENDERS[name] for name in ("threshold (argo)", "threshold (flagger)", "mannwhitney")},
    "Kayenta, once": kayenta(KAYENTA_ONCE),
    "Kayenta, 6 times": kayenta(KAYENTA_SIX),
    "Kayenta, hourly": kayenta(KAYENTA_HOURLY),
}

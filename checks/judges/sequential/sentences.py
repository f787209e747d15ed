"""Sentences: a verdict as a release engineer reads it, with its numbers. Pure."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import assert_never

from davy.checks.judges.sequential.case import CaseStanding, Metric, Rules
from davy.pipeline.core.text.shares import rest
from davy.pipeline.core.verdict import Counts, Decision, Evidence, Gap

UNREAD = "Nothing is promoted at a window of which something could not be read."


def percent(share: float) -> str:
    """Two digits that mean something, and two places at most from 0.1 % on: `0.40%`, `12%`, `0.0042%`.

    What is not all is never rounded to it: `99.96%`.
    """
    value = 100 * share
    if 99.5 <= value < 100:
        return f"{value:.{max(1, -math.floor(math.log10(100 - value)))}f}%"
    if value == 0 or value >= 10:
        return f"{value:.0f}%"
    if value >= 1:
        return f"{value:.1f}%"
    return f"{value:.{max(2, 1 - math.floor(math.log10(value)))}f}%"


def one_in(log_e: float) -> str:
    """`1 of 2,291`, for a natural log of evidence of any size."""
    if log_e > math.log(1e12):
        return f"1 of 10^{math.floor(log_e / math.log(10))}"
    # A billionth of slack: exp(log(100)) is a hair below 100.
    return f"1 of {max(1, math.floor(math.exp(log_e) * (1 + 1e-9))):,}"


def times(ratio: float) -> str:
    """`1.4`, `12`, `0.07`; what is not nothing is never rounded to it: `0.0004`."""
    if not 0 < ratio < 0.005:
        return (
            "0" if ratio == 0 else f"{ratio:.0f}" if ratio >= 10 else f"{ratio:.1f}" if ratio >= 1 else f"{ratio:.2f}"
        )
    return f"{ratio:.{-math.floor(math.log10(ratio))}f}" if ratio >= 1e-6 else "< 1e-6"


def not_before(promote_from: float) -> str:
    """Why nothing is promoted before a trace's last step, of which that is the beginning."""
    if math.isinf(promote_from):
        return "Nothing is promoted: the last step did not begin."
    return f"Nothing is promoted before {promote_from:g} s, where the last step begins."


def gap_words(gap: Gap) -> str:
    """What is missing, for people."""
    match gap:
        case Gap.ABSENT:
            return "no series of the pods it asks for"
        case Gap.EMPTY:
            return "no request counted on the canary since the last look"
        case Gap.STALE:
            return "no sample within the last two scrapes"
        case Gap.NAN:
            return "a value that is not a number"
        case Gap.EXCESS:
            return "more good or bad events than events"
        case Gap.UNREACHABLE:
            return "the metrics server gave no usable answer"
        case _:
            assert_never(gap)


def compared(metric: Metric, evidence: Evidence) -> str:
    """`24 of 6,000 canary requests failed (0.40%) against 64 of 54,000 on stable at the same moments (0.12%)`."""
    canary, stable = evidence.canary, evidence.stable
    if not canary.total:
        return "no canary request counted yet"
    first = f"{canary.bad:,} of {canary.total:,} canary requests {metric.bad_words} ({percent(canary.rate)})"
    if not metric.against:
        return first
    if not stable.total:
        return f"{first}, with no request on {metric.against} at the same moments to compare"
    there = f"on {metric.against} at the same moments ({percent(stable.rate)})"
    return f"{first} against {stable.bad:,} of {stable.total:,} {there}"


def sentence(
    standing: CaseStanding,
    metrics: Mapping[str, Metric],
    rules: Rules,
    *,
    worse: float,
    gaps: Mapping[str, Gap],
    waits: str = "",
) -> str:
    """The sentence of one look. `waits`: what is missing besides evidence."""
    match standing.decision:
        case Decision.ROLL_BACK:
            return rolled_back(standing, metrics, rules)
        case Decision.PROMOTE:
            return promoted(standing, metrics, rules, worse)
        case Decision.GO_ON:
            return going_on(standing, metrics, rules, worse, waits)
        case Decision.UNKNOWN:
            return unknown(standing, metrics, gaps)
        case _:
            assert_never(standing.decision)


def rolled_back(standing: CaseStanding, metrics: Mapping[str, Metric], rules: Rules) -> str:
    """What was seen, how rarely a fine canary looks like this, and how much worse it is."""
    blamed = _of(standing, standing.blame)
    metric = metrics[standing.blame]
    burns = not blamed.stable.total or standing.log_e_burn > blamed.log_e_roll_back
    if standing.bound and standing.bound != metric.bound and not burns:
        metric, blamed = _at_bound(metric, blamed, standing.bound)
    head = f"{_label(metric, metrics)}{compared(metric, blamed)}"
    margin = percent(rules.tolerate - 1)
    worse = f"at most {margin} worse" if rules.tolerate > 1 else "no worse"
    fine = f"a canary {worse} than {metric.against}"
    if burns:
        fine = f"a canary within {rules.burn:g} times the {_allowed(metric)} its objective allows"
    rare = f"{fine} would look this bad in fewer than {one_in(standing.log_e_roll_back)} rollouts"
    tail = f" (limit: 1 in {1 / rules.alpha:.0f})"
    if blamed.ratio and blamed.ratio[0] > 1:
        low, high = blamed.ratio
        tail += f", and the canary is {times(low)} to {times(high)} times worse (95%, valid at any look)"
    return f"Rolled back: {head}; {rare}{tail}."


def promoted(standing: CaseStanding, metrics: Mapping[str, Metric], rules: Rules, worse: float) -> str:
    """How sure, of what, and on how much traffic."""
    sure = percent(1 - rules.beta)
    least = min(standing.evidence, key=lambda one: one.log_e_promote)
    return (
        f"Good enough: with {sure} confidence the canary is {_claim(metrics.values(), worse)}; "
        f"{_label(metrics[least.metric], metrics)}{compared(metrics[least.metric], least)}."
    )


def _claim(metrics: Iterable[Metric], worse: float) -> str:
    kinds = tuple(metrics)
    parts = [f"less than {worse:g}x as bad as {metric.against}" for metric in kinds[:1] if metric.against]
    parts += ["inside the objective"] if any(metric.objective is not None for metric in kinds) else []
    return " or ".join(parts)


def going_on(standing: CaseStanding, metrics: Mapping[str, Metric], rules: Rules, worse: float, waits: str) -> str:
    """What was seen so far, and what it is not yet enough for."""
    if not standing.evidence:
        return waits
    weakest = min(standing.evidence, key=lambda one: one.log_e_promote)
    metric = metrics[weakest.metric]
    seen = f"{_label(metric, metrics)}{compared(metric, weakest)}."
    if weakest.log_e_promote >= rules.promote_at:
        return f"{seen} {waits}".strip()
    goal = f"less than {worse:g}x worse" if metric.against else "inside its objective"
    missing = f"Not yet sure that it is {goal} ({_shown(weakest.log_e_promote)} of {1 / rules.beta:.0f})."
    return " ".join(filter(None, (seen, missing, waits)))


def unknown(standing: CaseStanding, metrics: Mapping[str, Metric], gaps: Mapping[str, Gap]) -> str:
    """What could not be read, and what was known before."""
    told = sorted(set(gaps.values()))
    parts = [f"{_names(name for name in gaps if gaps[name] is gap)}: {gap_words(gap)}" for gap in told]
    head = f"Can't tell: {'; '.join(parts)}."
    seen = [one for one in standing.evidence if one.canary.total]
    if not seen:
        return head
    weakest = min(seen, key=lambda one: one.log_e_promote)
    metric = metrics[weakest.metric]
    return f"{head} Until then {_label(metric, metrics)}{compared(metric, weakest)}."


def _label(metric: Metric, metrics: Mapping[str, Metric]) -> str:
    return f"{metric.name}: " if len(metrics) > 1 else ""


def _names(names: Iterable[str]) -> str:
    return ", ".join(names)


def _of(standing: CaseStanding, name: str) -> Evidence:
    return next(one for one in standing.evidence if one.metric == name)


def _at_bound(metric: Metric, evidence: Evidence, bound: str) -> tuple[Metric, Evidence]:
    """A histogram as it stands at another bound than its objective's; nothing changes where it was not always counted.

    The ratio is left out: it is the objective's bound's.
    """
    canary, stable = evidence.canary, evidence.stable
    if bound not in canary.above or bound not in stable.above:
        return metric, evidence
    return (
        replace(metric, bad_words=f"took over {bound} s"),
        replace(
            evidence,
            canary=Counts(bad=canary.above[bound], total=canary.total),
            stable=Counts(bad=stable.above[bound], total=stable.total),
            ratio=None,
        ),
    )


def _allowed(metric: Metric) -> str:
    return percent(rest(metric.objective or 0.0))


def _shown(log_e: float) -> str:
    return f"{math.exp(min(log_e, 30)):.2g}"

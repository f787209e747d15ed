"""Explain: one verdict in full, as text of 80 columns and as JSON."""

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from davy.checks.judges.sequential.sentences import percent, times
from davy.checks.traces.explanation import BurnBound, Explained, Explanation, Shortfall, explained
from davy.checks.traces.reader import TraceReader
from davy.checks.traces.trace import Trace
from davy.pipeline.core.text.sanitize import one_line
from davy.pipeline.core.text.shares import percent_of
from davy.pipeline.core.verdict import Counts
from davy.workflows.judge.trace_file import name_of, opened
from davy.workflows.render.bars import factor
from davy.workflows.render.text.columns import VERDICTS, side
from davy.workflows.story.options import TargetOptions, part

VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainOptions:
    """What the command line of `davy judge explain` says."""

    trace: str | None
    at: float | None
    target: TargetOptions = field(metadata=part(TargetOptions))
    output: str


WIDTH = 80
LABEL = 12


def from_file(path: str, at: float | None) -> Explanation:
    """Of a trace's verdict. Raises Unusable with every malformed line, also those behind it."""
    with opened(path) as lines:
        reading = TraceReader(lines, name_of(path))
        windows = reading.windows()
        found = explained(reading.header or Trace(metrics=()), windows, at) if not reading.problems else None
        for _ in windows:
            continue
        trace = reading.checked()
    return found or explained(trace, ())


def document(explanation: Explanation) -> dict[str, Any]:
    """`{"davy_explain": 1, …}`; evidence is in natural logs, rates and shares are 0 to 1."""
    finding, standing, rules = explanation.finding, explanation.standing, explanation.rules
    return {
        "davy_explain": VERSION,
        "verdict": finding.verdict.value,
        "at": finding.at,
        "t": explanation.t,
        "windows": finding.windows,
        "roll_back": {
            "log_e": standing.log_e_roll_back,
            "limit": rules.roll_back_at,
            "alpha": rules.alpha,
            "tolerate": rules.tolerate,
            "blame": standing.blame or None,
        },
        "burn": {"log_e": standing.log_e_burn, "limit": rules.burn, "weight": rules.burn_weight},
        "promote": {"limit": rules.promote_at, "beta": rules.beta, "worse": explanation.worse},
        "metrics": {one.metric.name: _metric(one) for one in explanation.metrics},
        "sentence": finding.sentence,
    }


def _metric(one: Explained) -> dict[str, Any]:
    evidence, burn = one.evidence, one.burn
    return {
        "objective": None if one.metric.objective is None else percent_of(one.metric.objective),
        "canary": _counts(evidence.canary),
        "stable": _counts(evidence.stable),
        "share": {"least": one.shares.least, "mean": one.shares.mean, "most": one.shares.most} if one.shares else None,
        "log_e": evidence.log_e_roll_back,
        "bounds": {
            at.bound: {"canary": at.canary, "stable": at.stable, "log_e": at.log_e} for at in one.bounds
        },
        "burn": {
            "log_e": burn.log_e, "limit": burn.limit, "speed": burn.speed, "rate": burn.rate, "weight": burn.weight,
        } if burn else None,
        "promote": {
            "log_e": evidence.log_e_promote, "relative": one.log_e_relative, "absolute": one.log_e_absolute,
        },
        "ratio": list(evidence.ratio) if evidence.ratio else None,
        "dispersion": {"value": evidence.dispersion, "from": one.origin},
        "weight": one.weight,
        "log_part": one.log_part,
        "blame": evidence.share,
        "missing": {
            "clean": one.missing.clean, "alike": one.missing.alike, "bad": one.missing.bad,
            "held": one.missing.held or None,
        },
    }  # fmt: skip


def _counts(counts: Counts) -> dict[str, Any]:
    return {"total": counts.total, "bad": counts.bad, "rate": counts.rate if counts.total else None}


def text(explanation: Explanation) -> str:
    """The verdict, the limits, then each metric; no line is over 80 columns."""
    finding = explanation.finding
    at = f" at {finding.at:g} s" if finding.at is not None else ""
    count = f"{finding.windows:,} window{'s' * (finding.windows != 1)}"
    moment = f"; these are the figures at {explanation.t:g} s" if explanation.t not in (None, finding.at) else ""
    lines = [f"{VERDICTS[finding.verdict]}{at}, {count} read{moment}"]
    lines += textwrap.wrap(one_line(finding.sentence), WIDTH)
    lines += ["", *_limits(explanation)]
    for one in explanation.metrics:
        lines += ["", *_told(one, explanation)]
    return "\n".join(lines)


def _limits(explanation: Explanation) -> Iterator[str]:
    standing, rules = explanation.standing, explanation.rules
    against = f"{factor(standing.log_e_roll_back)} of {factor(rules.roll_back_at)}"
    also = ""
    if rules.bad_at_least or rules.windows_at_least:
        also = f", of {rules.bad_at_least} bad requests in {rules.windows_at_least} windows at least"
    yield from _row("roll back", f"evidence {against} (1/alpha, alpha {rules.alpha:g}){also}")
    yield from _row("promote", f"each metric needs {factor(rules.promote_at)} (1/beta, beta {rules.beta:g})")


def _told(one: Explained, explanation: Explanation) -> Iterator[str]:
    evidence, metric = one.evidence, one.metric
    objective = f", objective {percent_of(metric.objective):.15g}%" if metric.objective is not None else ""
    blamed = ", to blame" if metric.name == explanation.standing.blame else ""
    yield from textwrap.wrap(f"{one_line(metric.name)}{objective}{blamed}", WIDTH)
    against = metric.against or "stable"
    yield from _row("counts", f"canary {side(evidence.canary)}, {against} {_others(one)}")
    yield from _row("share", _shares(one))
    more = f"more than {explanation.rules.tolerate:g}x {against}"
    yield from _row("worse?", f"{factor(evidence.log_e_roll_back)}, {more}")
    for at in one.bounds:
        total, others = evidence.canary.total, evidence.stable.total
        over = f"canary {_rate(at.canary, total)}, {against} {_rate(at.stable, others)}"
        yield from _row("", f"{factor(at.log_e)} over {at.bound} s: {over}")
    if one.burn is not None:
        yield from _row("burn?", _burn(one.burn, seen=evidence.canary.total > 0))
    yield from _row("fine?", _fine(one, explanation))
    if evidence.ratio:
        low, high = evidence.ratio
        yield from _row("ratio", f"{times(low)} to {times(high)} times the rate of {against} (95%, valid at any look)")
    else:
        yield from _row("ratio", "nothing is known of it")
    yield from _row("tempered", f"by dispersion {evidence.dispersion:.3g}, from {one_line(one.origin)}")
    yield from _row("weight", _weight(one))
    yield from _row("missing", _promotion(one))
    yield from _row("", _rolling_back(one.missing))


def _row(label: str, words: str) -> list[str]:
    first = f"  {label:<{LABEL - 2}}"
    return textwrap.wrap(words, WIDTH, initial_indent=first, subsequent_indent=" " * LABEL)


def _rate(above: int, total: int) -> str:
    return percent(above / total) if total else "no data"


def _shares(one: Explained) -> str:
    shares = one.shares
    if shares is None:
        return "the two sides never served in the same window: nothing relative is known"
    spread = f"{percent(shares.least)} to {percent(shares.most)} by window"
    return f"{percent(shares.mean)} of the requests went to the canary ({spread})"


def _others(one: Explained) -> str:
    """The side that the canary is compared with: only what it counted while the canary served, too."""
    stable = one.evidence.stable
    return side(stable) if stable.total or not one.evidence.canary.total else "no request at the same moments"


def _burn(burn: BurnBound, *, seen: bool) -> str:
    if burn.rate >= 1:
        return f"the limit, {burn.limit:g} times what the objective allows, is above any rate: no evidence possible"
    observed = f"observed {times(burn.speed)}x" if seen else "no request was observed"
    limit = f"({observed}; the limit is {percent(burn.rate)} bad)"
    return f"{factor(burn.log_e)}, its budget burns faster than {burn.limit:g}x {limit}"


def _fine(one: Explained, explanation: Explanation) -> str:
    limit, mean = factor(explanation.rules.promote_at), factor(one.evidence.log_e_promote)
    against = one.metric.against or "stable"
    relative = f"{factor(one.log_e_relative)} that it is less than {explanation.worse:g}x {against}"
    if one.log_e_absolute is None:
        return f"{mean} of {limit}: {relative}"
    return (
        f"{mean} of {limit}: the mean of {relative}, and {factor(one.log_e_absolute)} that it is inside the objective"
    )


def _weight(one: Explained) -> str:
    terms = f"{one.weight:.3g} x {factor(one.evidence.log_e_roll_back)}"
    if one.burn is not None and one.burn.weight:
        terms += f" + burn {one.burn.weight:.3g} x {factor(one.burn.log_e)}"
    return f"{terms} = {factor(one.log_part)}: {percent(one.evidence.share)} of the evidence against the canary"


def _promotion(one: Explained) -> str:
    missing = one.missing
    if missing.clean == 0:
        return f"to promote: no more evidence is needed. {missing.held}" if missing.held else "to promote: nothing"
    clean = f"about {missing.clean:,} canary requests without a bad one" if missing.clean else "no number of requests"
    alike = f"; {missing.alike:,} bad as often as {one.metric.against or 'stable'}'s" if missing.alike else ""
    return f"to promote: {clean}{' at this share' if one.shares else ''}{alike}"


def _rolling_back(missing: Shortfall) -> str:
    if missing.bad == 0:
        return "to roll back: nothing"
    return f"to roll back: {missing.bad:,} bad canary requests on end" if missing.bad else "to roll back: cannot be"

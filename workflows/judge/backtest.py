"""Backtest: what a policy would have done on the service's own past, as text of 80 columns and as JSON."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TextIO

from davy.checks.backtest.results import LISTED, BacktestRow, Disagreement, disagreed, explained, rows
from davy.checks.backtest.routing_bias import Bias, bias
from davy.checks.backtest.trial import HEALTHY
from davy.checks.forecast.ladder import PlannedMetric
from davy.checks.forecast.power import burns
from davy.pipeline.config.document import Config
from davy.pipeline.core.errors import DavyError
from davy.pipeline.core.text.sanitize import one_line
from davy.pipeline.core.text.time_text import shown
from davy.workflows.judge import backtest_inputs, rejudge
from davy.workflows.judge.backtest_inputs import PastOptions, Tried
from davy.workflows.judge.rejudge import LastRollout
from davy.workflows.wiring.reach import Reach

VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Backtest:
    """What is told."""

    service: str
    source: str
    seed: int
    tried: Tried
    rows: tuple[BacktestRow, ...]
    biases: dict[str, Bias | None]
    disagreements: int
    listed: tuple[Disagreement, ...]
    last: LastRollout | None
    notes: tuple[str, ...]

    @property
    def healthy(self) -> tuple[BacktestRow, ...]:
        """Where nothing was wrong."""
        return tuple(row for row in self.rows if row.ratio == HEALTHY)

    @property
    def faulty(self) -> dict[float, tuple[BacktestRow, ...]]:
        """By how many times worse it was made."""
        return {fault.ratio: tuple(r for r in self.rows if r.ratio == fault.ratio) for fault in self.tried.faults}

    @property
    def span(self) -> timedelta:
        """Of the past."""
        counts = self.tried.trial.counts
        return timedelta(seconds=(counts.end - counts.first) * counts.length)

    def moment(self, window: int) -> datetime:
        """When a window begins."""
        counts = self.tried.trial.counts
        return datetime.fromtimestamp(counts.start + window * counts.length, tz=UTC)


def backtest(options: PastOptions, talk: TextIO) -> Backtest:
    """Read the past, try the policy. Raises Unusable, Unreachable, Forbidden."""
    config = backtest_inputs.config_of(options)
    held = backtest_inputs.past(options, config, talk)
    tried = backtest_inputs.tried(options, config, held, talk)
    last, why = (None, "") if options.source else _last(config, options.cluster.reach)
    counts = tried.trial.counts
    others = disagreed(tried.runs)
    return Backtest(
        service=config.service,
        source=f"from {options.source}" if options.source else "read from Prometheus",
        seed=options.seed,
        tried=tried,
        rows=rows(tried.runs, tried.trial.policy.windows),
        biases={name: bias(counts.whole(name), one.value) for name, one in tried.dispersions.items()},
        disagreements=len(others),
        listed=tuple(explained(tried.trial, run) for run in others[:LISTED]),
        last=last,
        notes=tuple(filter(None, (*tried.notes, why))),
    )


def _last(config: Config, reach: Reach) -> tuple[LastRollout | None, str]:
    """A backtest needs no cluster: where it does not answer, that is told."""
    try:
        return rejudge.last_rollout(config, reach), ""
    except DavyError as error:
        return None, f"the last rollout was not judged again: {one_line(str(error))}"


def sentence(made: Backtest) -> str:
    """What it means for who releases."""
    own, alpha = made.healthy[0], made.tried.trial.policy.rules.alpha
    low, high = own.interval
    said = (
        f"On {_days(made.span)} of your own past the sequential judge would have rolled back {own.rolled_back} of "
        f"{own.runs} healthy canaries (at most {percent(high)}, counting the {own.apart} that do not overlap); "
        f"it promises at most {percent(alpha)}."
    )
    if low > alpha:
        said += f" That is more than it promises: {_because(made)}"
    found = [row for rows in made.faulty.values() for row in rows if row.judge == own.judge]
    if found:
        most = max(found, key=lambda row: row.ratio)
        within = f", half of them within {span(most.seconds)}" if math.isfinite(most.seconds) else ""
        said += (
            f" With {most.ratio:g} times as many bad events it would have rolled back "
            f"{part(most.rolled_back, most.runs)}{within}, after {most.extra:.1f} extra bad answers in the mean."
        )
    return said


def _because(made: Backtest) -> str:
    policy, counts = made.tried.trial.policy, made.tried.trial.counts
    for metric in policy.metrics:
        every = counts.whole(metric.name).values()
        total = sum(one.total for one in every)
        base = sum(one.bad for one in every) / total if total else 0.0
        speed = burns(PlannedMetric(name=metric.name, base=base, objective=metric.objective), policy.rules)
        if speed is not None:
            return (
                f"the service itself burned the error budget of {one_line(metric.name)} at {speed:.3g}x, above "
                f"{policy.rules.burn:g}x, so that the burn guard takes every canary back."
            )
    if any(bias is not None and bias.is_seen for bias in made.biases.values()):
        return "the pods are not alike. Look at their routing and dispersion below."
    return "the pods look alike, so look at what the service did in the runs below."


def _days(past: timedelta) -> str:
    days = past / timedelta(days=1)
    return f"{days:.3g} days" if days >= 1.95 else shown(past)


def percent(share: float) -> str:
    """`3.8%`."""
    return f"{100 * share:.3g}%"


def part(count: int, of: int) -> str:
    """`98%`; a dash of nothing."""
    return f"{100 * count / of:.3g}%" if of else "-"


def span(seconds: float) -> str:
    """`4m30s`; a dash for never."""
    return shown(timedelta(seconds=seconds)) if math.isfinite(seconds) else "-"


def document(made: Backtest) -> dict[str, Any]:
    """`{"davy_judge_backtest": 1, …}`; shares 0 to 1, times in seconds."""
    tried, counts = made.tried, made.tried.trial.counts
    return {
        "davy_judge_backtest": VERSION,
        "service": made.service,
        "source": made.source,
        "seed": made.seed,
        "start": made.moment(counts.first).isoformat(),
        "seconds": made.span.total_seconds(),
        "window": counts.length,
        "pods": tried.pods,
        "steps": [
            {"share": share, "seconds": length * counts.length} for share, length in tried.trial.policy.steps
        ],
        "starts": made.healthy[0].runs,
        "apart": made.healthy[0].apart,
        "left_out": [{"start": made.moment(one.start).isoformat(), "why": one.why} for one in tried.skipped],
        "alpha": tried.trial.policy.rules.alpha,
        "injected": [{"metric": one.metric, "ratio": one.ratio, "base": one.base} for one in tried.faults],
        "rows": [_row(row) for row in made.rows],
        "metrics": {
            name: {
                "dispersion": {"value": one.value, "measured": one.is_measured, "said": one.said},
                "routing": _bias(made.biases[name]),
            }
            for name, one in tried.dispersions.items()
        },
        "disagreements": {"count": made.disagreements, "listed": [_told(made, one) for one in made.listed]},
        "last_rollout": _last_document(made.last),
        "notes": list(made.notes),
        "sentence": sentence(made),
    }  # fmt: skip


def _row(row: BacktestRow) -> dict[str, Any]:
    return {
        "judge": row.judge,
        "ratio": row.ratio,
        "runs": row.runs,
        "rolled_back": row.rolled_back,
        "promoted": row.promoted,
        "undecided": row.undecided,
        "rolled_back_95": list(row.interval),
        "median_seconds": row.seconds if math.isfinite(row.seconds) else None,
        "mean_extra_bad": round(row.extra, 3),
    }


def _bias(found: Bias | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "pods": found.pods,
        "mean_log": found.mean,
        "spread_log": found.spread,
        "by_chance": found.by_chance,
        "seen": found.is_seen,
        "farthest": found.farthest,
        "ratio": found.ratio,
    }


def _told(made: Backtest, one: Disagreement) -> dict[str, Any]:
    return {
        "start": made.moment(one.start).isoformat(),
        "verdicts": {judge: verdict.value for judge, verdict in one.verdicts.items()},
        "sentences": one.sentences,
    }


def _last_document(last: LastRollout | None) -> dict[str, Any] | None:
    if last is None:
        return None
    return {
        "release": last.release,
        "started_at": last.started_at.isoformat(),
        "ended": last.ended,
        "verdicts": {judge: {"verdict": held[0].value, "sentence": held[1]} for judge, held in last.verdicts.items()},
        "disagree": list(last.others),
    }

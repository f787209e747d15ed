"""Backtest text: what a policy would have done on the past, for people; in 80 columns, drawn, and as a page."""

import math
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

from davy.checks.backtest.routing_bias import Bias
from davy.checks.backtest.trial import JUDGES
from davy.pipeline.core.text.sanitize import harmless, one_line
from davy.pipeline.core.text.time_text import shown
from davy.workflows.judge.backtest import Backtest, part, percent, sentence, span
from davy.workflows.judge.rejudge import LastRollout
from davy.workflows.judge.trace_file import write
from davy.workflows.render.text.columns import VERDICTS
from davy.workflows.render.text.width import width_of
from davy.workflows.story.options import ViewOptions

WIDTH = 80
ABREAST = 3
"""Regressions in one table."""


def text(made: Backtest) -> str:
    """Everything, in 80 columns."""
    blocks = [
        *_wrapped(sentence(made)),
        "",
        *_head(made),
        "",
        *_healthy(made),
        *_faults(made),
        *_let_through(made),
        "",
        *_pods(made),
        *_disagreements(made),
        *_last_words(made.last),
    ]
    return harmless("\n".join(blocks))


def _wrapped(words: str, first: str = "", rest: str = "") -> list[str]:
    return textwrap.wrap(one_line(words), WIDTH, initial_indent=first, subsequent_indent=rest)


def _head(made: Backtest) -> Iterator[str]:
    tried, counts = made.tried, made.tried.trial.counts
    yield from _wrapped(
        f"{made.service}: {shown(made.span)} {made.source}, windows of {span(counts.length)}, {tried.pods} pods"
    )
    steps = " > ".join(
        f"{100 * share:.3g}% {span(length * counts.length)}" for share, length in tried.trial.policy.steps
    )
    yield from _wrapped(f"Steps by the clock, without warm-up: {steps}")
    own = made.healthy[0]
    yield from _wrapped(
        f"{own.runs} starts, {shown(tried.every)} apart or more; {own.apart} do not overlap, and the intervals count "
        "only as many"
    )
    yield from _wrapped(
        "threshold is Argo Rollouts' counting at the objective, mannwhitney Kayenta's rule on points of a minute"
    )
    reasons = [one.why for one in tried.skipped]
    for why in dict.fromkeys(reasons):
        yield from _wrapped(f"note: {reasons.count(why)} starts were left out: {why}")
    for note in made.notes:
        yield from _wrapped(f"note: {note}")


def _healthy(made: Backtest) -> Iterator[str]:
    yield "Nothing wrong: pods of one version against each other"
    yield f"  {'judge':<13}{'rolled back (exact 95 % interval)':<36}{'promoted':>9}{'undecided':>11}{'median':>8}"
    for row in made.healthy:
        low, high = row.interval
        false = f"{part(row.rolled_back, row.runs):>7}  ({percent(low)} to {percent(high)})"
        parts = f"{part(row.promoted, row.runs):>9}{part(row.undecided, row.runs):>11}"
        yield f"  {row.judge:<13}{false:<36}{parts}{span(row.seconds):>8}"


def _faults(made: Backtest) -> Iterator[str]:
    faulty = list(made.faulty.items())
    for at in range(0, len(faulty), ABREAST):
        some = faulty[at : at + ABREAST]
        fault = made.tried.faults[0]
        yield ""
        yield from _wrapped(
            f"Bad events injected into {fault.metric} ({percent(fault.base)} bad by itself): found, median time, "
            "extra bad"
        )
        yield f"  {'judge':<13}" + "".join(f"{f'{ratio:g}x':>21}" for ratio, _ in some)
        for number, judge in enumerate(JUDGES):
            cells = (rows[number] for _, rows in some)
            yield f"  {judge:<13}" + "".join(
                f"{part(row.rolled_back, row.runs):>8}{span(row.seconds):>7}{row.extra:>6,.0f}" for row in cells
            )


def _let_through(made: Backtest) -> Iterator[str]:
    """The other error: promoted with the fault in it."""
    if not made.faulty:
        return
    let = [
        f"{row.judge} {part(row.promoted, row.runs)} of {ratio:g}x"
        for ratio, rows in made.faulty.items()
        for row in rows
        if row.promoted
    ]
    yield from _wrapped(f"Promoted all the same: {', '.join(let) or 'none'}", "  ", "    ")


def _pods(made: Backtest) -> Iterator[str]:
    yield "The pods"
    for name, dispersion in made.tried.dispersions.items():
        yield from _wrapped(f"{name}: {dispersion.said}", "  ", "    ")
        yield from _wrapped(f"{name}: {_routing(made.biases[name])}", "  ", "    ")


def _routing(found: Bias | None) -> str:
    if found is None:
        return "too few bad events by pod to tell whether some pods get other requests"
    seen = "more than chance: some pods get other requests, or are not alike" if found.is_seen else "as chance has it"
    return (
        f"pods' rates lie {_log(found.spread)} apart (chance alone {_log(found.by_chance)}; {seen}), mean log ratio "
        f"{found.mean:+.3f}; the farthest is {one_line(found.farthest)}, {found.ratio:.2f}x the others"
    )


def _log(spread: float) -> str:
    """A standard deviation of logs as percent."""
    return f"{100 * math.expm1(spread):.0f}%"


def _disagreements(made: Backtest) -> Iterator[str]:
    if not made.disagreements:
        return
    first = f", the first {len(made.listed)}" if made.disagreements > len(made.listed) else ""
    yield ""
    yield f"Healthy runs that the judges did not see alike: {made.disagreements}{first}"
    for one in made.listed:
        verdicts = ", ".join(f"{judge} {VERDICTS[verdict]}" for judge, verdict in one.verdicts.items())
        yield from _wrapped(f"{made.moment(one.start):%Y-%m-%d %H:%M}Z: {verdicts}", "  ", "    ")
        for judge, said in one.sentences.items():
            yield from _wrapped(f"{judge}: {said}", "    ", "      ")


def _last_words(last: LastRollout | None) -> Iterator[str]:
    if last is None:
        return
    yield ""
    ended = "promoted" if last.ended == "done" else last.ended.replace("_", " ")
    yield from _wrapped(f"The last rollout, {last.release} of {last.started_at:%Y-%m-%d %H:%M}Z, ended {ended}")
    for judge, (verdict, said) in last.verdicts.items():
        other = " (another end than it had)" if judge in last.others else ""
        yield from _wrapped(f"{judge}: {VERDICTS[verdict]}{other}. {said}", "  ", "    ")


def plotted(made: Backtest, *, no_color: bool) -> str:
    """False rollbacks and what was found, drawn as wide as the terminal."""
    from davy.workflows.render.plots.backtest_chart import drawn  # noqa: PLC0415

    width = width_of(sys.stdout)
    color = width is not None and ViewOptions(no_color=no_color).color
    unicode = (sys.stdout.encoding or "").lower().replace("-", "").startswith("utf")
    return drawn(made.rows, made.tried.trial.policy.rules.alpha, width or WIDTH, color=color, unicode=unicode)


def paged(out: Path, made: Backtest) -> None:
    """The whole as a page of its own. Raises Unusable where it cannot be written."""
    from davy.workflows.render.plots.backtest_chart import page  # noqa: PLC0415

    write(out, page(sentence(made), made.rows, made.tried.trial.policy.rules.alpha, text(made)))

"""Reader: asks the server for the error budgets of objectives, side by side, and folds its answers.

`increase()` on the server is right here, though the judge never uses it. This is information over all pods and many
days: pods come and go, a sum over them needs one number, and what is extrapolated at the ends of a range is small
against it. It is no evidence for or against a canary, which is counted from raw samples.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from davy.checks.budget.budget import Budget, Reading, Spent, burns_of, spans_of
from davy.checks.budget.queries import PIECES, BudgetQuestion
from davy.checks.ports import Metrics
from davy.pipeline.config.sections.objectives import SloConfig
from davy.pipeline.core.errors import Forbidden, Unreachable, Unusable
from davy.pipeline.core.text.shares import share_of
from davy.pipeline.core.verdict import Gap

MOST_AT_ONCE = 8
FINEST = timedelta(seconds=15)
"""What a scrape usually takes to come again: the data's first sample is not known better."""


def read(slos: Sequence[SloConfig], source: Callable[[], Metrics], now: datetime) -> tuple[Budget, ...]:
    """The budget of each, in their order; two to six queries an objective, a few objectives at once.

    `source` makes a client for each of them. A server that is away, or refuses the query, is the budget's gap and
    `why`. Raises Forbidden.
    """
    if not slos:
        return ()
    with ThreadPoolExecutor(max_workers=min(MOST_AT_ONCE, len(slos))) as pool:
        return tuple(pool.map(lambda slo: _asked(slo, source, now), slos))


def _asked(slo: SloConfig, source: Callable[[], Metrics], now: datetime) -> Budget:
    objective = share_of(slo.objective)
    try:
        return _budget(BudgetQuestion(slo=slo), source(), objective, now)
    except Forbidden:
        raise
    except (Unreachable, Unusable) as error:
        return Budget(
            name=slo.name, objective=objective, window=slo.window, at=now, spent=Gap.UNREACHABLE, why=error.what
        )


def _budget(question: BudgetQuestion, metrics: Metrics, objective: float, now: datetime) -> Budget:
    slo, spans = question.slo, spans_of(question.slo.window)
    # By itself: where the server has a limit, it is this one that goes over it.
    answered = metrics.query(question.promql([slo.window]), now).values
    whole = question.read(answered, [slo.window])[slo.window]
    had_good = isinstance(whole, Spent) and whole.bad < whole.total
    parts = metrics.query(question.promql(spans), now).values if spans else ()
    readings = question.read(parts, spans, had_good=had_good)
    return Budget(
        name=slo.name,
        objective=objective,
        window=slo.window,
        at=now,
        spent=whole,
        burns=burns_of(readings, objective, slo.window),
        since=None if whole is Gap.ABSENT else _since(question, metrics, slo.window, now),
        why=_why(question, answered, whole),
        unseen=str(slo.errors) if isinstance(whole, Spent) and whole.unseen else "",
    )


def _why(question: BudgetQuestion, answered: Iterable[tuple[Mapping[str, str], float]], whole: Reading) -> str:
    if whole is Gap.ABSENT:
        return question.nothing
    return question.excess(answered, question.slo.window) if whole is Gap.EXCESS else ""


def _since(question: BudgetQuestion, metrics: Metrics, window: timedelta, now: datetime) -> datetime | None:
    """Where the data begin, to a scrape; None where they reach back to the window's start, to two hundredths of it.

    The server looks at every hundredth of a span, and then at every hundredth of the piece in which the data begin.
    """
    start, end, span = now - window, now, window
    known: datetime | None = None
    while True:
        step = max(span / PIECES, FINEST)
        found = metrics.query(question.begun(span, step), end).values
        # What no look met lies between the last look and now.
        known = datetime.fromtimestamp(found[0][1], tz=now.tzinfo) if found else known
        if known is not None and known - start <= 2 * window / PIECES:
            return None
        if step <= FINEST:
            return known or end - step
        end, span = known or end, step

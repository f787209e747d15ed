"""Error budget: the error budgets, asked before any traffic moves, as a stage of the release."""

from collections.abc import Callable, Generator, Iterable

from davy.checks.budget.budget import Budget, refusals, remarks
from davy.pipeline.config.sections.objectives import GateConfig
from davy.pipeline.core.errors import DavyError, Unreachable
from davy.pipeline.core.events import Event, Result, Stage, StageFinished, StageStarted, Warned
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.ports import Clock
from davy.pipeline.core.text import nouns
from davy.pipeline.core.verdict import Gap


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A person's word that a release may go on whatever the budgets say."""

    by: str
    why: str


def asked(
    gate: GateConfig | None, read: Callable[[], tuple[Budget, ...]], clock: Clock, accepted: Accepted | None
) -> Generator[Event, None, str]:
    """Ask; the returned sentence says why no release may begin, and is empty where one may. Raises Unreachable."""
    if gate is None:
        return ""
    began = clock.now()

    def finished(result: Result, note: str) -> StageFinished:
        now = clock.now()
        return StageFinished(at=now, stage=Stage.BUDGET, result=result, took=now - began, note=note)

    yield StageStarted(at=began, stage=Stage.BUDGET)
    try:
        budgets = reached(read())
    except DavyError as error:
        yield finished(Result.FAILED, error.what)
        raise
    for remark in remarks(budgets, gate):
        yield Warned(at=clock.now(), what=remark)
    refused = "; ".join(refusals(budgets, gate))
    if not refused:
        yield finished(Result.PASSED, least(budgets))
        return ""
    if accepted is None:
        yield finished(Result.FAILED, refused)
        return refused
    yield Warned(at=clock.now(), what=f"{refused}; accepted by {accepted.by}: {accepted.why}")
    yield finished(Result.SKIPPED, f"accepted by {accepted.by}: {accepted.why}")
    return ""


def foreseen(gate: GateConfig | None, read: Callable[[], tuple[Budget, ...]]) -> tuple[str, ...]:
    """What the gate would say now, for a plan. Raises Unreachable."""
    if gate is None:
        return ()
    budgets = reached(read())
    return (*(f"the gate would say no: {why}" for why in refusals(budgets, gate)), *remarks(budgets, gate))


def reached(budgets: Iterable[Budget]) -> tuple[Budget, ...]:
    """The same, where the server answered. Raises Unreachable with what it said."""
    every = tuple(budgets)
    away = next((budget for budget in every if budget.gap is Gap.UNREACHABLE), None)
    if away is not None:
        raise Unreachable(
            f"The error budget of {away.name} could not be asked: {away.why}",
            remedy="See that checks.prometheus answers; a budget that is not known lets no release through.",
        )
    return every


def least(budgets: Iterable[Budget]) -> str:
    """The budget that is nearest to its end, for a line."""
    known = [(budget.left, budget.name) for budget in budgets if budget.left is not None]
    if not known:
        return ""
    left, name = min(known)
    return f"{nouns.counted(len(known), 'budget')}; {name} has the least left, {100 * left:.0f} %"

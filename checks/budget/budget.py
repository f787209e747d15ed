"""Budget: what an objective's window allowed, what is spent, and how fast it goes. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from fractions import Fraction

from davy.checks.budget.amounts import events, share, span_of, times_over
from davy.pipeline.config.sections.objectives import GateConfig
from davy.pipeline.core.text import time_text
from davy.pipeline.core.text.shares import rest, written
from davy.pipeline.core.verdict import Gap

ROUNDING = 1e-9
"""So much floating point may make of exactly what is asked, in percent or as a part of it."""
STEADY = 1.0
"""A burn rate that a budget lasts for ever at."""


class Level(StrEnum):
    """What a burn rate is worth to a person."""

    PAGE = "page"
    TICKET = "ticket"


@dataclass(frozen=True, slots=True, kw_only=True)
class BurnPair:
    """A long and a short window that must both burn at `burn` times the allowed rate or faster."""

    long: timedelta
    short: timedelta
    burn: float
    level: Level


PAIRS = (
    BurnPair(long=timedelta(hours=1), short=timedelta(minutes=5), burn=14.4, level=Level.PAGE),
    BurnPair(long=timedelta(hours=6), short=timedelta(minutes=30), burn=6.0, level=Level.PAGE),
    BurnPair(long=timedelta(days=1), short=timedelta(hours=2), burn=3.0, level=Level.TICKET),
    BurnPair(long=timedelta(days=3), short=timedelta(hours=6), burn=1.0, level=Level.TICKET),
)
"""2, 5, 10 and 10 % of a budget of 30 days. https://sre.google/workbook/alerting-on-slos/, table 5-8, and the pair of
1d and 2h that Sloth has beside it. The long window shows that it matters, the short one that it still goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """Events in one span, of all pods: what `increase()` estimates, so no whole numbers."""

    bad: float
    total: float
    unseen: bool = field(default=False, compare=False)
    """True where no series of bad events answered: that is none bad yet, or a selector that nothing matches."""

    def burn(self, objective: float) -> float:
        """How many times faster than allowed the budget goes; `objective` is a share of good events."""
        return float(self._burn(objective))

    def left(self, objective: float) -> float:
        """Share of the budget that is left; below 0 where more is spent than there was."""
        return float(1 - self._burn(objective))

    def _burn(self, objective: float) -> Fraction:
        # Exact: at the limit the budget is gone and not a rounding's breadth beside it.
        return Fraction(self.bad) / Fraction(self.total) / (1 - written(objective))


Reading = Spent | Gap


@dataclass(frozen=True, slots=True, kw_only=True)
class Burn:
    """One pair as it stands; a span that could not be read is its gap."""

    pair: BurnPair
    long: float | Gap
    short: float | Gap

    @property
    def gap(self) -> Gap | None:
        """Why it cannot be said; no traffic in a span burns nothing, and is none."""
        return next((side for side in (self.long, self.short) if isinstance(side, Gap)), None)

    @property
    def sides(self) -> tuple[tuple[timedelta, float | Gap], tuple[timedelta, float | Gap]]:
        """Each window with its rate."""
        return (self.pair.long, self.long), (self.pair.short, self.short)

    @property
    def burning(self) -> bool:
        """True where both windows are at the limit or above it."""
        return all(
            not isinstance(side, Gap) and side >= self.pair.burn * (1 - ROUNDING) for side in (self.long, self.short)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """An objective's budget over its window."""

    name: str
    objective: float
    """Share of good events, 0 to 1."""
    window: timedelta
    at: datetime
    spent: Reading
    burns: tuple[Burn, ...] = ()
    since: datetime | None = None
    """Where the data begin, if that is later than the window."""
    unseen: str = ""
    """The selector of bad events, where none of its series was there in the whole window."""
    why: str = ""
    """What the server said, where it gave no answer."""

    @property
    def gap(self) -> Gap | None:
        """Why the budget cannot be said, if it cannot."""
        return self.spent if isinstance(self.spent, Gap) else None

    @property
    def allowed(self) -> float:
        """Bad events that the window's traffic allows."""
        return 0.0 if isinstance(self.spent, Gap) else self.spent.total * rest(self.objective)

    @property
    def left(self) -> float | None:
        """Share of the budget that is left; below 0 where more is spent than there was."""
        return None if isinstance(self.spent, Gap) else self.spent.left(self.objective)

    @property
    def left_events(self) -> float | None:
        """Bad events that may still come."""
        return None if isinstance(self.spent, Gap) else self.allowed - self.spent.bad

    @property
    def covered(self) -> timedelta:
        """How much of the window there are data for."""
        return self.window if self.since is None else self.at - self.since

    @property
    def pace(self) -> float | None:
        """Burn rate of the shortest long window, an hour; None where it cannot be said."""
        first = self.burns[0].long if self.burns else Gap.ABSENT
        return None if isinstance(first, Gap) else first

    @property
    def out_in(self) -> timedelta | None:
        """When it is gone at the pace of the last hour, at the earliest: what leaves the window gives budget back.

        None where it is not: a pace of 1 or less lasts for ever.
        """
        left, pace = self.left, self.pace
        if left is None or pace is None or pace <= STEADY * (1 + ROUNDING):
            return None
        return max(timedelta(0), left * self.covered / pace)


def refusals(budgets: Iterable[Budget], gate: GateConfig) -> tuple[str, ...]:
    """Why no release may begin, a sentence an objective; a budget that cannot be told never passes."""
    return tuple(f"{budget.name} {why}" for budget in budgets if (why := _refusal(budget, gate)))


def remarks(budgets: Iterable[Budget], gate: GateConfig) -> tuple[str, ...]:
    """What a person should know of budgets that pass: data that begin late, and a burn that is allowed."""
    said = []
    for budget in budgets:
        if budget.since is not None:
            have = time_text.shown(budget.covered)
            said.append(f"the error budget of {budget.name} is told from {have} of data, not {span_of(budget.window)}")
        if budget.unseen:
            said.append(f"the error budget of {budget.name} is whole as {unseen(budget)}")
        burning = [burn for burn in budget.burns if burn.burning]
        if burning and (gate.burning == "allow" or burning[0].pair.level is Level.TICKET):
            said.append(f"{budget.name} burns its error budget {rates(burning[0])}")
    return tuple(said)


def _refusal(budget: Budget, gate: GateConfig) -> str:
    left = budget.left
    if left is None or isinstance(budget.spent, Gap):
        return f"cannot tell its error budget: {_unknown(budget)}"
    if left * 100 < gate.budget_left - ROUNDING:
        has = f"{left * 100:.3g} % of its error budget left" if left >= 0 else "no error budget left"
        return f"has {has}, and {gate.budget_left:g} % is asked"
    if gate.burning == "allow":
        return ""
    pages = [burn for burn in budget.burns if burn.pair.level is Level.PAGE]
    burning = next((burn for burn in pages if burn.burning), None)
    if burning is not None:
        return f"burns its error budget {rates(burn=burning)}, at {burning.pair.burn:g}x or above"
    unknown = next((burn.gap for burn in pages if burn.gap is not None), None)
    return f"cannot tell how fast its error budget burns: {UNKNOWN[unknown]}" if unknown is not None else ""


def sentence(budget: Budget) -> str:
    """What is left, how it was spent, and how long it lasts."""
    spent, left = budget.spent, budget.left
    if isinstance(spent, Gap) or left is None:
        return f"Cannot tell: {_unknown(budget)}."
    over = (
        span_of(budget.window) if budget.since is None else f"the {time_text.shown(budget.covered)} there are data of"
    )
    bad, allowed = events(spent.bad), events(budget.allowed)
    words = f"{bad} of {events(spent.total)} events were bad in {over}, and {allowed} may be: "
    if left >= 0:
        words += f"{share(left)} of the budget is left."
    else:
        words += f"the budget is spent {times_over(spent.bad / budget.allowed)} times over."
    if budget.since is not None:
        words += f" The window is {span_of(budget.window)}; data begin at {budget.since:%Y-%m-%d %H:%M} UTC."
    if budget.unseen:
        words += f" But {unseen(budget)}."
    return f"{words} {_pace(budget)}".strip()


def unseen(budget: Budget) -> str:
    """What a counter that may be misspelled looks like."""
    return (
        f"no series of {budget.unseen} was there at any time in the window (what a single scrape saw does not count): "
        "nothing has failed yet, or the selector is wrong"
    )


def _pace(budget: Budget) -> str:
    unread = [(span, side) for burn in budget.burns for span, side in burn.sides if isinstance(side, Gap)]
    if budget.pace is None or unread:
        span, gap = min(unread, default=(None, Gap.ABSENT), key=lambda one: one[0])
        head = "No data of" if gap is Gap.ABSENT else "Cannot tell"
        return f"{head} the last {span_of(span)}: {UNKNOWN[gap]}." if span is not None else ""
    pace = f"The last hour burned at {budget.pace:.3g}x"
    if budget.out_in is None and budget.left is not None and budget.left >= 0:
        return f"{pace}, which it can bear for ever."
    if not budget.out_in:
        return f"{pace}."
    return f"{pace}; like this it is gone in {time_text.shown(budget.out_in)} at the earliest."


UNKNOWN = {
    Gap.ABSENT: "there is no such series",
    Gap.EMPTY: "nothing was counted in its window",
    Gap.STALE: "its series are no longer scraped",
    Gap.NAN: "a counter is not a number",
    Gap.EXCESS: "more good or bad events were counted than events",
    Gap.UNREACHABLE: "Prometheus gave no answer",
}


def _unknown(budget: Budget) -> str:
    return budget.why.rstrip(".") or UNKNOWN[budget.gap or Gap.ABSENT]


def rates(burn: Burn) -> str:
    """`15x over 1h and 16x over 5m`."""
    return " and ".join(f"{rate:.3g}x over {span_of(span)}" for span, rate in burn.sides if not isinstance(rate, Gap))


def spans_of(window: timedelta) -> tuple[timedelta, ...]:
    """The windows of the pairs, as far as they lie within the objective's, shortest first."""
    return tuple(sorted({span for pair in pairs_of(window) for span in (pair.long, pair.short)}))


def pairs_of(window: timedelta) -> tuple[BurnPair, ...]:
    """The pairs that say something about a budget of this window."""
    return tuple(pair for pair in PAIRS if pair.long <= window)


def burns_of(readings: Mapping[timedelta, Reading], objective: float, window: timedelta) -> tuple[Burn, ...]:
    """Every pair as it stands."""

    def rate(span: timedelta) -> float | Gap:
        reading = readings.get(span, Gap.ABSENT)
        if isinstance(reading, Gap):
            return 0.0 if reading is Gap.EMPTY else reading
        return reading.burn(objective)

    return tuple(Burn(pair=pair, long=rate(pair.long), short=rate(pair.short)) for pair in pairs_of(window))

"""Queries: the PromQL that asks for an objective's events over several spans at once, and what its answer says."""

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

from davy.checks.budget.amounts import events
from davy.checks.budget.budget import Reading, Spent
from davy.checks.samples.selectors import bound_matcher, selector
from davy.pipeline.config.sections.objectives import SloConfig
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.verdict import Gap

MARK = "davy_asks"
"""The label by which the parts of one answer are told apart."""
BEYOND = 1.1
"""So many times all events may the good or the bad ones be, and one more: `increase()` extrapolates each for itself."""
PIECES = 100
"""Into how many steps a span is cut to find where its data begin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetQuestion:
    """An objective as the server is asked about it."""

    slo: SloConfig

    @property
    def nothing(self) -> str:
        """What it means where no series answers."""
        if self.slo.histogram is not None and self.slo.under is not None:
            bound = self.slo.under.total_seconds()
            return f"there is no series of {self.slo.histogram}, or none with the bucket bound {bound:g}"
        if self.slo.good is not None:
            return f"there is no series of {self.slo.total}, or none of the good ones, {self.slo.good}"
        return f"there is no series of {self.slo.total}"

    @property
    def total(self) -> str:
        """What selects every event, for a look at when it began."""
        if self.slo.histogram is None:
            return str(selector(self.slo.total or ""))
        meant = selector(self.slo.histogram)
        return str(meant.joined('le=~"[+]?Inf"') if meant.name.endswith("_bucket") else meant)

    def promql(self, spans: Sequence[timedelta]) -> str:
        """One query for the events of every span."""
        return " or ".join(
            f'label_replace({expression}, "{MARK}", "{what}:{_seconds(span)}", "", "")'
            for span in spans
            for what, expression in self._parts(span).items()
        )

    def read(
        self, answered: Iterable[tuple[Mapping[str, str], float]], spans: Iterable[timedelta], *, had_good: bool = False
    ) -> dict[timedelta, Reading]:
        """The events of every span out of the answer. `had_good`: good events were counted over a longer span."""
        values = {labels.get(MARK, ""): value for labels, value in answered}
        return {span: self._reading(values, _seconds(span), had_good=had_good) for span in spans}

    def _reading(self, values: Mapping[str, float], seconds: int, *, had_good: bool) -> Reading:
        total = values.get(f"total:{seconds}")
        by_good = self.slo.errors is None
        part = values.get(f"{'good' if by_good else 'bad'}:{seconds}")
        if total is None:
            return Gap.ABSENT
        if not math.isfinite(total) or (part is not None and not math.isfinite(part) and total > 0):
            return Gap.NAN
        if total <= 0:
            return Gap.EMPTY
        if by_good and part is None and not had_good:
            return Gap.ABSENT
        if part is not None and part > BEYOND * total + 1:
            return Gap.EXCESS
        # No error series is no error yet. No good one, where there were some, is nothing good any more.
        bad = total - (part or 0.0) if by_good else part or 0.0
        return Spent(bad=min(max(bad, 0.0), total), total=total, unseen=not by_good and part is None)

    def excess(self, answered: Iterable[tuple[Mapping[str, str], float]], span: timedelta) -> str:
        """What it means where the part is more than the whole."""
        values = {labels.get(MARK, ""): value for labels, value in answered}
        kind = "bad" if self.slo.errors is not None else "good"
        part, total = values[f"{kind}:{_seconds(span)}"], values[f"total:{_seconds(span)}"]
        whose = f"{self.slo.errors or self.slo.good or self.slo.histogram} counts others than {self.total}"
        return f"{events(part)} {kind} events of {events(total)}: {whose}"

    def begun(self, span: timedelta, step: timedelta) -> str:
        """A query for the oldest moment within the span, to a step, that has samples."""
        return f"min(min_over_time(timestamp({self.total})[{_seconds(span)}s:{_seconds(step)}s]))"

    def _parts(self, span: timedelta) -> dict[str, str]:
        def grown(text: str) -> str:
            return f"sum(increase({text}[{_seconds(span)}s]))"

        slo = self.slo
        if slo.histogram is None or slo.under is None:
            part = {"bad": grown(str(slo.errors))} if slo.errors is not None else {"good": grown(str(slo.good))}
            return {"total": grown(self.total), **part}
        meant = selector(slo.histogram)
        if meant.name.endswith("_bucket"):
            good = meant.joined(bound_matcher(slo.under)).joined('le!~"[+]?Inf"')
            return {"total": grown(self.total), "good": grown(str(good))}
        whole = f"histogram_count({grown(self.total)})"
        within = f"histogram_fraction(0, {slo.under.total_seconds():g}, {grown(self.total)})"
        return {"total": whole, "good": f"{within} * {whole}"}


def _seconds(span: timedelta) -> int:
    return math.ceil(span.total_seconds())

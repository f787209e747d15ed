"""Judge looks: the judge is asked beside the ticks, one look at a time; one that never comes back is no answer."""

from dataclasses import replace
from datetime import datetime, timedelta

from davy.canary.engine.patience import words_of
from davy.canary.ports.background import Aside, Work
from davy.canary.ports.judge import Judge
from davy.pipeline.core.text.time_text import shown
from davy.pipeline.core.verdict import Decision, Gap, Verdict
from davy.pipeline.core.workload import Sides

AT_ONCE = 0.3
"""Seconds: most looks are back by then, and are acted on in the tick that asked for them."""
LONGEST = timedelta(seconds=30)
"""After so long what was known before says nothing any more. A look that comes back later still counts."""


class Looks:
    """The newest verdict, and the look that is under way."""

    def __init__(self, judge: Judge, aside: Aside) -> None:
        self._judge, self._aside = judge, aside
        self._work: Work[Verdict] | None = None
        self._began: datetime | None = None
        self._broken = ""
        self.verdict: Verdict | None = None
        """None before the first look."""

    @property
    def is_open(self) -> bool:
        """True while a look is under way."""
        return self._work is not None

    def is_awaited(self, now: datetime) -> bool:
        """True while the look that is under way was not given up."""
        return self._work is not None and self._began is not None and now - self._began < LONGEST

    def is_back(self, within: float) -> bool:
        """Wait so many seconds at most for the one that is under way."""
        return self._work is not None and self._work.done(within)

    def begin(self, sides: Sides, now: datetime, at: datetime, worse: float) -> None:
        """Ask, once an interval at most. `at`: now by the cluster's clock, which the pods' times are by."""
        early = self._began is not None and now - self._began < self._judge.interval
        if self._work is not None or early:
            return
        self._began = now
        self._work = self._aside.begin(lambda: self._judge.look(sides, at, worse))

    def taken(self, now: datetime) -> tuple[Verdict | None, str]:
        """What is new: a verdict, and what a person should know of the looking itself."""
        if self._work is None or self._began is None:
            return None, ""
        began, note = self._began, ""
        if self._work.done(AT_ONCE if now == began else 0.0):
            work, self._work = self._work, None
            try:
                # By this runner's own clock: it is held against the time at which the step was reached.
                self.verdict, self._broken = replace(work.result(), at=began), ""
            except Exception as error:  # noqa: BLE001 - a judge that breaks knows nothing
                what = words_of(error)
                self.verdict = self._unknown(began, f"The look broke: {what}.")
                note, self._broken = ("" if what == self._broken else f"the look broke: {what}"), what
            return self.verdict, note
        if now - began < LONGEST or (self.verdict and self.verdict.at == began):
            return None, ""
        self.verdict = self._unknown(began, f"The look has not come back within {shown(LONGEST)}.")
        return self.verdict, ""

    def _unknown(self, at: datetime, sentence: str) -> Verdict:
        before = self.verdict
        names = [*before.gaps, *(one.metric for one in before.evidence)] if before else []
        gaps = dict.fromkeys(names or ["checks"], Gap.UNREACHABLE)
        return Verdict(at=at, decision=Decision.UNKNOWN, sentence=sentence, gaps=gaps)

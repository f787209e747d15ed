"""Judge: counts its looks."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from davy.checks.judges.beacon import rules

from davy.checks.ports import Metrics
from davy.pipeline.config.sections.checks import ChecksConfig
from davy.pipeline.core.verdict import Verdict, Window
from davy.pipeline.core.workload import Sides


class BeaconJudge:
    """Promotes after so many looks."""

    def __init__(self, metrics: Metrics, config: ChecksConfig, warmup: timedelta) -> None:
        self._metrics, self._config, self._warmup = metrics, config, warmup
        self._looks = 0

    @property
    def interval(self) -> timedelta:
        """As configured."""
        return self._config.interval

    def recall(self, windows: Iterable[Window]) -> None:
        """A window a look."""
        self._looks = len(tuple(windows))

    def look(self, sides: Sides, now: datetime, worse: float) -> Verdict:
        """One more."""
        del sides, worse
        self._looks += 1
        window = Window(start=now - self.interval, end=now, counts={})
        said = f"{self._looks} looks."
        return Verdict(
            at=now, decision=rules.decision(self._looks), sentence=said, judge="beacon", evidence=(), windows=(window,)
        )

"""Joint: the judges that a configuration asks for, as one."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import reduce
from typing import Protocol, assert_never

from davy.checks.judges.flagger.judge import FlaggerJudge
from davy.checks.judges.kayenta.config_file import Analysis
from davy.checks.judges.kayenta.judge import MannWhitneyJudge
from davy.checks.judges.sequential.judge import SequentialJudge
from davy.checks.judges.threshold.judge import ThresholdJudge
from davy.checks.ports import Metrics
from davy.pipeline.config.sections.checks import ChecksConfig
from davy.pipeline.config.sections.thresholds import KayentaConfig
from davy.pipeline.core.errors import Problem, Unusable
from davy.pipeline.core.verdict import Decision, Verdict, Window
from davy.pipeline.core.workload import Sides


class _Judge(Protocol):
    @property
    def interval(self) -> timedelta: ...
    def look(self, sides: Sides, now: datetime, worse: float) -> Verdict: ...
    def recall(self, windows: Iterable[Window]) -> None: ...


class JointJudge:
    """Two judges, such as the sequential one with thresholds beside it: either rolls back, both must promote."""

    def __init__(self, first: _Judge, second: _Judge) -> None:
        self._judges = (first, second)

    @property
    def interval(self) -> timedelta:
        """The shorter of both."""
        return min(judge.interval for judge in self._judges)

    def recall(self, windows: Iterable[Window]) -> None:
        """Each takes its own."""
        kept = tuple(windows)
        for judge in self._judges:
            judge.recall(kept)

    def look(self, sides: Sides, now: datetime, worse: float) -> Verdict:
        """Both look; the graver answer is the answer, and what both saw is kept."""
        verdicts = [judge.look(sides, now, worse) for judge in self._judges]
        graver = min(verdicts, key=lambda verdict: GRAVITY.index(verdict.decision))
        first, second = verdicts
        said = [graver.sentence]
        if first.decision is second.decision:
            said = [first.sentence, second.sentence]
        return Verdict(
            at=now,
            decision=graver.decision,
            sentence=" ".join(said),
            judge=first.judge,
            evidence=first.evidence + second.evidence,
            log_e_roll_back=first.log_e_roll_back,
            log_e_burn=first.log_e_burn,
            roll_back_at=first.roll_back_at,
            promote_at=first.promote_at,
            blame=graver.blame or first.blame,
            gaps={**first.gaps, **second.gaps},
            windows=first.windows + second.windows,
            notes=tuple(dict.fromkeys(first.notes + second.notes)),
        )


GRAVITY = (Decision.ROLL_BACK, Decision.UNKNOWN, Decision.GO_ON, Decision.PROMOTE)


def judge_of(config: ChecksConfig, metrics: Metrics, warmup: timedelta, analysis: Analysis | None = None) -> _Judge:
    """The judge a configuration asks for; thresholds beside SLOs have their say too.

    `analysis`: Kayenta's canary config, read; only `judge: mannwhitney` needs it. Raises Unusable.
    """
    judges: list[_Judge] = []
    match config.judge:
        case "sequential":
            judges.append(SequentialJudge(metrics, config, warmup))
        case "mannwhitney":
            judges.append(_comparing(config.kayenta, metrics, warmup, analysis))
        case "threshold":
            pass
        case _:
            assert_never(config.judge)
    styles = {check.style for check in config.thresholds}
    if "flagger" in styles:
        judges.append(FlaggerJudge(metrics, config, warmup))
    if styles - {"flagger"} or not judges:
        judges.append(ThresholdJudge(metrics, config, warmup))
    return reduce(JointJudge, judges)


def _comparing(
    config: KayentaConfig | None, metrics: Metrics, warmup: timedelta, analysis: Analysis | None
) -> MannWhitneyJudge:
    if config is None or analysis is None:
        problem = Problem(path="checks.kayenta", what="`judge: mannwhitney` needs a canary config of Kayenta's")
        raise Unusable("There is nothing to judge by.", problems=(problem,))
    return MannWhitneyJudge(metrics, config, analysis, warmup)

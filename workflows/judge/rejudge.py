"""Rejudge: the last rollout's own counts, put to every judge."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from davy.checks.backtest.pseudo_canary import SETTINGS
from davy.checks.backtest.trial import JUDGES, judged
from davy.checks.traces.result import ReplayEnd
from davy.pipeline.config.document import Config
from davy.pipeline.core.events import Event
from davy.workflows import wiring
from davy.workflows.rollout.history import rollouts
from davy.workflows.rollout.trace import trace_of
from davy.workflows.wiring.reach import Reach


@dataclass(frozen=True, slots=True, kw_only=True)
class LastRollout:
    """What happened, and what each judge makes of the same counts."""

    release: str
    started_at: datetime
    ended: str
    """The ending's name: `done` is promoted; `rolled_back`, …"""
    verdicts: dict[str, tuple[ReplayEnd, str]]
    """By judge, with its sentence."""

    @property
    def others(self) -> dict[str, tuple[ReplayEnd, str]]:
        """The judges that would have ended it another way."""
        right = {"done": ReplayEnd.PROMOTE, "rolled_back": ReplayEnd.ROLL_BACK}.get(self.ended, ReplayEnd.INCONCLUSIVE)
        return {judge: held for judge, held in self.verdicts.items() if held[0] is not right}


def last_rollout(config: Config, reach: Reach) -> LastRollout | None:
    """The one whose journal the cluster still holds; None where it has none that ended. Raises DavyError."""
    return rejudged(wiring.side_of(config, reach).journal.read())


def rejudged(events: Sequence[Event]) -> LastRollout | None:
    """Every judge's own verdict on a rollout's journal. Raises Missing where it does not say by which rules."""
    ended = rollouts(events, ())
    if not ended:
        return None
    trace = replace(trace_of(events), settings=dict(SETTINGS))
    findings = {judge: judged(judge, trace, whole=True) for judge in JUDGES}
    return LastRollout(
        release=ended[0].release,
        started_at=ended[0].started_at,
        ended=ended[0].ending,
        verdicts={judge: (found.verdict, found.sentence) for judge, found in findings.items()},
    )

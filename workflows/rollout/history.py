"""History: the rollouts that were, as a table and as JSON. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import field

from davy.canary.engine.state import folded
from davy.canary.ports.journal import Past
from davy.pipeline.core.events import CanaryFinished, Event
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.json.codec import plain
from davy.pipeline.core.text.sanitize import one_line
from davy.pipeline.core.text.time_text import shown
from davy.workflows.story.options import TargetOptions, part

VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryOptions:
    """What the command line of `davy canary history` says."""

    target: TargetOptions = field(metadata=part(TargetOptions))
    output: str


def rollouts(current: Sequence[Event], history: Iterable[Past]) -> tuple[Past, ...]:
    """The one in the journal, where it has ended, before those in the history."""
    state = folded(current)
    ends = [event for event in current if isinstance(event, CanaryFinished)]
    if state is None or state.finished is None or not ends:
        return tuple(history)
    last = Past(
        release=state.started.release,
        started_at=state.started.at,
        ended_at=ends[-1].at,
        ending=state.finished.name.lower(),
        sentence=ends[-1].sentence,
        images=state.started.images,
    )
    return (last, *(past for past in history if past.release != last.release))


def table(history: Iterable[Past]) -> str:
    """A line for each: when, how long, how it ended, what it was."""
    rows = [
        (
            f"{past.started_at:%Y-%m-%d %H:%M}Z",
            f"{shown(past.ended_at - past.started_at):>7}",
            f"{past.ending.lower().replace('_', ' '):<12}",
            one_line(past.release),
            one_line(past.sentence),
        )
        for past in history
    ]
    return "\n".join("  ".join(row) for row in rows) or "no rollout has ended yet"


def document(history: Iterable[Past]) -> dict[str, object]:
    """`{"davy_history": 1, "rollouts": […]}`, newest first."""
    return {"davy_history": VERSION, "rollouts": [plain(past) for past in history]}

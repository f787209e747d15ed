"""A story: one release, by davy's own events and by the client's own counts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from davy.pipeline.core.events import (
    CanaryFinished,
    CanaryStarted,
    Event,
    ReleaseFinished,
    RollbackStarted,
    RolledBack,
    StageFinished,
)
from davy.pipeline.core.json import codec

T = TypeVar("T", bound=Event)


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """What is released, and how it should end."""

    version: str
    fault: str
    says: str
    exit_code: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What happened. Times are seconds after the first canary patch; None: did not happen."""

    release: Release
    code: int
    sentence: str
    stages: Mapping[str, timedelta]
    reached: float
    """Percent, the most."""
    first_bad: float | None
    """The client got the first bad answer of this version."""
    decided: float | None
    gone: float | None
    """The canary had left the Service's endpoints."""
    last_answer: float | None
    """The client got the last answer of this version."""
    requests: int
    bad: int
    lost: int
    """Requests of the whole span that got no answer at all, from any version."""

    @property
    def as_promised(self) -> bool:
        return self.code == self.release.exit_code and self.lost == 0


def told(release: Release, code: int, folder: Path, before: Mapping[str, Any], after: Mapping[str, Any]) -> Story:
    """Both sides of one release."""
    events = read(folder / "events.jsonl")
    began = first(events, CanaryStarted)
    felt = after["versions"].get(release.version, {})
    ended, finished = first(events, ReleaseFinished), first(events, CanaryFinished)
    back, decided = first(events, RolledBack), first(events, RollbackStarted)
    zero = began.at.timestamp() if began else 0.0

    def since(at: datetime | float | None) -> float | None:
        moment = at.timestamp() if isinstance(at, datetime) else at
        return None if moment is None else moment - zero

    return Story(
        release=release,
        code=code,
        sentence=ended.sentence if ended else "",
        stages={event.stage.value: event.took for event in events if isinstance(event, StageFinished)},
        reached=max(finished.weights, default=0.0) if finished else 0.0,
        first_bad=since(felt.get("first_bad")),
        decided=since(decided.at) if decided else None,
        gone=since(back.at) if back else None,
        last_answer=since(felt.get("last")) if code else None,
        requests=felt.get("requests", 0),
        bad=felt.get("failures", 0),
        lost=after["lost"] - before["lost"],
    )


def read(path: Path) -> tuple[Event, ...]:
    """The events that davy left."""
    return tuple(codec.decode(json.loads(line)) for line in path.read_text().splitlines())


def first(events: tuple[Event, ...], kind: type[T]) -> T | None:
    return next((event for event in events if isinstance(event, kind)), None)

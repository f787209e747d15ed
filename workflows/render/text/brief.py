"""Brief: the plain lines of a release for who reads along, one line a look and one a step; the rest is `--verbose`'s.

What a build or a suite printed is shown where it failed. The report and the JSON events have everything.
"""

import math
from collections import deque
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TextIO

from davy.pipeline.core import events
from davy.pipeline.core.verdict import Decision, Evidence, Verdict
from davy.workflows.render.text.lines import Text

QUIET = timedelta(seconds=20)
"""After so long without a line, one that a build or a suite prints is shown: a sign of life."""
LAST_LINES = 40
"""Of what failed; its log has all."""
MOST_SOURCES = 300
MOST_WORDS = 150
MOST_METRICS = 3


class Brief:
    """Writes what a person follows a release by, each fact once."""

    def __init__(self, stream: TextIO, *, ends_elsewhere: bool = False) -> None:
        """`ends_elsewhere`: the summary, with the end's sentence, comes out at the same place."""
        self._text = Text(stream)
        self._ends_elsewhere = ends_elsewhere
        self._tails = Tails()
        self._look: Verdict | None = None
        self._wrote: datetime | None = None

    def show(self, event: events.Event) -> None:
        """One event: a line, several where something failed, or none."""
        tail = self._tails.of(event)
        short = self._shortened(event)
        if short is None:
            return
        self._wrote = event.at
        self._text.show(short, tail)

    def _shortened(self, event: events.Event) -> events.Event | None:
        match event:
            case events.LogLine():
                return event if self._wrote is not None and event.at - self._wrote >= QUIET else None
            case events.Judged():
                before, self._look = self._look, event.verdict
                return replace(event, verdict=short_look(event.verdict, before))
            case events.RollbackStarted() | events.PromotionStarted() | events.Held():
                return replace(event, because=self._unsaid(event.because))
            case events.ReleaseFinished() if self._ends_elsewhere:
                return replace(event, sentence="", remedy="")
            case events.CanaryFinished():
                return replace(event, sentence=self._unsaid(event.sentence))
            case events.CanaryStarted():
                return replace(event, images={name: short_digest(image) for name, image in event.images.items()})
            case _:
                return None if is_detail(event) else event

    def _unsaid(self, words: str) -> str:
        """Without what the last look said in full."""
        if self._look is None:
            return words
        said = self._look.sentence.removeprefix("Rolled back: ")
        return words.replace(f": {said}", "").replace(self._look.sentence, "").replace(said, "").strip()

    def close(self) -> None:
        """Nothing is held back."""


def is_detail(event: events.Event) -> bool:
    """What a line beside it says as well: a stage's frame around the canary, pods by the second, a step's beginning."""
    match event:
        case events.StageStarted() | events.StageFinished():
            return event.stage is events.Stage.CANARY
        case events.StepEntered():
            return not event.by
        case events.PodsSeen() | events.PartStarted():
            return True
        case events.PartFinished():
            return event.result is events.Result.PASSED
        case _:
            return False


def short_digest(reference: str) -> str:
    """`r.test/shop/checkout@sha256:1f0c2b…`, as far as it tells one from another."""
    name, at, digest = reference.partition("@sha256:")
    return f"{name}{at}{digest[:12]}…" if len(digest) > 12 else reference


def short_look(verdict: Verdict, before: Verdict | None) -> Verdict:
    """The whole sentence where the decision is a new one, else how far the evidence is; notes are `--verbose`'s."""
    if before is not None and before.decision is verdict.decision and verdict.decision is not Decision.UNKNOWN:
        return replace(verdict, sentence=standing(verdict), notes=())
    return replace(verdict, notes=())


def standing(verdict: Verdict) -> str:
    """`worse 0.3 of 100, fine 1.5 of 20 · latency 6 of 961 bad, stable 23 of 3,213`."""
    counted = [one for one in verdict.evidence if one.canary.total]
    if verdict.judge != "sequential" or not counted:
        words = verdict.sentence
        return words if len(words) <= MOST_WORDS else words[: MOST_WORDS - 1].rstrip() + "…"
    least = min(one.log_e_promote for one in verdict.evidence)
    odds = f"worse {_odds(verdict.log_e_roll_back, verdict.roll_back_at)}, fine {_odds(least, verdict.promote_at)}"
    worst = sorted(counted, key=lambda one: one.log_e_promote)[:MOST_METRICS]
    more = f" · and {len(counted) - len(worst)} more" if len(counted) > len(worst) else ""
    return " · ".join((odds, *map(_counts, worst))) + more


def _odds(log_e: float, limit: float) -> str:
    return f"{math.exp(min(log_e, limit)):.2g} of {math.exp(limit):.0f}"


def _counts(one: Evidence) -> str:
    there = f", stable {one.stable.bad:,} of {one.stable.total:,}" if one.stable.total else ""
    return f"{one.metric} {one.canary.bad:,} of {one.canary.total:,} bad{there}"


class Tails:
    """The last lines of each build and each part of a suite, until it ends."""

    def __init__(self) -> None:
        self._lines: dict[str, deque[str]] = {}
        self._failed: dict[str, list[str]] = {}

    def of(self, event: events.Event) -> tuple[str, ...]:
        """What to show below this event; empty where nothing failed."""
        match event:
            case events.LogLine():
                self._keep(event)
            case events.ImageBuilt():
                self._lines.pop(f"build {event.label}", None)
            case events.BuildFailed():
                return tuple(self._lines.pop(f"build {event.label}", ()))
            case events.PartFinished():
                self._part(event)
            case events.SuiteFinished():
                sources = self._failed.pop(event.suite, [])
                tails = [self._lines.pop(source, deque()) for source in sources]
                return tuple(line for tail in tails for line in tail)[-LAST_LINES:]
            case _:
                pass
        return ()

    def _keep(self, event: events.LogLine) -> None:
        if event.source not in self._lines and len(self._lines) >= MOST_SOURCES:
            del self._lines[next(iter(self._lines))]
        self._lines.setdefault(event.source, deque(maxlen=LAST_LINES)).append(event.line)

    def _part(self, event: events.PartFinished) -> None:
        source = " ".join(part for part in ("test", event.suite, event.part) if part)
        if event.result is events.Result.FAILED and not event.again:
            self._failed.setdefault(event.suite, []).append(source)
        else:
            self._lines.pop(source, None)

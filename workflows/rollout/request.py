"""Request: a person's word, left for a living runner, or carried out here where none lives."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from davy.canary.engine.state import folded
from davy.canary.ports.journal import Journal
from davy.canary.ports.lock import Lock
from davy.pipeline.core.endings import Ending
from davy.pipeline.core.errors import Missing
from davy.pipeline.core.events import Event, ReleaseFinished
from davy.pipeline.core.ports import Clock
from davy.workflows.render import veil
from davy.workflows.rollout.words import asked, ending, heeded

PATIENCE = timedelta(seconds=60)
SLACK = timedelta(seconds=15)
DONE = {"promote": "the runner goes on", "abort": "the runner rolls it back", "hold": "the runner holds it"}


def lives(lock: Lock, now: datetime) -> bool:
    """True where a runner renews the lock."""
    holder = lock.holder()
    return holder is not None and not holder.lost(now)


def never() -> bool:
    """Nobody asks whether the runner still lives."""
    return False


def patience_for(lock: Lock) -> timedelta:
    """How long a word may go unheeded: longer than the lock lasts, for then it shows whether anyone is there."""
    holder = lock.holder()
    return max(PATIENCE, holder.lasts + SLACK) if holder else PATIENCE


def said(
    what: str,
    *,
    by: str,
    why: str,
    alive: bool,
    journal: Journal,
    clock: Clock,
    act: Callable[[], Iterator[Event]],
    lost: Callable[[], bool] = never,
    marked: Callable[[], bool] = never,
    patience: timedelta = PATIENCE,
) -> Iterator[Event]:
    """Leave the word; wait for a living runner to heed it, else `act`: take the lock and carry it out.

    `hold` needs no act: what no runner moves stays where it is. `lost`: whether the runner, alive at first, shows no
    sign of life any more: a job that is cancelled may have been killed a moment ago. `marked`: a rollout's marks are on
    the Deployment; an abort goes by them where the journal is lost.
    """
    began = clock.elapsed()
    try:
        # As the journal will hold it, so that it is known again there.
        word = asked(what, veil.masks().text(by), veil.masks().text(why), journal, clock)
    except Missing:
        if alive or what != "abort" or not marked():
            raise
        yield from act()
        return
    if alive and (yield from heeded(word, journal, clock, patience, lost)):
        how = ending(word, folded(journal.read()))
        sentence = DONE[what] if how is Ending.DONE else "the canary had ended meanwhile"
    elif what == "hold":
        how, sentence = Ending.DONE, "no runner moves it: it stays where it is"
    else:
        yield from act()
        return
    yield ReleaseFinished(at=clock.now(), ending=how, sentence=sentence, took=clock.elapsed() - began)

"""Saying: a person's word, left for a living runner, or carried out here where none lives."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from davy.canary.ports import Journal, Lock
from davy.canary.state import folded
from davy.pipeline.endings import Ending
from davy.pipeline.events import Event, ReleaseFinished
from davy.pipeline.ports import Clock
from davy.workflows import veil
from davy.workflows.words import asked, ending, heeded

PATIENCE = timedelta(seconds=60)
DONE = {"promote": "the runner goes on", "abort": "the runner rolls it back", "hold": "the runner holds it"}


def lives(lock: Lock, now: datetime) -> bool:
    """True where a runner renews the lock."""
    holder = lock.holder()
    return holder is not None and not holder.lost(now)


def said(
    what: str,
    *,
    by: str,
    why: str,
    alive: bool,
    journal: Journal,
    clock: Clock,
    act: Callable[[], Iterator[Event]],
) -> Iterator[Event]:
    """Leave the word; wait for a living runner to heed it, else `act`: take the lock and carry it out.

    `hold` needs no act: what no runner moves stays where it is.
    """
    began = clock.elapsed()
    # As the journal will hold it, so that it is known again there.
    word = asked(what, veil.masks().text(by), veil.masks().text(why), journal, clock)
    if alive:
        yield from heeded(word, journal, clock, PATIENCE)
        how = ending(word, folded(journal.read()))
        sentence = DONE[what] if how is Ending.DONE else "the canary had ended meanwhile"
    elif what == "hold":
        how, sentence = Ending.DONE, "no runner moves it: it stays where it is"
    else:
        yield from act()
        return
    yield ReleaseFinished(at=clock.now(), ending=how, sentence=sentence, took=clock.elapsed() - began)

"""State store: the state of a rollout, kept here; the journal is its copy for whoever comes next.

Where the journal cannot be written, is gone or tells less, it is written anew from here once it answers.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import TypeVar

from davy.canary.engine.patience import words_of
from davy.canary.engine.state import State, applied, folded
from davy.canary.ports.journal import Journal
from davy.pipeline.core.endings import Ending
from davy.pipeline.core.errors import DavyError
from davy.pipeline.core.events import Asked, CanaryStarted, Event, Judged

T = TypeVar("T")


class Unwritten(DavyError):
    """The journal did not take what has to be in it before the next move."""

    ending = Ending.UNREACHABLE


class Book:
    """One runner's state, and what of it is journaled and told."""

    def __init__(self, journal: Journal, past: Sequence[Event]) -> None:
        """`past`: what the journal tells so far."""
        self._journal = journal
        self._written, self._state = list(past), folded(past)
        self._unwritten: list[Event] = []
        self._untold: list[Event] = []
        self._doubtful: tuple[int, tuple[Event, ...], Event] | None = None
        """Of a write that was not answered: how many of the unwritten were in it, what was new, and its last event."""
        self.unwritten: Exception | None = None
        """Why the journal tells less than the state."""

    def known(self) -> State:
        """The state. Raises LookupError before a CanaryStarted was recorded."""
        if self._state is None:
            raise LookupError("no rollout was begun")
        return self._state

    def show(self, event: Event) -> None:
        """Tell it at the end of the tick; nothing is journaled."""
        self._untold.append(event)

    def told(self) -> Iterator[Event]:
        """What happened since the last call, in order."""
        while self._untold:
            yield self._untold.pop(0)

    def record(self, *events: Event) -> None:
        """Journal, then believe, then tell. Raises Unwritten, and then nothing is believed."""
        self._write(*events)
        self.believe(*events)

    def record_later(self, *events: Event) -> None:
        """Believe and tell, and journal as soon as the journal answers."""
        self._unwritten.extend(events)
        self.believe(*events)

    def settle(self) -> None:
        """Where a write was not answered: was it written all the same? Raises Unwritten where that cannot be read.

        What is written twice would count its requests twice for whoever resumes.
        """
        if self._doubtful is None:
            return
        journaled, (old, new, last) = self._answered(self._journal.read), self._doubtful
        self._doubtful = None
        if journaled and (type(journaled[-1]), journaled[-1].at) == (type(last), last.at):
            self._written += [*self._unwritten[:old], *new]
            del self._unwritten[:old]
            self._state = folded((*self._written, *self._unwritten))
            self._untold.extend(new)
        elif not any(isinstance(event, CanaryStarted) for event in journaled):
            # Someone deleted it, or cut its beginning off: what is known here is written anew.
            self._unwritten = [*self._written, *self._unwritten]
            self._written = []

    def _write(self, *events: Event) -> None:
        self.settle()
        batch = (*self._unwritten, *events)
        if batch:
            self._doubtful = (len(self._unwritten), events, batch[-1])
            self._answered(lambda: self._journal.write(batch))
            self._doubtful = None
            self._written += batch
            self._unwritten.clear()
        self.unwritten = None

    def _answered(self, ask: Callable[[], T]) -> T:
        try:
            return ask()
        except Exception as error:  # Whatever it was: it may be written all the same. Who asks decides by the cause.
            self.unwritten = error
            raise Unwritten(words_of(error)) from error

    def believe(self, *events: Event) -> None:
        """Take it as true and tell it; nothing is journaled."""
        for event in events:
            self._state = applied(self._state, event)
        self._untold.extend(events)

    def write_up(self) -> None:
        """Journal what is not in it yet, where it answers."""
        with suppress(Unwritten):
            self._write()

    def judged(self, judged: Judged) -> None:
        """Only a look that brought something is journaled."""
        self.record_later(judged) if judged.verdict.windows else self.believe(judged)

    def honour(self, words: Sequence[Asked]) -> None:
        """Take over the words that were not taken over yet. They stand in the journal already."""
        self.record_later(*(word for word in dict.fromkeys(words) if word not in self.known().words))

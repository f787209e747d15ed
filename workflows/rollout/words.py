"""Words: a person's `promote`, `abort` or `hold`, left for the runner, and the wait for its effect."""

from collections.abc import Callable, Generator
from datetime import timedelta

from davy.canary.engine.state import Phase, State, folded
from davy.canary.ports.journal import Journal
from davy.canary.ports.journal_lines import word_of
from davy.pipeline.core.endings import Ending
from davy.pipeline.core.errors import Missing, Unreachable
from davy.pipeline.core.events import Asked, Event
from davy.pipeline.core.ports import Clock
from davy.pipeline.core.text.time_text import shown

POLL_SECONDS = 0.5


def asked(what: str, by: str, why: str, journal: Journal, clock: Clock) -> Asked:
    """Leave the word. Raises Missing where there is no rollout that it could be for."""
    state = folded(journal.read())
    if state is None or not state.open:
        raise Missing(f"there is no canary to {what}", remedy="`davy canary status` says how things stand")
    word = word_of(Asked(at=clock.now(), what=what, by=by, why=why))
    journal.ask(word)
    return word


def heeded(
    word: Asked, journal: Journal, clock: Clock, patience: timedelta, lost: Callable[[], bool]
) -> Generator[Event, None, bool]:
    """The journal's events since the word, as they come, until it has had its effect: True; False where `lost` is.

    Raises Unreachable where the runner does not heed it in `patience`.
    """
    seen, began = len(journal.read()), clock.elapsed()
    while not clock.interrupted():
        events = journal.read()
        yield from events[seen:]
        seen = max(seen, len(events))
        if had_effect(word, folded(events)):
            return True
        if lost():
            return had_effect(word, folded(journal.read()))
        if clock.elapsed() - began > patience:
            raise Unreachable(
                f"the runner has not heeded `{word.what}` in {shown(patience)}; the word stays for it",
                remedy="`davy canary status` says whether the runner lives; `davy canary resume` takes over a lost one",
            )
        clock.sleep(POLL_SECONDS)
    return True


def had_effect(word: Asked, state: State | None) -> bool:
    """True once the state has gone where the word wanted it."""
    if state is None or state.finished is not None:
        return True
    if word not in state.words:
        return False
    match word.what:
        case "abort":
            return state.phase in (Phase.ROLLING_BACK, Phase.BACK)
        case "hold":
            return state.on_hold
        case _:  # A promote is used up by the next step.
            return state.go is None or state.phase in (Phase.PROMOTING, Phase.BAKING)


def ending(word: Asked, state: State | None) -> Ending:
    """DONE where the word was done; else how the rollout ended instead."""
    if state is None or state.finished is None:
        return Ending.DONE
    wished = Ending.ROLLED_BACK if word.what == "abort" else Ending.DONE
    return Ending.DONE if state.finished in (wished, Ending.INTERRUPTED) else state.finished

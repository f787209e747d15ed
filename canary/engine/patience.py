"""Patience: what to do while something does not answer, or answers with no. Pure.

Whatever the answer was (a status, a page that is no JSON, a defect of davy's own), it is asked again. Where it stays
like that, a canary is not left serving with nobody in charge: stable gets its traffic back. Once the platform was told
to finish the update, the pods were proven and it needs no runner: then the journal and the lock are not waited for.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from davy.canary.engine.state import Phase, State
from davy.canary.ports.terms import Terms
from davy.pipeline.core.endings import Ending
from davy.pipeline.core.errors import DavyError
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.text.excerpt import excerpt
from davy.pipeline.core.text.time_text import shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long what does not answer is asked again."""

    going_on: timedelta = timedelta(minutes=2)
    """While the canary is where it is; then it is taken back."""
    rolling_back: timedelta = timedelta(minutes=15)


class Source(StrEnum):
    """Who does not answer."""

    LOCK = "the lock"
    WORDS = "people's words"
    JOURNAL = "the journal"
    TARGET = "the target"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What was answered first, and since when nothing better came."""

    what: str
    since: datetime
    is_silence: bool
    """True where nobody answered; False for a no, and for what cannot be read."""


class Resort(StrEnum):
    """What is left to do."""

    TRY_AGAIN = "try_again"
    GO_BACK = "go_back"
    END = "end"


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """The resort, and for an end how it is said."""

    resort: Resort
    ending: Ending = Ending.UNREACHABLE
    sentence: str = ""


TRY_AGAIN = Course(resort=Resort.TRY_AGAIN)


def course(
    state: State,
    troubles: Mapping[Source, Trouble],
    now: datetime,
    patience: Patience,
    *,
    terms: Terms,
    interrupted: bool,
    promoting: bool,
) -> Course:
    """What to do about the troubles there are. `promoting`: the platform was told to finish the update."""
    back = state.phase in (Phase.ROLLING_BACK, Phase.BACK)
    heeded = [one for source, one in troubles.items() if source is Source.TARGET or not (back or promoting)]
    if not heeded:
        return TRY_AGAIN
    worst = min(heeded, key=lambda one: one.since)
    lasted = now - worst.since
    if interrupted and not back and state.policy.on_interrupt == "hold":
        said = f"interrupted while {terms.place} did not answer; held: {worst.what}"
        return Course(resort=Resort.END, ending=Ending.INTERRUPTED, sentence=said)
    if lasted >= patience.rolling_back:
        return Course(resort=Resort.END, ending=Ending.STUCK, sentence=_stuck(state, worst, patience))
    if back or interrupted or lasted < patience.going_on:
        return TRY_AGAIN
    if promoting or state.policy.on_interrupt == "hold":
        return Course(resort=Resort.END, sentence=left(worst, patience, terms, promoting=promoting))
    return Course(resort=Resort.GO_BACK, sentence=f"davy could not go on for {shown(patience.going_on)}: {worst.what}")


def left(trouble: Trouble, patience: Patience, terms: Terms, *, promoting: bool = False) -> str:
    """How it is said that nothing more can be done from here."""
    how = "no answer" if trouble.is_silence else "no good answer"
    where = f"{terms.keeper} goes on with the promotion" if promoting else "the canary stays as it is"
    return f"{how} for {shown(patience.going_on)}, {where}: {trouble.what}"


def _stuck(state: State, trouble: Trouble, patience: Patience) -> str:
    how = "no answer" if trouble.is_silence else "no good answer"
    if state.phase is Phase.BACK:
        return f"stable serves, but davy's marks could not be taken away within {shown(patience.rolling_back)}: " + (
            f"{how}: {trouble.what}"
        )
    return f"could not get back to stable: {how} for {shown(patience.rolling_back)}: {trouble.what}"


def words_of(error: Exception) -> str:
    """An error in a line. What is no answer of anybody is a defect, with its place."""
    if isinstance(error, DavyError):
        return error.what
    place, trace = "", error.__traceback__
    while trace is not None:
        place, trace = f" at {trace.tb_frame.f_globals.get('__name__', '?')}:{trace.tb_lineno}", trace.tb_next
    return f"{type(error).__name__}{place}: {excerpt(str(error), 200)}"

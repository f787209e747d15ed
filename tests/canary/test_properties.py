"""What holds whatever happens: any verdicts, words, kills and faults in any order."""

from dataclasses import dataclass
from datetime import timedelta

from hypothesis import example, given, settings
from hypothesis import strategies as st

from canary_stage import NEW, OLD, Fault, ScriptedJudge, Stage, policy
from davy.canary.engine.driver.rollout import Resume
from davy.canary.engine.state import applied, folded
from davy.canary.platforms.memory.platform import Killed, MemoryJournal
from davy.pipeline.core.endings import Ending
from davy.pipeline.core.errors import LockedOut, Missing, Unreachable
from davy.pipeline.core.events import Asked, Judged
from davy.pipeline.core.verdict import Decision

UNSURE = (Decision.GO_ON, Decision.UNKNOWN)
SURE = (*UNSURE, Decision.PROMOTE)


@dataclass(frozen=True)
class Life:
    """What happens to a rollout."""

    decisions: tuple[Decision, ...]
    """Look by look; the last one is given for ever."""
    words: tuple[tuple[int, str], ...]
    """(second, word)."""
    faults: tuple[tuple[int, bool], ...]
    """For each runner: the call at which it dies, or is not answered."""
    on_inconclusive: str


def lives(decisions, words=("hold", "promote"), policies=("hold",), last=None):
    looks = st.lists(st.sampled_from(decisions), min_size=1, max_size=12).map(tuple)
    return st.builds(
        Life,
        decisions=looks if last is None else looks.map(lambda so_far: (*so_far, last)),
        words=st.lists(
            st.tuples(st.integers(0, 90), st.sampled_from(words or ("hold",))), max_size=3 if words else 0
        ).map(tuple),
        faults=st.lists(st.tuples(st.integers(0, 30), st.booleans()), max_size=4).map(tuple),
        on_inconclusive=st.sampled_from(policies),
    )


class Lived:
    """A life played to its end: runner after runner, until one says how it ended."""

    def __init__(self, life):
        self.stage = Stage()
        self.looks = 0
        self.life = life
        self.began = self.stage.clock.now()
        self.said = []
        """Canary pods serving when PROMOTE or a person's promote first stood for each."""
        self.promoting_at = None
        self.stage.clock.whenever(self._watch)
        self._words = sorted(life.words)
        self.outcome = self._play()

    def judge(self):
        def says(sides, now, worse, windows):
            decision = self.life.decisions[min(self.looks, len(self.life.decisions) - 1)]
            self.looks += 1
            self.said.append(decision)
            return decision

        return ScriptedJudge(says)

    def _watch(self, now):
        while self._words and self._words[0][0] <= (now - self.began).total_seconds():
            _, what = self._words.pop(0)
            MemoryJournal(self.stage.world).ask(Asked(at=now, what=what, by="ann"))
        if self.promoting_at is None and any("PromotionStarted" in line for line in self.stage.world.journal):
            self.promoting_at = len(self.stage.trace) - 1

    def _start(self):
        """A release that begins now; what an earlier one did not finish is its own affair."""
        limits = {
            "deadline": self.stage.clock.now() + timedelta(minutes=3),
            "on_inconclusive": self.life.on_inconclusive,
        }
        return self.stage.start(policy(self.stage.clock, 1, 2, **limits))

    def _play(self):
        stage = self.stage
        order = self._start()
        for at, deadly in (*self.life.faults, (-1, False)):
            fault = Fault(at, Killed if deadly else lambda: Unreachable("503"))
            try:
                _, outcome = stage.play(order, self.judge(), fault)
            except (Killed, Unreachable):
                stage.clock.sleep(60)
                order = Resume(runner="again")
                continue
            except Missing:
                order = self._start()
                continue
            except LockedOut:
                stage.clock.sleep(60)
                continue
            return outcome
        return stage.play(order, self.judge())[1]

    @property
    def before_promotion(self):
        return self.stage.trace[: self.promoting_at]


@given(life=lives(SURE, words=("hold", "promote"), policies=("hold", "promote", "roll_back"), last=Decision.ROLL_BACK))
@example(
    # The first release is taken back whole, and its runner dies before it has said so.
    life=Life(
        decisions=(Decision.GO_ON, Decision.ROLL_BACK),
        words=(),
        faults=((0, False), (0, False), (2, False), (25, True)),
        on_inconclusive="hold",
    )
)
@settings(max_examples=25, deadline=None)
def test_from_any_state_a_failing_verdict_ends_with_weight_0(life):
    lived = Lived(life)
    if Decision.ROLL_BACK in lived.said:
        assert lived.outcome.ending is Ending.ROLLED_BACK
        assert lived.stage.serving == (4, 0)
        assert lived.stage.images == OLD
        assert lived.stage.is_as_it_was


@given(life=lives(UNSURE, words=("hold",)))
@settings(max_examples=25, deadline=None)
def test_without_evidence_and_without_a_persons_word_the_weight_never_grows(life):
    lived = Lived(life)
    assert max(canary for _, canary in lived.stage.trace) <= 1
    assert lived.outcome.ending in (Ending.UNDECIDED, Ending.UNREACHABLE)


@given(life=lives((*SURE, Decision.ROLL_BACK), words=("hold", "promote", "abort"), policies=("hold", "promote")))
@settings(max_examples=25, deadline=None)
def test_stable_stays_whole_until_the_promotion_and_the_end_is_promoted_back_or_held(life):
    lived = Lived(life)
    stage = lived.stage
    if lived.promoting_at is None or lived.outcome.ending is Ending.DONE:
        assert min(stable for stable, _ in lived.before_promotion) == 4
    match lived.outcome.ending:
        case Ending.DONE:
            assert (stage.images, stage.serving, stage.is_as_it_was) == (NEW, (0, 4), True)
        case Ending.ROLLED_BACK:
            assert (stage.images, stage.serving, stage.is_as_it_was) == (OLD, (4, 0), True)
        case _:
            assert lived.outcome.ending in (Ending.UNDECIDED, Ending.UNREACHABLE)
            assert stage.world.deployment.rollout.paused
            assert stage.images == NEW


LOST_ANSWER = Life(
    decisions=(Decision.GO_ON, Decision.GO_ON, Decision.ROLL_BACK, Decision.ROLL_BACK),
    words=((13, "promote"),),
    faults=((21, False),),
    on_inconclusive="hold",
)
"""The step was journaled, the answer lost, and the next look rolled back."""


@given(life=lives((*SURE, Decision.ROLL_BACK), words=("hold", "promote", "abort"), policies=("hold", "promote")))
@example(life=LOST_ANSWER)
@settings(max_examples=25, deadline=None)
def test_replaying_the_journal_gives_the_same_state_from_any_cut(life):
    lived = Lived(life)
    events = MemoryJournal(lived.stage.world).read()
    assert folded(events) == lived.outcome.state
    for cut in range(len(events)):
        state = folded(events[:cut])
        for event in events[cut:]:
            state = applied(state, event)
        assert state == lived.outcome.state


@given(life=lives((*SURE, Decision.ROLL_BACK), words=("hold", "promote", "abort"), policies=("hold", "promote")))
@example(life=LOST_ANSWER)
@settings(max_examples=25, deadline=None)
def test_no_window_is_journaled_twice(life):
    """A resumed runner would count its requests twice."""
    events = MemoryJournal(Lived(life).stage.world).read()
    seen = [window.end for event in events if isinstance(event, Judged) for window in event.verdict.windows]
    assert len(seen) == len(set(seen))

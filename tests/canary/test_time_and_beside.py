"""What no clock that is set, no slow answer and no blocked look can do to a rollout."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from canary_stage import NEW, OLD, STABLE, ScriptedJudge, Stage, bad, deaf, good, policy, shy
from davy.canary.engine.driver.rollout import Enforce, Resume, rollout
from davy.canary.platforms.background_threads import Threads
from davy.canary.platforms.memory.deployment import Behaviour
from davy.canary.platforms.memory.platform import Killed, MemoryJournal, MemoryPlatform
from davy.canary.ports.snapshot import FailureKind, PodFailure
from davy.pipeline.core.endings import Ending
from davy.pipeline.core.errors import LockedOut, Missing, Unreachable
from davy.pipeline.core.events import Asked, CanaryStarted, Judged, PodTrouble, RollbackStarted, StepReached, Warned
from davy.pipeline.core.verdict import Decision, Gap

pytestmark = pytest.mark.slow

SECONDS = timedelta(seconds=1)
HOUR = timedelta(hours=1)


def first(events, kind):
    return next(event for event in events if isinstance(event, kind))


# ---- clocks that are set

STEPS = {
    "an hour back": -HOUR,
    "a day forward": 24 * HOUR,
    "ten seconds back": -10 * SECONDS,
    "a year forward": 365 * 24 * HOUR,
    "two years back": -730 * 24 * HOUR,
}
WHEN = (1, 15, 33, 48)


def stepping(stage, step, *, at=None, every=None):
    """Set the wall clock once, or again and again."""
    began = stage.clock.elapsed()
    done = []

    def happening(_):
        gone = (stage.clock.elapsed() - began).total_seconds()
        if (at is not None and gone >= at and not done) or (every and gone >= (len(done) + 1) * every):
            done.append(gone)
            stage.clock.set_by(step)

    stage.clock.whenever(happening)


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize(("says", "ending"), [(good, Ending.DONE), (bad, Ending.ROLLED_BACK), (shy, Ending.UNDECIDED)])
def test_a_wall_clock_that_is_set_changes_neither_the_end_nor_when_it_comes(name, says, ending):
    plain = Stage()
    events, outcome = plain.play(plain.start(policy(plain.clock, 1, 2)), ScriptedJudge(says))
    assert outcome.ending is ending
    for at in WHEN:
        stage = Stage()
        order = stage.start(policy(stage.clock, 1, 2))
        stepping(stage, STEPS[name], at=at)
        seen, outcome = stage.play(order, ScriptedJudge(says))
        assert (outcome.ending, stage.serving) == (ending, plain.serving), at
        assert stage.clock.elapsed() == plain.clock.elapsed(), at
        assert [(type(one), one.at) for one in seen] == [(type(one), one.at) for one in events], at


def test_a_clock_that_is_set_back_all_the_time_stops_no_look_and_no_deadline():
    stage = Stage()
    order = stage.start(policy(stage.clock, 1))
    stepping(stage, -30 * SECONDS, every=3)
    _, outcome = stage.play(order, ScriptedJudge(shy))
    assert outcome.ending is Ending.UNDECIDED
    assert stage.clock.elapsed() <= timedelta(minutes=11)


@pytest.mark.parametrize("kind", [FailureKind.IMAGE_PULL, FailureKind.NEVER_READY])
@pytest.mark.parametrize("step", [-HOUR, 24 * HOUR])
def test_a_pod_in_trouble_is_given_its_time_whatever_the_clock_says(kind, step):
    took = []
    for skew in (timedelta(0), step):
        stage = Stage()
        stuck = Behaviour(ready_after=None, trouble=PodFailure(kind=kind, words="x"))
        stage.world.deployment.behaviours[NEW["app"]] = stuck
        order = stage.start(policy(stage.clock, 1))
        stepping(stage, skew, at=5)
        _, outcome = stage.play(order, ScriptedJudge(shy))
        assert outcome.ending is Ending.ROLLED_BACK
        took.append(stage.clock.elapsed())
    assert took[0] == took[1]


@pytest.mark.parametrize("skew", [-HOUR, HOUR])
def test_a_runner_whose_clock_is_wrong_from_the_start_goes_by_the_clusters(skew):
    stage = Stage()
    stage.clock.set_by(skew)
    order = stage.start(policy(stage.clock, 1, 2))
    events, outcome = stage.play(order, ScriptedJudge(shy))
    assert outcome.ending is Ending.UNDECIDED
    assert timedelta(minutes=9) < stage.clock.elapsed() < timedelta(minutes=11)
    assert abs(first(events, CanaryStarted).at - stage.world.clock.world_now()) < timedelta(minutes=15)


def test_a_runner_on_another_machine_with_another_clock_keeps_the_deadline():
    stage = Stage()
    gone(stage)
    stage.clock.sleep(60)
    stage.clock.set_by(-5 * HOUR)
    _, outcome = stage.play(Resume(runner="elsewhere"), ScriptedJudge(shy))
    assert outcome.ending is Ending.UNDECIDED
    assert stage.clock.elapsed() <= timedelta(minutes=11)


# ---- the patch first


def crashing(after=20):
    trouble = PodFailure(kind=FailureKind.CRASH_LOOP, words="exit code 3")
    return Behaviour(trouble=trouble, trouble_after=after * SECONDS, words="no such table")


def test_the_patch_is_sent_before_a_crashing_pods_log_is_waited_for():
    stage, sent = Stage(), []

    class SlowLog(MemoryPlatform):
        def words(self, pod):
            stage.clock.sleep(68)
            raise Unreachable("the kubelet did not answer")

        def restore(self, *given):
            sent.append(stage.clock.elapsed())
            super().restore(*given)

    stage.world.deployment.behaviours[NEW["app"]] = crashing()
    ports = replace(stage.ports(ScriptedJudge(shy)), platform=SlowLog(stage.world))
    events, outcome = stage.driven(stage.start(policy(stage.clock, 1, 2)), ports)
    assert sent[0] <= 23 * SECONDS
    assert (outcome.ending, stage.serving) == (Ending.ROLLED_BACK, (4, 0))
    assert first(events, RollbackStarted).at - first(events, CanaryStarted).at <= 23 * SECONDS
    assert "crashes again and again" in first(events, PodTrouble).words


@pytest.mark.parametrize("slow", ["before write", "before asked", "before renew"])
def test_nothing_slow_stands_between_a_failing_verdict_and_the_patch(slow):
    stage, told = Stage(), []

    def says(sides, now, worse, windows):
        decision = bad(sides, now, worse, windows)
        if decision is Decision.ROLL_BACK:
            told.append(("verdict", stage.clock.elapsed()))
        return decision

    def fault(name):
        if told and name == slow:
            stage.clock.sleep(15)
        if name == "before restore":
            told.append(("patch", stage.clock.elapsed()))

    _, outcome = stage.play(stage.start(policy(stage.clock, 1, 2)), ScriptedJudge(says), fault)
    assert outcome.ending is Ending.ROLLED_BACK
    (_, verdict), (_, patch) = told[:2]
    assert patch == verdict


def test_a_pods_log_that_never_comes_holds_up_nothing():
    stage, never = Stage(), threading.Event()

    class DeafLog(MemoryPlatform):
        def words(self, pod):
            never.wait(60)
            return ""

    stage.world.deployment.behaviours[NEW["app"]] = crashing()
    ports = replace(stage.ports(ScriptedJudge(shy)), platform=DeafLog(stage.world), aside=Threads())
    events, outcome = stage.driven(stage.start(policy(stage.clock, 1, 2)), ports)
    never.set()
    assert outcome.ending is Ending.ROLLED_BACK
    assert "crashes again and again" in first(events, PodTrouble).words


# ---- looks beside the ticks


class StuckWork:
    """A look in flight, for a simulated time."""

    def __init__(self, clock, work, ends):
        self.clock, self.work, self.ends = clock, work, ends

    def done(self, within=0.0):
        if self.clock.elapsed() < self.ends:
            self.clock.sleep(within)
        return self.clock.elapsed() >= self.ends

    def result(self):
        return self.work()


class StuckAside:
    """From its n-th look on a look takes so long."""

    def __init__(self, clock, *, takes, from_look=3):
        self.clock, self.takes, self.from_look, self.begun = clock, takes, from_look, 0

    def begin(self, work):
        self.begun += 1
        takes = self.takes if self.begun >= self.from_look else timedelta(0)
        return StuckWork(self.clock, work, self.clock.elapsed() + takes)


def test_while_a_look_does_not_come_back_the_lock_is_renewed_and_an_abort_is_obeyed():
    stage = Stage()
    ports = replace(stage.ports(ScriptedJudge(shy)), aside=StuckAside(stage.clock, takes=24 * HOUR))
    began, asked, sent = stage.clock.elapsed(), [], []

    def person(now):
        if stage.clock.elapsed() - began > 100 * SECONDS and not asked:
            asked.append(stage.clock.elapsed())
            MemoryJournal(stage.world).ask(Asked(at=now, what="abort", by="ann"))

    class Timed(MemoryPlatform):
        def restore(self, *given):
            sent.append(stage.clock.elapsed())
            super().restore(*given)

    quiet = []
    stage.clock.whenever(person)
    stage.clock.whenever(lambda now: quiet.append(now - stage.world.holder.renewed_at) if stage.world.holder else None)
    ports = replace(ports, platform=Timed(stage.world))
    events, outcome = stage.driven(stage.start(policy(stage.clock, 1, 2)), ports)
    assert (outcome.ending, stage.serving) == (Ending.ROLLED_BACK, (4, 0))
    assert sent[0] - asked[0] <= 2 * SECONDS
    assert max(quiet) <= 3 * SECONDS
    unknown = [event.verdict for event in events if isinstance(event, Judged) and event.verdict.gaps]
    assert [set(verdict.gaps.values()) for verdict in unknown] == [{Gap.UNREACHABLE}]


def test_a_crash_is_seen_while_a_look_does_not_come_back():
    stage = Stage()
    stage.world.deployment.behaviours[NEW["app"]] = crashing(60)
    ports = replace(stage.ports(ScriptedJudge(shy)), aside=StuckAside(stage.clock, takes=24 * HOUR))
    _, outcome = stage.driven(stage.start(policy(stage.clock, 1, 2)), ports)
    assert (outcome.ending, stage.serving) == (Ending.ROLLED_BACK, (4, 0))
    assert stage.clock.elapsed() < 90 * SECONDS


def test_a_look_that_comes_back_late_counts_all_the_same_and_a_bad_one_takes_it_back():
    stage = Stage()
    judge = ScriptedJudge(bad)
    ports = replace(stage.ports(judge), aside=StuckAside(stage.clock, takes=90 * SECONDS))
    _, outcome = stage.driven(stage.start(policy(stage.clock, 1, 2)), ports)
    assert (outcome.ending, stage.serving) == (Ending.ROLLED_BACK, (4, 0))
    assert judge.windows == 3
    assert 90 * SECONDS < stage.clock.elapsed() < 130 * SECONDS


def test_a_good_look_from_before_a_step_promotes_nothing_when_it_comes_back_in_the_next():
    stage = Stage()
    judge = ScriptedJudge(lambda sides, now, worse, windows: Decision.PROMOTE)
    ports = replace(stage.ports(judge), aside=StuckAside(stage.clock, takes=25 * SECONDS, from_look=1))
    events, outcome = stage.driven(stage.start(policy(stage.clock, 1, 2, at_least=0 * SECONDS)), ports)
    assert outcome.ending is Ending.DONE
    reached = [event.at for event in events if isinstance(event, StepReached)]
    looks = [event.verdict.at for event in events if isinstance(event, Judged)]
    assert all(any(at > step for at in looks) for step in reached)


def test_looks_in_real_threads_end_a_rollout_the_same_way():
    for says, ending in ((good, Ending.DONE), (bad, Ending.ROLLED_BACK)):
        stage = Stage()
        ports = replace(stage.ports(ScriptedJudge(says)), aside=Threads())
        _, outcome = stage.driven(stage.start(policy(stage.clock, 1, 2)), ports)
        assert outcome.ending is ending


def test_a_judge_that_breaks_knows_nothing_and_says_it_once():
    stage = Stage()

    class Breaking(ScriptedJudge):
        def look(self, sides, now, worse):
            raise RecursionError("maximum recursion depth exceeded")

    events, outcome = stage.play(stage.start(policy(stage.clock, 1, 2)), Breaking(good))
    assert (outcome.ending, stage.serving) == (Ending.UNREACHABLE, (4, 1))
    assert sum("the look broke" in event.what for event in events if isinstance(event, Warned)) == 1


# ---- no verdict


@pytest.mark.parametrize("gap", list(Gap))
def test_what_is_not_known_is_promoted_by_no_policy(gap):
    stage = Stage()
    order = stage.start(policy(stage.clock, 1, 2, on_inconclusive="promote"))
    _, outcome = stage.play(order, ScriptedJudge(deaf, gap=gap))
    assert outcome.ending in (Ending.UNDECIDED, Ending.UNREACHABLE)
    assert stage.serving == (4, 1)


@pytest.mark.parametrize("gap", list(Gap))
def test_a_server_that_was_heard_once_and_then_went_promotes_nothing(gap):
    stage = Stage()

    def says(sides, now, worse, windows):
        return shy(sides, now, worse, windows) if windows < 4 else deaf(sides, now, worse, windows)

    order = stage.start(policy(stage.clock, 1, 2, on_inconclusive="promote"))
    _, outcome = stage.play(order, ScriptedJudge(says, gap=gap))
    assert outcome.ending in (Ending.UNDECIDED, Ending.UNREACHABLE)
    assert stage.serving == (4, 1)


class Leaning(ScriptedJudge):
    """Undecided, with evidence that leans against the canary."""

    def look(self, sides, now, worse):
        return replace(super().look(sides, now, worse), log_e_roll_back=2.0)


def test_evidence_that_leans_against_the_canary_is_promoted_by_no_policy():
    stage = Stage()
    order = stage.start(policy(stage.clock, 1, 2, on_inconclusive="promote"))
    _, outcome = stage.play(order, Leaning(shy))
    assert (outcome.ending, stage.serving) == (Ending.UNDECIDED, (4, 1))


# ---- the lock


def gone(stage):
    """A runner that was killed at its first step, just now."""
    dead = []

    def fault(name):
        if dead or (name == "before asked" and any("StepReached" in line for line in stage.world.journal)):
            dead.append(name)
            raise Killed

    with pytest.raises(Killed):
        stage.play(stage.start(policy(stage.clock, 1, 2)), ScriptedJudge(shy), fault)


def test_who_resumes_right_after_a_runner_died_waits_for_its_lock_and_says_so():
    stage = Stage()
    gone(stage)
    began = stage.clock.elapsed()
    events, outcome = stage.play(Resume(runner="ci-2"), ScriptedJudge(good))
    waits = [event.what for event in events if isinstance(event, Warned) and "holds the lock" in event.what]
    assert outcome.ending is Ending.DONE
    assert len(waits) >= 2
    assert "ci-1" in waits[0]
    assert "35s at most" in waits[0]
    assert first(events, Warned).at - stage.world.clock.world_now() < timedelta(0)
    assert stage.clock.elapsed() - began > 30 * SECONDS


def test_a_runner_that_lives_is_not_waited_for():
    stage = Stage()
    run = rollout(stage.start(policy(stage.clock, 1, 2)), stage.ports(ScriptedJudge(shy)))
    next(run)

    def lives(now):
        holder = stage.world.holder
        if holder and now - holder.renewed_at >= 5 * SECONDS:
            stage.world.holder = replace(holder, renewed_at=now)

    stage.clock.whenever(lives)
    began = stage.clock.elapsed()
    with pytest.raises(LockedOut, match="ci-1"):
        stage.play(Resume(runner="ci-2"), ScriptedJudge(good))
    assert stage.clock.elapsed() - began <= 10 * SECONDS


def test_the_fence_is_taken_before_anything_is_read_that_is_acted_on():
    """Between the lock and the fence the runner before may still write."""
    stage = Stage()
    gone(stage)
    stage.clock.sleep(60)
    stale = MemoryPlatform(stage.world)
    stale._fence = stage.world.fence

    def fault(name):
        if name == "before take" and stage.world.deployment.images == NEW:
            stale.restore(stale.snapshot().held, "whole", 0)
            stage.clock.sleep(3)

    _, outcome = stage.play(Resume(runner="ci-2"), ScriptedJudge(good), fault)
    assert (outcome.ending, stage.serving, stage.images) == (Ending.ROLLED_BACK, (4, 0), OLD)
    assert stage.is_as_it_was


# ---- no trace


@pytest.mark.parametrize("hold", ["roll_back", "hold"])
def test_an_interruption_before_the_first_patch_sends_none_and_leaves_no_trace(hold):
    stage, calls = Stage(), []

    def fault(name):
        calls.append(name)
        if name == "before write":
            stage.clock.interrupt()

    _, outcome = stage.play(stage.start(policy(stage.clock, 1, on_interrupt=hold)), ScriptedJudge(good), fault)
    assert outcome.ending is Ending.INTERRUPTED
    assert not [name for name in calls if name in ("before propose", "before restore", "before freeze")]
    assert stage.is_as_it_was


def test_a_fence_that_is_written_again_on_the_way_back_is_taken_away_at_the_end():
    stage = Stage()

    def meddle(now):
        if stage.world.marks and stage.world.deployment.images == OLD:
            stage.world.marks, stage.world.fenced = None, True

    stage.clock.whenever(meddle)
    _, outcome = stage.play(stage.start(policy(stage.clock, 1)), ScriptedJudge(bad))
    assert outcome.ending is Ending.ROLLED_BACK
    assert stage.is_as_it_was


@pytest.mark.parametrize("order", [Enforce(runner="cron"), Resume(runner="ann")])
def test_a_fence_that_a_dead_runner_left_alone_is_taken_away_by_the_next(order):
    stage = Stage()
    stage.world.fenced, stage.world.fence, stage.world.last_fence = True, 7, 7
    try:
        stage.play(order, ScriptedJudge(good))
    except Missing:
        assert isinstance(order, Resume)
    assert stage.is_as_it_was


def test_an_abort_between_ticks_is_heard_within_a_fraction_of_a_second():
    for at in range(20, 40):
        stage = Stage()
        asked, sent = [], []

        def person(now, at=at, stage=stage, asked=asked):
            if not asked and stage.clock.elapsed() >= at * SECONDS + timedelta(milliseconds=30 * at):
                asked.append(stage.clock.elapsed())
                MemoryJournal(stage.world).ask(Asked(at=now, what="abort", by="ann"))

        def fault(name, sent=sent, stage=stage):
            if name == "before restore":
                sent.append(stage.clock.elapsed())

        stage.clock.whenever(person)
        ports = replace(stage.ports(ScriptedJudge(shy), fault), listen=0.2)
        _, outcome = stage.driven(stage.start(policy(stage.clock, 1)), ports)
        assert outcome.ending is Ending.ROLLED_BACK
        assert sent[0] - asked[0] <= timedelta(milliseconds=200), at
        assert stage.world.serving(STABLE) == (4, 0)

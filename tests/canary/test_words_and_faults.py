"""People's words, interruptions, other runners, other people's writes, and a cluster that does not answer."""

from datetime import timedelta
from itertools import pairwise

import pytest

from canary_stage import NEW, OLD, STABLE, Fault, ScriptedJudge, Stage, bad, deaf, failing_at, good, policy, shy
from davy.canary.engine.driver.rollout import Enforce, Patience, Resume, rollout
from davy.canary.platforms.memory.deployment import Behaviour, Rollout
from davy.canary.platforms.memory.platform import Killed, MemoryJournal, MemoryPlatform
from davy.canary.ports.platform import Speed
from davy.pipeline.core.endings import Ending
from davy.pipeline.core.errors import Conflict, Forbidden, LockedOut, Missing, Unreachable
from davy.pipeline.core.events import (
    Asked,
    CanaryFinished,
    Judged,
    PromotionStarted,
    RollbackStarted,
    RolledBack,
    StepEntered,
    StepReached,
    Warned,
)
from davy.pipeline.core.verdict import Decision

SECONDS = timedelta(seconds=1)


def when(kind, do, number=1):
    """Do something at the n-th event of a kind."""
    seen = []

    def on(event):
        if isinstance(event, kind):
            seen.append(event)
            if len(seen) == number:
                do()

    return on


class KilledAt(Fault):
    """The runner dies at this call."""

    def __init__(self, name):
        super().__init__()
        self.name = name

    def __call__(self, name):
        super().__call__(name)
        if name == self.name:
            self.dead = True
            raise Killed


def ask(stage, what, by="ann", why=""):
    MemoryJournal(stage.world).ask(Asked(at=stage.clock.now(), what=what, by=by, why=why))


def kinds(events, kind):
    return [event for event in events if isinstance(event, kind)]


# ---- words


def test_a_persons_promote_is_good_for_one_step_and_is_recorded():
    stage = Stage()
    on = when(StepReached, lambda: ask(stage, "promote"))
    events, outcome = stage.play(stage.start(policy(stage.clock, 1, 2)), ScriptedJudge(shy), on=on)
    assert [(entered.pods, entered.by) for entered in kinds(events, StepEntered)] == [(1, ""), (2, "ann")]
    assert (outcome.ending, stage.serving) == (Ending.UNDECIDED, (4, 2))


def test_a_step_that_wants_approval_waits_for_it_however_good_the_evidence():
    stage = Stage()
    _, outcome = stage.play(stage.start(policy(stage.clock, 1, approve=True)), ScriptedJudge(good))
    assert (outcome.ending, stage.serving) == (Ending.UNDECIDED, (4, 1))
    ask(stage, "promote")
    events, outcome = stage.play(Resume(runner="ci-2"), ScriptedJudge(good))
    assert (outcome.ending, kinds(events, PromotionStarted)[0].by) == (Ending.DONE, "ann")


def test_an_abort_takes_it_back_from_any_phase_even_while_baking():
    for kind in (StepEntered, StepReached, PromotionStarted):
        stage = Stage()
        on = when(kind, lambda stage=stage: ask(stage, "abort", why="wrong branch"))
        events, outcome = stage.play(stage.start(policy(stage.clock, 1)), ScriptedJudge(good), on=on)
        assert (outcome.ending, stage.serving, stage.images) == (Ending.ROLLED_BACK, (4, 0), OLD)
        assert kinds(events, RollbackStarted)[0].by == "ann"
        assert "wrong branch" in outcome.sentence


def test_a_hold_stops_the_growth_until_a_promote():
    stage = Stage()
    order = stage.start(policy(stage.clock, 1, 2))
    ask_hold = when(StepReached, lambda: ask(stage, "hold"))
    _, outcome = stage.play(order, ScriptedJudge(good), on=ask_hold)
    assert (outcome.ending, stage.serving) == (Ending.UNDECIDED, (4, 1))
    ask(stage, "promote")
    _, outcome = stage.play(Resume(runner="ci-2"), ScriptedJudge(good))
    assert outcome.ending is Ending.DONE


def test_a_failing_verdict_beats_a_persons_promote():
    stage = Stage()
    on = when(StepReached, lambda: ask(stage, "promote"))
    _, outcome = stage.play(stage.start(policy(stage.clock, 1, 2)), ScriptedJudge(failing_at(1)), on=on)
    assert (outcome.ending, stage.serving) == (Ending.ROLLED_BACK, (4, 0))


def test_a_word_is_honoured_once_though_the_runner_changes():
    stage = Stage()
    on = when(StepReached, lambda: ask(stage, "promote"))
    stage.play(stage.start(policy(stage.clock, 1, 2, 4)), ScriptedJudge(shy), on=on)
    _, outcome = stage.resume(ScriptedJudge(shy))
    assert (outcome.ending, stage.serving) == (Ending.UNDECIDED, (4, 2))


# ---- time


def test_the_policy_at_the_deadline_is_carried_out():
    stage = Stage()
    _, outcome = stage.play(stage.start(policy(stage.clock, 1, on_inconclusive="roll_back")), ScriptedJudge(shy))
    assert (outcome.ending, stage.serving) == (Ending.ROLLED_BACK, (4, 0))
    stage = Stage()
    events, outcome = stage.play(stage.start(policy(stage.clock, 1, on_inconclusive="promote")), ScriptedJudge(shy))
    assert outcome.ending is Ending.DONE
    assert kinds(events, PromotionStarted)[0].by == "policy on_inconclusive"


def test_a_step_that_lasts_too_long_is_undecided_before_the_deadline():
    stage = Stage()
    began = stage.clock.now()
    _, outcome = stage.play(stage.start(policy(stage.clock, 1, at_most=30 * SECONDS)), ScriptedJudge(shy))
    assert outcome.ending is Ending.UNDECIDED
    assert stage.clock.now() - began < 60 * SECONDS


def test_good_evidence_does_not_shorten_a_step():
    stage = Stage()
    order = stage.start(policy(stage.clock, 1, 2, at_least=60 * SECONDS))
    events, _ = stage.play(order, ScriptedJudge(good))
    reached, entered = kinds(events, StepReached)[0], kinds(events, StepEntered)[1]
    assert entered.at - reached.at >= 60 * SECONDS


def test_a_held_rollout_that_a_person_resumes_has_its_whole_time_again():
    stage = Stage()
    stage.play(stage.start(policy(stage.clock, 1)), ScriptedJudge(shy))
    again = stage.clock.now()
    _, outcome = stage.play(Resume(runner="ann"), ScriptedJudge(shy))
    assert outcome.ending is Ending.UNDECIDED
    assert stage.clock.now() - again >= timedelta(minutes=10)


# ---- interruption


@pytest.mark.parametrize("kind", [StepEntered, StepReached, PromotionStarted])
def test_an_interruption_makes_traffic_safe_first(kind):
    stage = Stage()
    _, outcome = stage.play(
        stage.start(policy(stage.clock, 1)), ScriptedJudge(good), on=when(kind, stage.clock.interrupt)
    )
    assert (outcome.ending, stage.serving, stage.images) == (Ending.INTERRUPTED, (4, 0), OLD)
    assert stage.is_as_it_was


def test_an_interruption_may_hold_instead():
    stage = Stage()
    order = stage.start(policy(stage.clock, 1, on_interrupt="hold"))
    _, outcome = stage.play(order, ScriptedJudge(good), on=when(StepReached, stage.clock.interrupt))
    assert (outcome.ending, stage.serving) == (Ending.INTERRUPTED, (4, 1))


# ---- the way back


def test_while_stable_is_whole_the_rollback_is_at_once():
    stage = Stage()
    events, _ = stage.play(stage.start(policy(stage.clock, 2)), ScriptedJudge(bad))
    assert kinds(events, RollbackStarted)[0].how.startswith("whole: no stable pod was taken away (4 are there)")
    assert kinds(events, RolledBack)[0].took <= 2 * SECONDS


@pytest.mark.parametrize(("rate", "speed", "least"), [(0.05, "surge", 8), (0.9, "replace", 2)])
def test_half_way_through_a_promotion_the_rollback_chooses_by_what_the_bad_pods_are_worth(rate, speed, least):
    stage = Stage(replicas=8)
    own = Rollout(surge="2", unavailable="0")
    stage.world.deployment.rollout = own
    stage.world.deployment.behaviours[NEW["app"]] = Behaviour(ready_after=5 * SECONDS)
    judge = ScriptedJudge(failing_at(3), bad_rate=rate, interval=SECONDS)
    order = stage.start(policy(stage.clock, 2, replicas=8))
    at = []
    events, outcome = stage.play(order, judge, on=when(RollbackStarted, lambda: at.append(len(stage.trace))))
    assert kinds(events, RollbackStarted)[0].how.startswith(f"{speed}: ")
    assert (outcome.ending, stage.serving) == (Ending.ROLLED_BACK, (8, 0))
    assert min(sum(moment) for moment in stage.trace[at[0] :]) >= least
    assert stage.world.deployment.rollout == own


def test_traffic_is_safe_before_the_failing_verdict_is_told():
    stage = Stage()
    images = []

    def on(event):
        if isinstance(event, Judged) and event.verdict.decision is Decision.ROLL_BACK:
            images.append(dict(stage.images))

    stage.play(stage.start(policy(stage.clock, 1)), ScriptedJudge(bad), on=on)
    assert images == [OLD]


def test_a_rollback_that_does_not_get_through_ends_stuck_with_what_to_do_by_hand_and_can_be_resumed():
    stage = Stage()
    order = stage.start(policy(stage.clock, 1))
    sick = Behaviour(ready_after=None)

    def no_stable_pod_gets_ready():
        stage.world.deployment.behaviours[OLD["app"]] = sick
        stage.clock.sleep(2)

    judge = ScriptedJudge(failing_at(3), interval=SECONDS)
    _, outcome = stage.play(order, judge, on=when(PromotionStarted, no_stable_pod_gets_ready))
    assert outcome.ending is Ending.STUCK
    assert "kubectl -n shop patch deployment checkout --type=json" in outcome.sentence
    assert "rollout undo" not in outcome.sentence  # it would go forward: stable's template is already there
    for pod in stage.world.deployment.pods():
        pod.behaviour = Behaviour()
    _, outcome = stage.resume(ScriptedJudge(good))
    assert (outcome.ending, stage.serving) == (Ending.ROLLED_BACK, (4, 0))


# ---- other runners and other people


def test_a_second_runner_is_refused_and_the_holder_named():
    stage = Stage()
    run = rollout(stage.start(policy(stage.clock, 1)), stage.ports(ScriptedJudge(good)))
    next(run)
    with pytest.raises(LockedOut, match="ci-1"):
        stage.play(stage.start(policy(stage.clock, 1), release="r2", runner="ci-2"), ScriptedJudge(good))


def test_a_runner_that_lost_its_lock_touches_nothing_more():
    stage = Stage()
    run = rollout(stage.start(policy(stage.clock, 1, 2)), stage.ports(ScriptedJudge(good)))
    next(run)
    stage.clock.sleep(60)
    other = rollout(Resume(runner="ci-2"), stage.ports(ScriptedJudge(shy)))
    next(other)
    before = stage.world.deployment.rollout, stage.images, list(stage.world.journal)
    assert kinds(list(run), CanaryFinished)[0].ending is Ending.LOCKED_OUT
    assert (stage.world.deployment.rollout, stage.images, stage.world.journal) == before


def test_a_stale_runners_writes_are_fenced_out():
    stage = Stage()
    stale, fresh = MemoryPlatform(stage.world), MemoryPlatform(stage.world)
    stale.take(1)
    fresh.take(2)
    for write in (stale.freeze, lambda: stale.size(4), lambda: stale.restore(fresh.snapshot().own, Speed.WHOLE, 0)):
        with pytest.raises(Conflict):
            write()
    with pytest.raises(Conflict):
        stale.take(1)
    fresh.freeze()


def test_someone_elses_template_is_left_alone_and_said():
    stage = Stage()
    other = {"app": "shop/app@sha256:3"}
    order = stage.start(policy(stage.clock, 1, 2))
    on = when(StepReached, lambda: stage.world.deployment.changed(images=other))
    _, outcome = stage.play(order, ScriptedJudge(good), on=on)
    assert outcome.ending is Ending.LOCKED_OUT
    assert "someone gave the Deployment another template" in outcome.sentence
    assert stage.images == other
    assert stage.serving == (4, 1)


def test_someone_who_puts_the_old_template_back_is_agreed_with():
    stage = Stage()
    order = stage.start(policy(stage.clock, 1, 2))
    on = when(StepReached, lambda: stage.world.deployment.changed(images=OLD))
    _, outcome = stage.play(order, ScriptedJudge(good), on=on)
    assert (outcome.ending, stage.serving) == (Ending.ROLLED_BACK, (4, 0))
    assert stage.is_as_it_was


def test_a_new_release_is_refused_while_one_is_held_on_purpose():
    stage = Stage()
    stage.play(stage.start(policy(stage.clock, 1)), ScriptedJudge(shy))
    with pytest.raises(LockedOut, match="r1 is held"):
        stage.play(stage.start(policy(stage.clock, 1), release="r2"), ScriptedJudge(good))
    assert stage.serving == (4, 1)


def test_a_new_release_first_takes_back_one_whose_runner_vanished():
    stage = Stage()
    with pytest.raises(Killed):
        stage.play(stage.start(policy(stage.clock, 1)), ScriptedJudge(shy), KilledAt("after freeze"))
    stage.clock.sleep(60)
    _, outcome = stage.play(stage.start(policy(stage.clock, 1), release="r2", runner="ci-2"), ScriptedJudge(good))
    assert (outcome.ending, outcome.state.started.release) == (Ending.DONE, "r2")
    assert [past.release for past in MemoryJournal(stage.world).history()] == ["r1"]


def test_marks_without_a_journal_are_taken_back():
    stage = Stage()
    stage.play(stage.start(policy(stage.clock, 1)), ScriptedJudge(shy))
    stage.world.journal.clear()
    _, outcome = stage.play(Enforce(runner="cron"), ScriptedJudge(shy))
    assert (outcome.ending, stage.serving, stage.images) == (Ending.ROLLED_BACK, (4, 0), OLD)
    assert stage.is_as_it_was


def test_there_is_nothing_to_resume_where_nothing_was_begun():
    with pytest.raises(Missing, match="nothing to resume"):
        Stage().play(Resume(runner="ann"), ScriptedJudge(good))


def test_an_image_that_serves_already_is_no_rollout():
    stage = Stage()
    stage.world.deployment.images = dict(NEW)
    _, outcome = stage.play(stage.start(policy(stage.clock, 1)), ScriptedJudge(good))
    assert outcome.ending is Ending.DONE
    assert stage.world.journal == []


def test_an_autoscaler_that_doubles_and_halves_the_deployment_promotes_nothing():
    stage = Stage()
    order = stage.start(policy(stage.clock, 1, 2, deadline=stage.clock.now() + 120 * SECONDS))

    def scale():
        for replicas in (8, 4):
            stage.world.deployment.replicas = replicas
            stage.clock.sleep(10)
            stable, canary = stage.serving
            assert (stable, canary) in ((8, 2), (7, 2), (4, 1))

    _, outcome = stage.play(order, ScriptedJudge(shy), on=when(StepReached, scale))
    assert (outcome.ending, stage.serving) == (Ending.UNDECIDED, (4, 1))


# ---- a cluster that does not answer


def faults(*errors):
    """The next calls of the cluster and the journal fail with these, one after the other."""
    left = list(errors)

    class Failing(Fault):
        def __call__(self, name):
            if self.calls is not None and name.startswith("before ") and left and self.armed and "release" not in name:
                raise left.pop(0)

    failing = Failing()
    failing.armed = False
    return failing


def test_an_api_server_that_is_away_for_a_while_changes_no_end():
    for says, ending in ((good, Ending.DONE), (bad, Ending.ROLLED_BACK)):
        for kind in (StepEntered, StepReached, PromotionStarted, RollbackStarted):
            stage = Stage()
            fault = faults(*[Unreachable("429 Too Many Requests")] * 20, Conflict("409"), *[Unreachable("500")] * 20)
            events, outcome = stage.play(
                stage.start(policy(stage.clock, 1)),
                ScriptedJudge(says),
                fault,
                on=when(kind, lambda fault=fault: setattr(fault, "armed", True)),
            )
            assert outcome.ending is ending
            assert len(kinds(events, Warned)) <= 3


def test_an_api_server_that_stays_away_ends_unreachable_and_resumable():
    stage = Stage()
    fault = faults(*[Unreachable("the API server does not answer")] * 10_000)
    _, outcome = stage.play(
        stage.start(policy(stage.clock, 1)),
        ScriptedJudge(good),
        fault,
        on=when(StepReached, lambda: setattr(fault, "armed", True)),
        patience=Patience(going_on=30 * SECONDS),
    )
    assert (outcome.ending, stage.serving) == (Ending.UNREACHABLE, (4, 1))
    _, outcome = stage.resume(ScriptedJudge(good))
    assert outcome.ending is Ending.DONE


def test_a_rollback_is_tried_for_longer_and_then_calls_a_person():
    stage = Stage()
    fault = Fault()
    cluster_away = Unreachable("the API server does not answer")

    class Away(Fault):
        def __call__(self, name):
            if name == "before restore":
                raise cluster_away

    fault = Away()
    began = stage.clock.now()
    patience = Patience(going_on=30 * SECONDS, rolling_back=300 * SECONDS)
    _, outcome = stage.play(stage.start(policy(stage.clock, 1)), ScriptedJudge(bad), fault, patience=patience)
    assert outcome.ending is Ending.STUCK
    assert stage.clock.now() - began >= 60 * SECONDS
    _, outcome = stage.resume(ScriptedJudge(good))
    assert (outcome.ending, stage.serving) == (Ending.ROLLED_BACK, (4, 0))


def test_a_look_whose_answer_was_lost_counts_once_in_the_evidence():
    stage = Stage()

    class AnswerLost(Fault):
        def __call__(self, name):
            looked = '"Judged"' in (stage.world.journal or [""])[-1]
            if name == "after write" and looked and len(stage.world.journal) % 2:
                raise Unreachable("timed out")
            super().__call__(name)

    stage.play(stage.start(policy(stage.clock, 1)), ScriptedJudge(shy), AnswerLost())
    looks = [event.verdict.at for event in kinds(MemoryJournal(stage.world).read(), Judged)]
    assert len(looks) == len(set(looks)) > 0
    judge = ScriptedJudge(bad)
    fresh = rollout(Resume(runner="ci-2"), stage.ports(judge))
    next(fresh)
    assert judge.windows == len(set(looks)) + 1, "each once, and the look of the first tick"


def test_a_rollback_waits_for_no_journal():
    stage = Stage()

    class NoJournal(Fault):
        broken = False

        def __call__(self, name):
            if self.broken and name == "before write":
                raise Unreachable("the journal cannot be written")

    fault = NoJournal()

    def on(event):
        if isinstance(event, StepReached):
            fault.broken = True
        if isinstance(event, RollbackStarted):
            assert stage.images == OLD
            fault.broken = False

    _, outcome = stage.play(stage.start(policy(stage.clock, 1)), ScriptedJudge(bad), fault, on=on)
    assert outcome.ending is Ending.ROLLED_BACK
    assert any("RollbackStarted" in line for line in stage.world.journal)


def test_rights_lost_half_way_take_the_canary_back_and_say_so():
    stage = Stage()

    class NoGrow(Fault):
        def __call__(self, name):
            if name == "before complete":
                raise Forbidden("may not patch deployments")

    _, outcome = stage.play(stage.start(policy(stage.clock, 1)), ScriptedJudge(good), NoGrow())
    assert (outcome.ending, stage.images, stage.serving) == (Ending.ROLLED_BACK, OLD, (4, 0))
    assert "may not patch deployments" in outcome.sentence


def test_a_judge_that_knows_nothing_for_a_while_only_delays():
    stage = Stage()

    def says(sides, now, worse, windows):
        quiet = now - sides.started_at < 120 * SECONDS
        return deaf(sides, now, worse, windows) if quiet else good(sides, now, worse, windows)

    _, outcome = stage.play(stage.start(policy(stage.clock, 1)), ScriptedJudge(says))
    assert outcome.ending is Ending.DONE


def test_the_judge_is_asked_no_oftener_than_it_can_know_something_new_and_with_the_steps_own_demand():
    stage = Stage()
    judge = ScriptedJudge(good)
    events, _ = stage.play(stage.start(policy(stage.clock, 1, 2)), judge)
    looks = [event.at for event in kinds(events, Judged)]
    assert min(b - a for a, b in pairwise(looks)) >= judge.interval
    assert judge.asked_worse == sorted(judge.asked_worse, reverse=True)
    assert set(judge.asked_worse) == {3.0, 2.0}


def test_the_stable_hash_is_kubernetes_own():
    stage = Stage()
    events, _ = stage.play(stage.start(policy(stage.clock, 1)), ScriptedJudge(good))
    assert events[0].stable_hash == STABLE


def test_someone_who_keeps_writing_a_strategy_of_their_own_keeps_nobody_from_ending():
    stage = Stage()
    own = Rollout(surge="1", unavailable="0")

    def theirs(now):
        if stage.world.marks is None:
            stage.world.deployment.rollout = own

    order = stage.start(policy(stage.clock, 1))
    stage.clock.whenever(theirs)
    _, outcome = stage.play(order, ScriptedJudge(good))
    assert (outcome.ending, stage.world.deployment.rollout) == (Ending.DONE, own)


def test_a_canary_under_an_autoscaler_still_goes_at_once():
    stage = Stage()
    order = stage.start(policy(stage.clock, 1, 4))

    def scale():
        stage.world.deployment.replicas = 8
        stage.clock.sleep(10)

    events, outcome = stage.play(order, ScriptedJudge(failing_at(2)), on=when(StepReached, scale))
    assert kinds(events, RollbackStarted)[0].how.startswith("whole: ")
    assert (outcome.ending, stage.serving) == (Ending.ROLLED_BACK, (8, 0))


def test_where_no_stable_pod_serves_bad_pods_stay_until_stable_ones_are_ready():
    stage = Stage(replicas=8)
    at = []
    order = stage.start(policy(stage.clock, 2, replicas=8))
    judge = ScriptedJudge(failing_at(8), bad_rate=0.9)
    events, outcome = stage.play(order, judge, on=when(RollbackStarted, lambda: at.append(len(stage.trace))))
    assert "no stable pod serves yet" in kinds(events, RollbackStarted)[0].how
    assert outcome.ending is Ending.ROLLED_BACK
    assert min(sum(moment) for moment in stage.trace[at[0] :]) >= 8

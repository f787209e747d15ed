"""No error of any kind, from any side, leaves a canary serving with nobody in charge."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from canary_stage import NEW, OLD, Broken, ScriptedJudge, Stage, bad, good, policy, shy
from davy.canary.engine.driver.rollout import Enforce
from davy.canary.platforms.memory.platform import MemoryJournal, MemoryPlatform
from davy.pipeline.clients.kubernetes.answers import ApiAnswer, fail
from davy.pipeline.clients.kubernetes.kubeconfig import Access
from davy.pipeline.core.endings import Ending
from davy.pipeline.core.errors import DavyError, Unreachable
from davy.pipeline.core.events import CanaryStarted, PromotionStarted, StepReached, Warned

pytestmark = pytest.mark.slow

SECONDS = timedelta(seconds=1)
MINUTES = timedelta(minutes=1)


def answered(status, body=b"<html>proxy</html>"):
    """The error of an API server's answer."""
    try:
        fail("PUT", "/api/v1/configmaps", ApiAnswer(status=status, body=body), Access(server="https://cluster"))
    except DavyError as error:
        return error


STATUSES = [
    400,
    401,
    403,
    404,
    405,
    406,
    408,
    409,
    410,
    413,
    415,
    418,
    422,
    429,
    451,
    499,
    500,
    501,
    502,
    503,
    504,
    599,
]
ERRORS = {
    **{f"status {status}": answered(status) for status in STATUSES},
    "silence": Unreachable("no answer"),
    "a page that is no JSON": json.JSONDecodeError("Expecting value", "<html>", 0),
    "JSON nested too deep": RecursionError("maximum recursion depth exceeded"),
    "a defect": LookupError("no rollout was begun"),
    "memory": MemoryError(),
    "the wrong type": TypeError("'NoneType' object is not subscriptable"),
    "a broken pipe": BrokenPipeError("pipe"),
}
SOURCES = {
    "the journal's writes": "before write",
    "the journal, all of it": "write,read,asked",
    "people's words": "before asked",
    "the lock": "before renew",
    "what is seen": "before snapshot",
    "everything but the patch": "write,read,asked,renew,snapshot",
}


def is_safe(stage, outcome):
    """Stable has all the traffic, or the canary is where a person is called to or another runner goes on."""
    if outcome.ending is Ending.ROLLED_BACK:
        return stage.serving == (4, 0) and stage.images == OLD
    if outcome.ending is Ending.STUCK:
        return stage.serving == (4, 0)
    return outcome.ending is Ending.DONE and stage.serving == (0, 4)


SOME = ["status 403", "status 404", "silence", "a page that is no JSON"]
EACH = [(source, error) for source in SOURCES for error in SOME]
EACH += [(source, error) for source in ("the journal's writes", "everything but the patch") for error in ERRORS]


@pytest.mark.parametrize(("source", "error"), dict.fromkeys(EACH))
def test_whatever_stops_answering_and_however_stable_has_its_traffic_back(source, error):
    stage = Stage()
    fault = Broken(stage, SOURCES[source], ERRORS[error])
    _, outcome = stage.play(stage.start(policy(stage.clock, 1, 2)), ScriptedJudge(shy), fault)
    assert fault.met > 1, "it was asked again"
    assert outcome.ending in (Ending.ROLLED_BACK, Ending.STUCK)
    assert (stage.serving, stage.images) == ((4, 0), OLD)
    if "snapshot" not in SOURCES[source]:
        assert outcome.ending is Ending.ROLLED_BACK
        assert stage.is_as_it_was


@pytest.mark.parametrize("source", [*SOURCES, "size", "freeze", "complete", "settle", "restore"])
@pytest.mark.parametrize("error", ["status 403", "status 413", "a page that is no JSON"])
@pytest.mark.parametrize(("says", "ending"), [(good, Ending.DONE), (bad, Ending.ROLLED_BACK)])
def test_what_answers_again_within_two_minutes_changes_no_end(source, error, says, ending):
    stage = Stage()
    fault = Broken(
        stage, SOURCES.get(source, f"before {source}"), ERRORS[error], after=4 * SECONDS, lasts=100 * SECONDS
    )
    order = stage.start(policy(stage.clock, 1, 2, ready_within=5 * MINUTES, promote_within=5 * MINUTES))
    _, outcome = stage.play(order, ScriptedJudge(says), fault)
    assert outcome.ending is ending
    assert is_safe(stage, outcome)
    assert stage.is_as_it_was


@pytest.mark.parametrize("error", ERRORS)
def test_a_failing_verdict_is_followed_by_the_patch_at_once_though_nothing_else_works(error):
    stage = Stage()
    judge = ScriptedJudge(shy)
    gone = []

    def says(sides, now, worse, windows):
        decision = bad(sides, now, worse, windows)
        if decision == "roll_back" and not gone:
            gone.append(stage.clock.elapsed())
            fault.begins = stage.clock.elapsed()
        return decision

    fault = Broken(stage, "write,read,asked,renew,snapshot", ERRORS[error], after=timedelta(days=1))
    sent = []

    class Timed(MemoryPlatform):
        def restore(self, *given):
            sent.append(stage.clock.elapsed())
            super().restore(*given)

    judge.says = says
    ports = replace(stage.ports(judge, fault), platform=Timed(stage.world, fault))
    fault.ends = timedelta(days=2)
    _, outcome = stage.driven(stage.start(policy(stage.clock, 1, 2)), ports)
    assert sent[0] == gone[0]
    assert outcome.ending in (Ending.ROLLED_BACK, Ending.STUCK)
    assert (stage.serving, stage.images) == ((4, 0), OLD)


def test_where_the_policy_is_to_hold_a_silent_journal_ends_unreachable_and_resumable():
    stage = Stage()
    fault = Broken(stage, "before write,before asked", answered(403))
    _, outcome = stage.play(stage.start(policy(stage.clock, 1, on_interrupt="hold")), ScriptedJudge(shy), fault)
    assert (outcome.ending, stage.serving) == (Ending.UNREACHABLE, (4, 1))
    _, outcome = stage.resume(ScriptedJudge(good))
    assert outcome.ending is Ending.DONE


@pytest.mark.parametrize("error", ["status 403", "status 404", "status 413", "status 503", "a defect"])
def test_once_the_promotion_is_under_way_it_needs_no_journal_and_no_lock(error):
    stage = Stage()
    fault = Broken(stage, "write,read,asked,renew", ERRORS[error], after=timedelta(days=1))

    def on(event):
        if isinstance(event, PromotionStarted):
            fault.begins = stage.clock.elapsed()
            fault.ends = timedelta(days=2)

    events, outcome = stage.play(stage.start(policy(stage.clock, 1)), ScriptedJudge(good), fault, on=on)
    assert (outcome.ending, stage.serving, stage.images) == (Ending.DONE, (0, 4), NEW)
    assert stage.is_as_it_was
    assert any("could not be journaled" in event.what for event in events if isinstance(event, Warned))
    stage.clock.sleep(60)
    _, outcome = stage.play(Enforce(runner="cron"), ScriptedJudge(good))
    assert (outcome.ending, stage.serving, stage.images) == (Ending.DONE, (0, 4), NEW)


@pytest.mark.parametrize("error", ["status 403", "status 404", "status 422"])
def test_a_no_before_the_first_patch_is_raised_and_nothing_was_touched(error):
    for call in ("before take", "before write", "before propose", "before read", "before snapshot"):
        stage = Stage()
        before = (stage.images, stage.world.deployment.rollout)
        with pytest.raises(type(ERRORS[error])):
            stage.play(
                stage.start(policy(stage.clock, 1)),
                ScriptedJudge(good),
                Broken(stage, call, ERRORS[error], timedelta(0)),
            )
        assert (stage.images, stage.world.deployment.rollout) == before, call
        assert stage.is_as_it_was, call
        stage.clock.sleep(60)
        _, outcome = stage.play(stage.start(policy(stage.clock, 1), release="r2"), ScriptedJudge(good))
        assert outcome.ending is Ending.DONE, call


def test_a_patch_that_may_not_be_sent_back_any_more_calls_a_person():
    stage = Stage()
    fault = Broken(stage, "write,read,asked,renew,snapshot,restore", answered(403))
    order = stage.start(policy(stage.clock, 1, deadline=stage.clock.now() + 60 * MINUTES))
    _, outcome = stage.play(order, ScriptedJudge(shy), fault)
    assert (outcome.ending, int(outcome.ending)) == (Ending.STUCK, 7)
    _, outcome = stage.resume(ScriptedJudge(good))
    assert outcome.ending is Ending.DONE


# ---- the journal is a copy


def deleted(stage):
    stage.world.journal.clear()
    stage.world.asked.clear()


def cut(stage):
    del stage.world.journal[0]


@pytest.mark.parametrize("lost", [deleted, cut])
@pytest.mark.parametrize(("says", "ending"), [(good, Ending.DONE), (bad, Ending.ROLLED_BACK), (shy, Ending.UNDECIDED)])
def test_a_journal_that_was_deleted_is_written_anew_from_the_state_in_memory(lost, says, ending):
    stage = Stage()

    def on(event):
        if isinstance(event, StepReached):
            lost(stage)

    _, outcome = stage.play(stage.start(policy(stage.clock, 1, 2)), ScriptedJudge(says), on=on)
    assert outcome.ending is ending
    read = MemoryJournal(stage.world).read()
    assert isinstance(read[0], CanaryStarted)
    assert [event.at for event in read] == sorted(event.at for event in read)


def test_a_journal_deleted_while_an_answer_is_in_doubt_leaves_nobody_without_a_state():
    for at in range(2, 14):
        stage = Stage()

        writes = []

        def doubt(name, stage=stage, at=at, writes=writes):
            writes.append(name == "after write")
            if name == "after write" and sum(writes) == at:
                deleted(stage)
                raise Unreachable("timed out")

        _, outcome = stage.play(stage.start(policy(stage.clock, 1, 2)), ScriptedJudge(bad), doubt)
        assert (outcome.ending, stage.serving) == (Ending.ROLLED_BACK, (4, 0)), at

"""What a person or a newer davy wrote into journal and marks is passed over and said, and the rollout still ends."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canary_stage import NEW, OLD, ScriptedJudge, Stage, good, policy, shy
from davy.canary.engine.driver.rollout import Enforce, Resume
from davy.canary.platforms.held_update import ROLLBACK
from davy.canary.platforms.kubernetes import annotation_values
from davy.canary.platforms.kubernetes.annotation_values import Version
from davy.canary.platforms.kubernetes.annotations import RELEASE, RESTORE, STABLE_HASH, fence_from
from davy.canary.platforms.kubernetes.journal.text import (
    asked_of,
    data_of,
    events_of,
    history_of,
    is_begun,
    ledger_from,
    with_word,
    written,
)
from davy.canary.platforms.kubernetes.patches import propose
from davy.canary.platforms.memory.platform import Killed
from davy.canary.ports.platform import Proposal
from davy.pipeline.core.endings import Ending
from davy.pipeline.core.errors import LockedOut, Missing
from davy.pipeline.core.events import Asked, CanaryStarted, Restore, StepReached, Warned
from davy.workflows.rollout import history as past
from davy.workflows.rollout import status

pytestmark = pytest.mark.slow

MINUTES = timedelta(minutes=1)


class TextJournal:
    """A journal as the texts of a ConfigMap, for whoever likes to edit them."""

    def __init__(self, data):
        self.data = data

    def write(self, events):
        ledger = ledger_from(self.data)
        if events and not (is_begun(ledger) or isinstance(events[0], CanaryStarted)):
            raise Missing("the journal is gone")
        fresh = data_of(written(ledger, events))
        self.data.clear()
        self.data.update(fresh)

    def read(self):
        return events_of(ledger_from(self.data))

    def ask(self, asked):
        self.data.update(data_of(with_word(ledger_from(self.data), asked)))

    def asked(self):
        return asked_of(ledger_from(self.data))

    def history(self):
        return history_of(ledger_from(self.data))


def ports(stage, data, says=shy, fault=None):
    return replace(stage.ports(ScriptedJudge(says), fault), journal=TextJournal(data))


def lost(pods=(1, 2)):
    """A rollout whose runner was killed at its last step, and the texts of its journal."""
    stage, data = Stage(), {}
    began = []

    def fault(name):
        if data.get("events", "").count('"StepReached"') >= len(pods) and data.get("windows"):
            began.append(name)
        if len(began) > 20:
            raise Killed

    says = lambda sides, now, worse, windows: good(sides, now, worse, windows) if len(sides.canary) < 2 else "go_on"  # noqa: E731
    with pytest.raises(Killed):
        stage.driven(stage.start(policy(stage.clock, *pods)), ports(stage, data, says, fault))
    stage.clock.sleep(60)
    assert stage.serving == (4, 2)
    return stage, data


# ---- the journal


def lines(text):
    return text.splitlines()


def swapped(text):
    """Out of order."""
    return "\n".join(reversed(lines(text)))


def half(text):
    return text[: len(text) - len(lines(text)[-1]) // 2]


def newer(text):
    """Another version of the events, and events that nobody knows yet."""
    return text.replace('"davy_event":1', '"davy_event":2')


def unknown(text):
    more = ['{"n":999,"davy_event":1,"event":"MirrorStarted","at":"2026-01-05T09:00:00Z","weight":3}']
    return "\n".join([*lines(text), *more])


def fields(text):
    return "\n".join(
        json.dumps({**json.loads(line), "mirrored": [1, 2]}, separators=(",", ":")) for line in lines(text)
    )


def numbered(text):
    """Every line with the same number."""
    return "\n".join(json.dumps({**json.loads(line), "n": 1}, separators=(",", ":")) for line in lines(text))


EDITS = {
    "all gone": lambda text: "",
    "the first line gone": lambda text: "\n".join(lines(text)[1:]),
    "the last line gone": lambda text: "\n".join(lines(text)[:-1]),
    "only the first line": lambda text: lines(text)[0],
    "half a line": half,
    "half of it": lambda text: text[: len(text) // 2],
    "from the middle on": lambda text: text[len(text) // 2 :],
    "out of order": swapped,
    "a newer version": newer,
    "an unknown event": unknown,
    "unknown fields": fields,
    "one number for all": numbered,
    "every line twice": lambda text: "\n".join(line for line in lines(text) for _ in range(2)),
    "no JSON": lambda text: "hello\nworld",
    "nested too deep": lambda text: text + "\n" + "[" * 100_000,
    "numbers too long": lambda text: text + '\n{"n":1e999}\n{"n":' + "9" * 6000 + "}",
    "other types": lambda text: 'null\n[]\n3\n"x"\n{}\n' + text,
    "times without an offset": lambda text: text.replace('Z"', '"'),
    "another century": lambda text: text.replace('"2026-', '"9999-'),
    "no steps": lambda text: text.replace('"steps":[{', '"stairs":[{'),
    "a step that is not": lambda text: text.replace('"step":1', '"step":77'),
    "a strategy that is none": lambda text: text.replace('"strategy":"{', '"strategy":"<'),
    "a null": lambda text: text.replace("e", "\x00", 3),
}


@pytest.mark.parametrize("key", ["events", "windows", "count", "asked"])
@pytest.mark.parametrize("name", EDITS)
def test_whatever_was_done_to_the_journal_it_is_read_and_the_rollout_is_taken_back(name, key):
    stage, data = lost()
    if data.get(key):
        try:
            data[key] = EDITS[name](data[key])
        except (IndexError, ValueError, TypeError):
            data[key] = ""
    else:
        data[key] = "\x00 none"
    journal = TextJournal(data)
    journal.read(), journal.asked(), journal.history()
    journal.ask(Asked(at=stage.clock.now(), what="abort", by="ann"))
    _, outcome = stage.driven(Resume(runner="ann"), ports(stage, data))
    assert outcome.ending is Ending.ROLLED_BACK
    assert (stage.serving, stage.images) == ((4, 0), OLD)
    assert stage.is_as_it_was
    stage.clock.sleep(60)
    _, outcome = stage.driven(stage.start(policy(stage.clock, 1), release="r2"), ports(stage, data, good))
    assert (outcome.ending, stage.images) == (Ending.DONE, NEW)


@pytest.mark.parametrize("order", ["resume", "enforce", "start"])
@pytest.mark.parametrize("name", EDITS)
def test_whatever_was_done_to_the_journal_every_order_ends(name, order):
    stage, data = lost()
    data["events"] = EDITS[name](data["events"])
    orders = {
        "resume": Resume(runner="ci-2"),
        "enforce": Enforce(runner="cron"),
        "start": stage.start(policy(stage.clock, 1), release="r2"),
    }
    try:
        _, outcome = stage.driven(orders[order], ports(stage, data))
    except LockedOut:
        pytest.fail("a runner that vanished holds nobody up")
    assert outcome.ending in (Ending.ROLLED_BACK, Ending.UNDECIDED, Ending.DONE)
    assert stage.serving[0] == 4
    assert stage.serving[1] <= 2


def test_what_is_passed_over_is_said():
    stage, data = lost()
    data["events"] = unknown(half(data["events"]))
    read = TextJournal(data).read()
    (said,) = [event.what for event in read if isinstance(event, Warned)]
    assert said == "2 lines of the journal cannot be read and are passed over"
    assert isinstance(read[0], CanaryStarted)
    at = ports(stage, data)
    snapshot = status.taken(at.platform, at.lock, at.journal, stage.clock.now)
    assert said in status.text(snapshot)
    assert past.table(at.journal.history())


def test_marks_without_a_journal_are_said_with_a_way_out_that_works():
    stage, data = lost()
    data.clear()
    at = ports(stage, data)
    text = status.text(status.taken(at.platform, at.lock, at.journal, stage.clock.now))
    assert "davy canary abort" in text
    assert "rollout undo" not in text


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_change_of_any_text_is_read_without_a_fault(draw):
    data = dict(KEPT)
    key = draw.draw(st.sampled_from(["events", "windows", "asked", "history", "count"]))
    text = data.get(key, "")
    at, to = sorted(draw.draw(st.tuples(*[st.integers(0, len(text))] * 2)))
    data[key] = text[:at] + draw.draw(st.text(max_size=8)) + text[to:]
    ledger = ledger_from(data)
    for read in (events_of, asked_of, history_of):
        read(ledger)
    again = written(ledger, [StepReached(at=MOMENT, step=0, pods=1, weight=20.0)])
    assert events_of(ledger_from(data_of(again)))[-1] == StepReached(at=MOMENT, step=0, pods=1, weight=20.0)


KEPT_STAGE, KEPT = lost()
MOMENT = KEPT_STAGE.clock.now()


# ---- the marks

RESTORED = Restore(
    images={"app": OLD["app"]}, strategy='{"rollingUpdate":{"maxSurge":1},"type":"RollingUpdate"}', min_ready_seconds=5
)
VERSIONS = (
    Version(hash="old", images=OLD, revision=7),
    Version(hash="older", images={"app": "shop/app@sha256:0"}, revision=3),
    Version(hash="new", images=NEW, revision=8, is_current=True),
)


def marks():
    """As `begin` writes them."""
    deployment = {
        "metadata": {"labels": {"a": "b"}},
        "spec": {"template": {"spec": {"containers": [{"name": "app", "image": OLD["app"]}]}}},
    }
    ops = propose(deployment, 7, Proposal(release="r1", images=NEW, restore=RESTORED, stable_hash="old"), 1)
    put = {op["path"].removeprefix("/metadata/annotations/").replace("~1", "/"): op.get("value") for op in ops}
    return {name: put[name] for name in (RELEASE, RESTORE, STABLE_HASH, ROLLBACK)}


GARBAGE = ["", "x", "null", "[]", "{}", "3", '{"images":{}}', '{"images":{"other":"x"},"strategy":"{}"}', "[" * 50_000]
GARBAGE += ['{"images":{"app":"x"},"strategy":"<"}', '{"images":{"app":"x"},"strategy":"{}","min_ready_seconds":-4}']


@pytest.mark.parametrize("text", GARBAGE)
def test_a_restore_mark_that_cannot_be_read_is_read_from_the_patch_for_a_person(text):
    notes = marks() | {RESTORE: text}
    found = annotation_values.read(notes, VERSIONS, ("app",))
    assert (found.held, found.release, found.stable_hash) == (RESTORED, "r1", "old")
    assert RESTORE in found.notes[0]
    assert ROLLBACK in found.notes[0]


@pytest.mark.parametrize("text", GARBAGE)
def test_without_both_marks_the_replica_set_of_before_says_what_to_put_back(text):
    for hashed in ("old", "", "nobody"):
        notes = {RELEASE: "r1", RESTORE: text, ROLLBACK: text, STABLE_HASH: hashed}
        found = annotation_values.read(notes, VERSIONS, ("app",))
        assert found.held is not None
        assert (found.held.images, found.stable_hash) == (OLD, "old")
        assert found.notes


def test_marks_as_davy_wrote_them_are_read_without_a_word():
    found = annotation_values.read(marks(), VERSIONS, ("app",))
    assert (found.held, found.stable_hash, found.notes) == (RESTORED, "old", ())


@pytest.mark.parametrize("text", ["", "x", "-1", "1.5", "²", "9" * 400, "99999999999", "٣", " 7", "1e3"])
def test_a_fence_that_no_lock_gave_is_none(text):
    assert fence_from(text) == 0


def test_a_fence_is_a_number_of_31_bits():
    assert [fence_from(text) for text in ("0", "7", "2147483647", "2147483648")] == [0, 7, 2147483647, 0]


def test_who_takes_the_marks_alone_away_has_promoted_nothing():
    stage, data = lost()
    stage.world.marks = None
    _, outcome = stage.driven(Enforce(runner="cron"), ports(stage, data))
    assert (outcome.ending, stage.serving, stage.images) == (Ending.ROLLED_BACK, (4, 0), OLD)
    assert stage.is_as_it_was

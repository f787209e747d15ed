"""Every event in every renderer, and hostile words in all of them."""

import dataclasses
import io
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from davy import workflows
from davy.pipeline.core import events as e
from davy.pipeline.core.endings import Ending
from davy.pipeline.core.json import codec
from davy.pipeline.core.text.sanitize import harmless, one_line
from davy.pipeline.core.verdict import Decision
from davy.workflows.render.bars import bar, factor, sparkline
from davy.workflows.render.json_lines import JsonLines
from davy.workflows.render.json_text import json_text
from davy.workflows.render.live.live import Live
from davy.workflows.render.live.picture import picture
from davy.workflows.render.phrases import REHEARSAL, phrase
from davy.workflows.render.scene import Scene, folded
from davy.workflows.render.text.lines import Text

START = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)

HOSTILE = (
    "\x1b[2J\x1b]0;owned\x07[bold red]markup[/]\r\n::set-output name=x::y\n  ::error::no\n"
    "##[error]x\n##vso[task.setvariable]y\n##teamcity[buildStop]z\nsection_start:1:a\x9b31m\u202eabc"
)


def kinds() -> list[type[e.Event]]:
    return [
        kind
        for kind in vars(e).values()
        if isinstance(kind, type) and issubclass(kind, e.Event) and kind is not e.Event
    ]


def pictures(events: list[e.Event], width: int = 80, height: int = 24) -> list[list[str]]:
    scene, seen = Scene(), []
    for event in events:
        scene = folded(scene, event)
        seen.append([line.plain for line in picture(scene, event.at + timedelta(seconds=1), width, height)])
    return seen


def test_the_samples_hold_every_kind_of_event(every_event: list[e.Event]) -> None:
    assert {type(event) for event in every_event} == set(kinds())


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: kind.__name__)
def test_every_event_has_words_of_its_own(kind: type[e.Event], every_event: list[e.Event]) -> None:
    sample = next(event for event in every_event if type(event) is kind)
    assert phrase(sample)


def test_looks_that_say_the_same_are_told_once_a_minute(story: list[e.Event]) -> None:
    stream = io.StringIO()
    view = Text(stream)
    for event in story:
        view.show(event)
    assert stream.getvalue().count("look: ") == 4


def test_a_note_of_the_judge_is_told_at_once_though_the_look_says_nothing_new(story: list[e.Event]) -> None:
    look = next(event for event in story if isinstance(event, e.Judged))
    noted = dataclasses.replace(look, verdict=dataclasses.replace(look.verdict, notes=("dispersion 2 assumed",)))
    stream = io.StringIO()
    view = Text(stream)
    for event in (look, look, noted, look):
        view.show(event)
    assert stream.getvalue().count("look: ") == 2
    assert stream.getvalue().endswith("  | dispersion 2 assumed\n")
    assert any("dispersion 2 assumed" in line for line in pictures([*story, noted])[-1])


def test_text_gives_each_event_a_line_with_its_time(every_event: list[e.Event]) -> None:
    stream = io.StringIO()
    view = Text(stream)
    every_event = [event for event in every_event if not isinstance(event, e.Judged | e.PartStarted)]
    for event in every_event:
        view.show(event)
    lines = stream.getvalue().splitlines()
    assert len([line for line in lines if not line[9:].startswith("  | ")]) == len(every_event)
    assert lines[0].startswith("     0s  release")
    assert "4m12s" in lines[-2]


def test_plain_lines_tell_why_it_ended_once() -> None:
    why, stream = "e2e failed: exit code 1", io.StringIO()
    view, now, none = Text(stream), datetime(2026, 1, 1, tzinfo=UTC), timedelta(0)
    view.show(e.StageFinished(at=now, stage=e.Stage.TEST, result=e.Result.FAILED, took=none, note=why))
    view.show(e.ReleaseFinished(at=now, ending=Ending.REJECTED, sentence=why, took=none))
    assert stream.getvalue().count(why) == 1


@given(st.dictionaries(st.text('#[vsoteamciy]{\\"'), st.text('#[vsoteamciy]{\\"')))
def test_no_ci_system_finds_a_command_in_json_and_the_value_is_the_same(said: dict[str, str]) -> None:
    line = json_text(said)
    assert "##" not in line
    assert json.loads(line) == said


def test_every_document_that_is_printed_goes_that_way() -> None:
    room = Path(workflows.__file__).parent
    # The schema is davy's own text, the player's is a file.
    own = {"render/json_text.py", "cli/commands/schema.py", "story/player.py"}
    found = {path.relative_to(room).as_posix() for path in room.rglob("*.py") if "json.dumps" in path.read_text()}
    assert found == own


def test_json_lines_decode_to_the_same_events(every_event: list[e.Event]) -> None:
    stream = io.StringIO()
    view = JsonLines(stream)
    for event in every_event:
        view.show(event)
    assert [codec.decode(json.loads(line)) for line in stream.getvalue().splitlines()] == every_event


def hostile(event: e.Event) -> e.Event:
    """The event with hostile words in each of its texts."""
    changes = {
        part.name: HOSTILE for part in dataclasses.fields(event) if type(getattr(event, part.name)) is str
    }  # fmt: skip
    if isinstance(event, e.Judged):
        changes = {"verdict": dataclasses.replace(event.verdict, sentence=HOSTILE, notes=(HOSTILE,))}
    return dataclasses.replace(event, **changes)  # type: ignore[arg-type]


def assert_harmless(shown: str) -> None:
    assert "\x1b" not in shown
    assert "\x9b" not in shown
    assert "\u202e" not in shown
    assert "##[" not in shown
    assert "##vso" not in shown
    assert "##teamcity" not in shown
    assert "section_start:" not in shown
    assert not any(line.strip().startswith("::") for line in shown.splitlines())


def test_hostile_words_are_harmless_in_plain_lines(every_event: list[e.Event]) -> None:
    stream = io.StringIO()
    view = Text(stream)
    for event in every_event:
        view.show(hostile(event))
    assert_harmless(stream.getvalue())
    assert "[bold red]markup[/]" in stream.getvalue()


def test_hostile_words_are_harmless_in_the_picture(every_event: list[e.Event]) -> None:
    for lines in pictures([hostile(event) for event in every_event]):
        assert_harmless("\n".join(lines))


def test_hostile_words_are_harmless_in_json_lines(every_event: list[e.Event]) -> None:
    stream = io.StringIO()
    view = JsonLines(stream)
    for event in every_event:
        view.show(hostile(event))
    # A section begins at the start of a line, and each of these starts with a brace.
    assert_harmless(stream.getvalue().replace("section_start:", ""))
    assert "\x1b" not in stream.getvalue()
    assert all(line.startswith("{") for line in stream.getvalue().splitlines())


@settings(max_examples=60)
@given(st.text())
def test_harmless_text_has_no_control_characters_left_and_washing_twice_changes_nothing(text: str) -> None:
    washed = harmless(text)
    assert not any(ord(c) < 32 and c != "\n" for c in washed)
    assert harmless(washed) == washed
    assert "\n" not in one_line(text)


@pytest.mark.parametrize("width", [40, 60, 80, 120])
@pytest.mark.parametrize("height", [8, 23, 50])
def test_the_picture_is_never_wider_or_higher_than_its_terminal(
    every_event: list[e.Event], width: int, height: int
) -> None:
    scene = Scene()
    for event in every_event:
        for shown in (event, hostile(event)):
            scene = folded(scene, shown)
            lines = picture(scene, event.at, width, height)
            assert len(lines) <= height
            assert max((line.cell_len for line in lines), default=0) <= width


def test_the_picture_says_the_step_the_pods_the_evidence_and_its_limits(story: list[e.Event]) -> None:
    shown = "\n".join(pictures(story)[-1])
    for words in (
        "step 2 of 4, 5 % wished, 5.2 % reached",
        "38 pods",
        "worse? roll back at 100",
        "not worse? go on at 20",
        "availability",
        "burn",
        "Not yet sure",
        "unit 212 passed",
    ):
        assert words in shown


def test_a_rehearsal_is_said_in_every_form() -> None:
    event = e.ReleaseStarted(at=START, release="r", service="s", rehearsal=True)
    text, lines = io.StringIO(), io.StringIO()
    Text(text).show(event)
    JsonLines(lines, rehearsal=True).show(e.FullyShifted(at=START))
    assert REHEARSAL in text.getvalue()
    assert json.loads(lines.getvalue())["rehearsal"] is True
    assert REHEARSAL[:60] in "\n".join(pictures([event])[-1])


def test_the_live_view_shows_and_leaves_the_last_picture(every_event: list[e.Event]) -> None:
    stream = io.StringIO()
    view = Live(stream, lambda: every_event[-1].at, color=False, size=(80, 24))
    for event in every_event:
        view.show(event)
    view.close()
    assert "rolled back: 12 of 612" in stream.getvalue()


def test_without_colour_the_live_view_sends_no_colour(story: list[e.Event]) -> None:
    stream = io.StringIO()
    view = Live(stream, lambda: story[-1].at, color=False, size=(80, 24))
    for event in story:
        view.show(event)
    view.close()
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]m", stream.getvalue())


def test_a_sparkline_is_as_wide_as_asked_and_rises_with_its_values() -> None:
    assert sparkline([0, 1, 2], 2, 5) == "▁▅█  "
    assert sparkline([float("nan")], 1, 1) == "?"
    assert sparkline([-5, 99], 1, 2) == "▁█"


def test_factors_are_read_as_people_write_them() -> None:
    assert [factor(log) for log in (-9.0, -1.2, 2.65, 4.61, 40.0, 5000.0)] == [
        "0.0",
        "0.3",
        "14",
        "100",
        "> 1e6",
        "> 1e6",
    ]


def test_a_bar_shows_one_block_for_whatever_is_there() -> None:
    assert bar(1, 1000, 20) == "▇"
    assert bar(0, 10, 20) == ""
    assert len(bar(10, 10, 20)) == 20


def test_a_look_from_the_journal_that_has_only_windows_leaves_the_sentence(story: list[e.Event]) -> None:
    scene = Scene()
    for event in story:
        scene = folded(scene, event)
    last = next(event for event in reversed(story) if isinstance(event, e.Judged))
    bare = dataclasses.replace(last.verdict, sentence="", evidence=(), decision=Decision.GO_ON)
    assert folded(scene, e.Judged(at=last.at, verdict=bare)).verdict == scene.verdict


def test_the_live_view_shows_each_part_with_the_last_that_it_said() -> None:
    at = datetime(2026, 5, 1, tzinfo=UTC)
    parts = [f"chrome/tests/test_{number}.py" for number in range(30)]
    events: list[e.Event] = [e.StageStarted(at=at, stage=e.Stage.TEST)]
    events += [e.PartStarted(at=at, suite="e2e", part=part, waiting=29 - at_) for at_, part in enumerate(parts)]
    events += [e.LogLine(at=at, source=f"test e2e {parts[0]}", line=f"step {step}") for step in (1, 2)]
    events += [e.PartFinished(at=at, suite="e2e", part=parts[1], result=e.Result.PASSED, took=timedelta(seconds=1))]
    last = pictures(events)[-1]
    assert any("29 at work, 1 over, 0 waiting" in line for line in last)
    (first,) = [line for line in last if parts[0] in line]
    assert "step 2" in first
    assert not any(parts[1] in line for line in last)
    assert any("… and 15 more" in line for line in last)
    assert all(len(line) <= 80 for line in last)

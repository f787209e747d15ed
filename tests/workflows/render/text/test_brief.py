"""The short plain lines: each fact once, and what failed in its own words."""

import dataclasses
import io
from datetime import UTC, datetime, timedelta

import pytest

from davy.pipeline.core import events as e
from davy.pipeline.core.endings import Ending
from davy.pipeline.core.verdict import Counts, Decision, Evidence, Verdict
from davy.workflows.render.text.brief import LAST_LINES, MOST_SOURCES, Brief, Tails

START = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
NONE = timedelta(0)


def shown(events: list[e.Event]) -> list[str]:
    stream = io.StringIO()
    view = Brief(stream)
    for event in events:
        view.show(event)
    view.close()
    return stream.getvalue().splitlines()


def printed(source: str, count: int, at: datetime = START) -> list[e.Event]:
    return [e.LogLine(at=at, source=source, line=f"{source} says {number}") for number in range(count)]


def looked(decision: Decision, sentence: str, minute: int) -> e.Judged:
    evidence = Evidence(metric="errors", canary=Counts(bad=1, total=900), stable=Counts(bad=4, total=9000))
    verdict = Verdict(
        at=START, decision=decision, sentence=sentence, evidence=(evidence,), roll_back_at=4.6, promote_at=3.0
    )
    return e.Judged(at=START + timedelta(minutes=minute), verdict=verdict)


def test_a_step_is_one_line_and_so_is_a_look(story: list[e.Event]) -> None:
    lines = shown(story)
    steps = [event for event in story if isinstance(event, e.StepReached)]
    looks = [event for event in story if isinstance(event, e.Judged)]
    assert sum(" step " in line for line in lines) == len(steps)
    assert sum("look: " in line for line in lines) <= len(looks)
    assert not any("pods stable" in line or "growing" in line for line in lines)


def test_the_sentence_is_told_where_the_decision_is_new_and_the_figures_where_it_is_not() -> None:
    events = [
        looked(Decision.GO_ON, "Not yet sure.", 0),
        looked(Decision.GO_ON, "Not yet sure.", 2),
        looked(Decision.ROLL_BACK, "Rolled back: 9 of 9 failed.", 4),
        e.RollbackStarted(at=START + timedelta(minutes=4), because="9 of 9 failed.", how=""),
        e.CanaryFinished(
            at=START + timedelta(minutes=5),
            ending=Ending.ROLLED_BACK,
            sentence="rolled back: 9 of 9 failed.",
            weights=(),
        ),
    ]
    first, second, third, *rest = shown(list(events))
    assert first.endswith("look: Not yet sure.")
    assert second.endswith("look: worse 1 of 99, fine 1 of 20 · errors 1 of 900 bad, stable 4 of 9,000")
    assert third.endswith("look: Rolled back: 9 of 9 failed.")
    assert not any("9 of 9" in line for line in rest)


@pytest.mark.parametrize("count", [0, 3, LAST_LINES + 7])
def test_what_a_failed_build_printed_last_stands_below_it_and_a_good_builds_words_nowhere(count: int) -> None:
    lines = shown(
        [
            *printed("build shop", count),
            *printed("build cart", 5),
            e.BuildFailed(at=START, label="shop", why="RUN make: exit code 2"),
        ]
    )
    kept = min(count, LAST_LINES)
    assert len(lines) == 1 + kept
    assert [line.partition("| ")[2] for line in lines[1:]] == [
        f"build shop says {number}" for number in range(count - kept, count)
    ]


def test_of_a_failed_suite_only_the_parts_that_failed_are_heard() -> None:
    def part(name: str, result: e.Result, *, again: bool = False) -> e.PartFinished:
        return e.PartFinished(at=START, suite="e2e", part=name, result=result, took=NONE, again=again)

    lines = shown(
        [
            *printed("test e2e 1-of-3", 2),
            *printed("test e2e 2-of-3", 2),
            *printed("test e2e 3-of-3", 2),
            part("1-of-3", e.Result.PASSED),
            part("2-of-3", e.Result.FAILED),
            part("3-of-3", e.Result.FAILED, again=True),
            *printed("test e2e 3-of-3", 1),
            part("3-of-3", e.Result.PASSED),
            e.SuiteFinished(at=START, suite="e2e", result=e.Result.FAILED, took=NONE),
        ]
    )
    assert [line.partition("| ")[2] for line in lines if "says" in line] == [
        "test e2e 2-of-3 says 0",
        "test e2e 2-of-3 says 1",
    ]


def test_a_long_silence_is_broken_by_a_line_of_what_runs() -> None:
    begun = e.StageStarted(at=START, stage=e.Stage.TEST)
    late = [START + timedelta(seconds=second) for second in (1, 19, 21, 30, 42)]
    lines = shown([begun, *(e.LogLine(at=at, source="test unit", line=f"at {at:%S}") for at in late)])
    assert [line[-5:] for line in lines[1:]] == ["at 21", "at 42"]


def test_what_is_kept_for_a_failure_is_bounded() -> None:
    tails = Tails()
    for number in range(3 * MOST_SOURCES):
        for event in printed(f"test s{number}", 2):
            tails.of(event)
    assert len(tails._lines) == MOST_SOURCES


def test_hostile_words_are_harmless_here_too(every_event: list[e.Event]) -> None:
    hostile = "\x1b[2J::error::x\n##[error]y\n  ::warning::z"
    events: list[e.Event] = [*printed("build shop", 0), e.LogLine(at=START, source="build shop", line=hostile)]
    events += [dataclasses.replace(event, why=hostile) for event in every_event if isinstance(event, e.BuildFailed)]
    events.append(e.BuildFailed(at=START, label="shop", why=hostile))
    lines = shown(events)
    assert lines
    assert not any(line.lstrip().startswith("::") or "##[" in line or "\x1b" in line for line in lines)

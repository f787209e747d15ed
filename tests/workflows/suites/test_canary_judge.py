"""Suites beside the judge: nothing is promoted before they passed, and no look waits for them."""

import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

import pytest

from davy.pipeline.core.verdict import Decision, Verdict, Window
from davy.pipeline.core.workload import ReadyPod, Sides
from davy.workflows.suites.canary_judge import Round, SuiteJudge

NOW = datetime(2026, 5, 1, tzinfo=UTC)


class Scripted:
    """A judge that says what it is told to."""

    interval = timedelta(seconds=15)

    def __init__(self, decision: Decision = Decision.PROMOTE) -> None:
        self.decision, self.looks = decision, 0
        self.recalled: list[Window] = []

    def look(self, sides: Sides, now: datetime, worse: float) -> Verdict:
        self.looks += 1
        return Verdict(at=now, decision=self.decision, sentence="good enough")

    def recall(self, windows: Iterable[Window]) -> None:
        self.recalled = list(windows)


def sides(*names: str) -> Sides:
    return Sides(canary=tuple(ReadyPod(name=name, ready_since=NOW) for name in names), stable=(), started_at=NOW)


class Suites:
    """Rounds that end when the test says so."""

    def __init__(self) -> None:
        self.begun, self.go = threading.Semaphore(0), threading.Semaphore(0)
        self.result: Round | None = None
        self.error: Exception | None = None
        self.rounds = 0

    def play(self, over: Callable[[], bool]) -> Round | None:
        self.rounds += 1
        self.begun.release()
        while not self.go.acquire(timeout=0.01):
            if over():
                return None
        if self.error:
            raise self.error
        return self.result

    def end(self, judge: SuiteJudge, result: Round | None) -> None:
        self.begun.acquire()
        self.result = result
        self.go.release()
        thread = judge._thread
        assert thread is not None
        thread.join()


def decided(judge: SuiteJudge, *names: str) -> Decision:
    return judge.look(sides(*names), NOW, 2.0).decision


def test_the_canary_goes_no_further_before_the_suites_passed_and_runs_them_again_for_new_pods() -> None:
    suites, inner = Suites(), Scripted()
    judge = SuiteJudge(inner, suites.play)
    assert [decided(judge, "a") for _ in range(3)] == [Decision.GO_ON] * 3
    suites.end(judge, Round(pods=frozenset({"a"}), told="smoke 3 passed"))
    verdict = judge.look(sides("a"), NOW, 2.0)
    assert (verdict.decision, verdict.notes) == (Decision.PROMOTE, ("smoke 3 passed",))
    assert judge.look(sides("a"), NOW, 2.0).notes == ()
    assert decided(judge, "a", "b") is Decision.GO_ON
    suites.end(judge, Round(pods=frozenset({"a", "b"})))
    assert decided(judge, "b", "a") is Decision.PROMOTE
    assert decided(judge, "b") is Decision.PROMOTE
    assert (suites.rounds, inner.looks) == (2, 8)
    judge.close()


def test_a_failing_suite_rolls_back_at_once_with_its_sentence() -> None:
    suites, inner = Suites(), Scripted(Decision.GO_ON)
    judge = SuiteJudge(inner, suites.play)
    assert decided(judge, "a") is Decision.GO_ON
    assert judge.interval == inner.interval
    suites.end(judge, Round(pods=frozenset({"a"}), failed="smoke failed: test_price failed"))
    assert judge.interval == timedelta(0)
    verdict = judge.look(sides("a"), NOW, 2.0)
    assert (verdict.decision, verdict.sentence) == (Decision.ROLL_BACK, "smoke failed: test_price failed")
    assert decided(judge, "a") is Decision.ROLL_BACK
    judge.close()


def test_a_place_that_fails_promotes_nothing_rolls_nothing_back_and_is_tried_again() -> None:
    suites = Suites()
    judge = SuiteJudge(Scripted(), suites.play)
    decided(judge, "a")
    suites.end(judge, Round(pods=frozenset(), fault="no node has room"))
    verdict = judge.look(sides("a"), NOW, 2.0)
    assert verdict.decision is Decision.UNKNOWN
    assert "no node has room" in verdict.sentence
    suites.end(judge, Round(pods=frozenset({"a"})))
    assert decided(judge, "a") is Decision.PROMOTE
    assert suites.rounds == 2
    judge.close()


def test_the_other_judges_no_ends_the_suites_that_run() -> None:
    suites, inner = Suites(), Scripted(Decision.GO_ON)
    judge = SuiteJudge(inner, suites.play)
    decided(judge, "a")
    inner.decision = Decision.ROLL_BACK
    assert decided(judge, "a") is Decision.ROLL_BACK
    judge.close()
    assert judge._thread is not None
    assert not judge._thread.is_alive()


def test_closing_ends_the_suites_that_run() -> None:
    suites = Suites()
    judge = SuiteJudge(Scripted(), suites.play)
    decided(judge, "a")
    judge.close()
    assert judge._thread is not None
    assert not judge._thread.is_alive()


def test_what_breaks_in_the_suites_is_raised_to_the_rollout() -> None:
    suites = Suites()
    judge = SuiteJudge(Scripted(), suites.play)
    decided(judge, "a")
    suites.error = ValueError("a secret is missing")
    suites.end(judge, None)
    with pytest.raises(ValueError, match="a secret is missing"):
        decided(judge, "a")
    judge.close()


def test_evidence_of_before_goes_to_the_other_judge() -> None:
    inner = Scripted()
    SuiteJudge(inner, Suites().play).recall([Window(start=NOW, end=NOW)])
    assert len(inner.recalled) == 1

"""The story of a piece: what is tried again, what counts in the end."""

from datetime import timedelta
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from davy.pipeline.core.events import Result
from davy.pipeline.suites import attempts
from davy.pipeline.suites.attempts import RetryRules, Story
from davy.pipeline.suites.plan.pieces import Cell, Piece
from davy.pipeline.suites.ports import SuiteRun
from davy.pipeline.suites.reports import attribution
from davy.pipeline.suites.reports.cases import Case, CaseResult, Suite

TOOK = timedelta(seconds=10)
WHOLE = Piece()
FILES = ("tests/test_a.py", "tests/test_b.py")
FILED = Piece(name="tests/test_a.py +1", items=FILES)


def report(**cases: bool) -> str:
    """`a_x=False`: case x of tests/test_a.py failed."""
    told = "".join(
        f'<testcase classname="tests.test_{name[0]}" name="{name[2:]}" time="1">{"" if passed else "<failure/>"}'
        "</testcase>"
        for name, passed in cases.items()
    )
    return f"<testsuite>{told}</testsuite>"


def run(code: int | None = 0, junit: str | None = None, because: str = "", *, fault: bool = False) -> SuiteRun:
    return SuiteRun(exit_code=code, junit=junit, log=Path("log"), because=because, fault=fault)


def story(piece: Piece, rules: RetryRules, *runs: SuiteRun, excused: tuple[str, ...] = ()) -> Story:
    """Each run is of what the story asked for."""
    made = Story(label="e2e", piece=piece)
    items = piece.items
    for each in runs:
        made = attempts.told(made, each, TOOK, items, lambda case: case in excused)
        again = attempts.again(made, rules)
        items = again.piece.items if again else items
    return made


def verdict(made: Story, rules: RetryRules) -> Suite:
    return attempts.ended(made, rules)


def test_what_passes_is_over() -> None:
    made = story(WHOLE, RetryRules(retries=3), run())
    assert attempts.again(made, RetryRules(retries=3)) is None
    assert verdict(made, RetryRules()).result is Result.PASSED


def test_without_retries_a_failure_is_final() -> None:
    made = story(WHOLE, RetryRules(), run(1))
    assert attempts.again(made, RetryRules()) is None
    assert (verdict(made, RetryRules()).result, verdict(made, RetryRules()).because) == (Result.FAILED, "exit code 1")


def test_only_the_files_with_failures_run_again() -> None:
    rules = RetryRules(retries=1)
    again = attempts.again(story(FILED, rules, run(1, report(a_x=True, b_y=False))), rules)
    assert again is not None
    assert (again.piece.items, again.attempt, again.failed) == (("tests/test_b.py",), 2, ("tests.test_b::y",))


def test_all_files_run_again_where_it_was_ended_from_outside() -> None:
    rules = RetryRules(retries=1)
    again = attempts.again(story(FILED, rules, run(None, report(b_y=False), "timed out after 1s")), rules)
    assert again is not None
    assert again.piece.items == FILES


def test_all_files_run_again_where_a_failure_is_of_none_of_them() -> None:
    rules = RetryRules(retries=1)
    text = '<testsuite><testcase classname="elsewhere" name="x"><failure/></testcase></testsuite>'
    again = attempts.again(story(FILED, rules, run(1, text)), rules)
    assert again is not None
    assert again.piece.items == FILES


def test_failed_and_then_passed_is_flaky_and_passes() -> None:
    rules = RetryRules(retries=1)
    made = story(FILED, rules, run(1, report(a_x=True, b_y=False)), run(0, report(b_y=True)))
    suite = verdict(made, rules)
    assert suite.result is Result.PASSED
    by_name = {case.name: case for case in suite.cases}
    assert by_name["y"].flaky
    assert [attempt.result for attempt in by_name["y"].attempts] == [CaseResult.FAILED, CaseResult.PASSED]
    assert not by_name["x"].flaky


def test_a_command_without_a_report_that_failed_and_then_passed_passes() -> None:
    rules = RetryRules(retries=1)
    suite = verdict(story(WHOLE, rules, run(1), run(0, report(a_x=True))), rules)
    assert suite.result is Result.PASSED
    assert {case.key: case.flaky for case in suite.cases} == {"e2e": True, "tests.test_a::x": False}


def test_a_fault_of_the_place_spends_no_retry() -> None:
    rules = RetryRules(retries=0)
    fault = run(None, None, "session not created", fault=True)
    made = story(FILED, rules, fault, fault)
    again = attempts.again(made, rules)
    assert again is not None
    assert (again.attempt, again.piece.items) == (1, FILES)
    made = story(FILED, rules, fault, run(0, report(a_x=True)))
    assert verdict(made, rules).result is Result.PASSED
    assert not any(case.attempts for case in verdict(made, rules).cases)


def test_a_fault_during_a_retry_repeats_that_retry() -> None:
    rules = RetryRules(retries=1)
    fault = run(None, None, "session lost", fault=True)
    made = story(FILED, rules, run(1, report(a_x=True, b_y=False)), fault)
    again = attempts.again(made, rules)
    assert again is not None
    assert (again.attempt, again.piece.items, again.failed) == (2, ("tests/test_b.py",), ("tests.test_b::y",))


def test_a_place_that_fails_again_and_again_is_given_up() -> None:
    rules = RetryRules(retries=5, faults=2)
    fault = run(None, None, "no minutes left", fault=True)
    made = story(WHOLE, rules, fault, fault, fault)
    assert attempts.again(made, rules) is None
    assert verdict(made, rules).because == "the place failed it 3 times: no minutes left"
    assert [case.result for case in verdict(made, rules).cases] == [CaseResult.ERROR]


def test_with_a_threshold_so_many_tries_must_pass_and_each_is_whole() -> None:
    rules = RetryRules(retries=3, threshold=2)
    made = story(FILED, rules, run(0, report(a_x=True)))
    again = attempts.again(made, rules)
    assert again is not None
    assert (again.piece.items, again.failed) == (FILES, ())
    made = story(FILED, rules, run(0, report(a_x=True)), run(1, report(a_x=False)), run(0, report(a_x=True)))
    assert attempts.again(made, rules) is None
    suite = verdict(made, rules)
    assert suite.result is Result.PASSED
    assert suite.cases[0].flaky


def test_a_threshold_that_can_not_be_met_any_more_ends_it() -> None:
    rules = RetryRules(retries=2, threshold=3)
    made = story(WHOLE, rules, run(0), run(1))
    assert attempts.again(made, rules) is None
    assert verdict(made, rules).because == "passed 1 of 2 tries, 3 are needed"


def test_a_case_in_quarantine_fails_nothing_and_is_not_tried_again() -> None:
    rules = RetryRules(retries=3)
    made = story(FILED, rules, run(1, report(a_x=True, b_y=False)), excused=("tests.test_b::y",))
    assert attempts.again(made, rules) is None
    suite = verdict(made, rules)
    assert suite.result is Result.PASSED
    assert [case.name for case in suite.cases if case.quarantined] == ["y"]


def test_what_failed_is_counted_without_what_is_in_quarantine() -> None:
    made = story(FILED, RetryRules(), run(1, report(a_x=False, b_y=False)), excused=("tests.test_b::y",))
    assert attempts.ended(made, RetryRules()).because == "x failed"


def test_a_quarantine_does_not_excuse_a_run_that_was_ended_from_outside() -> None:
    made = story(FILED, RetryRules(), run(None, report(b_y=False), "out of memory"), excused=("tests.test_b::y",))
    assert verdict(made, RetryRules()).result is Result.FAILED


def test_two_cases_of_one_name_stay_two() -> None:
    text = '<testsuite><testcase name="x"/><testcase name="x"/></testsuite>'
    assert len(verdict(story(WHOLE, RetryRules(), run(0, text)), RetryRules()).cases) == 2


outcome = st.sampled_from([
    run(0, report(a_x=True, b_y=True)), run(1, report(a_x=False, b_y=True)), run(1, report(a_x=True, b_y=False)),
    run(1), run(0), run(None, None, "timed out", fault=False), run(None, None, "lost", fault=True),
])  # fmt: skip


@given(st.integers(0, 3), st.integers(1, 3), st.lists(outcome, min_size=20, max_size=20))
def test_every_story_ends_within_its_bounds(retries: int, threshold: int, world: list[SuiteRun]) -> None:
    rules = RetryRules(retries=retries, threshold=min(threshold, retries + 1), faults=2)
    made = Story(label="e2e", piece=FILED)
    items = FILED.items
    for each in world:
        made = attempts.told(made, each, TOOK, items, lambda _: False)
        again = attempts.again(made, rules)
        if again is None:
            break
        items = again.piece.items
    assert attempts.again(made, rules) is None
    assert len(made.tries) <= retries + 1
    assert len(made.faults) <= rules.faults + 1
    suite = attempts.ended(made, rules)
    if suite.result is Result.PASSED:
        assert sum(one.passed for one in made.tries) >= 1
        assert not any(case.fails for case in suite.cases)
    assert len({(case.key) for case in suite.cases}) == len(suite.cases)


# ---- which file a case is of ----------------------------------------------------------------------------------------


def test_a_case_is_filed_by_what_its_report_says() -> None:
    files = ("tests/test_cart.py", "tests/test_cart_total.py", "e2e/login.spec.ts")
    assert attribution.filed(Case(name="x", classname="tests.test_cart.TestTotal"), files) == files[0]
    assert attribution.filed(Case(name="x", classname="tests.test_cart_total"), files) == files[1]
    assert attribution.filed(Case(name="x", classname="login.spec.ts"), files) == files[2]
    assert attribution.filed(Case(name="x", file="/app/e2e/login.spec.ts"), files) == files[2]
    assert attribution.filed(Case(name="x", classname="Login page"), files) is None
    assert attribution.filed(Case(name="x", classname="anything"), files[:1]) == files[0]


def test_time_that_no_case_explains_is_what_beginning_cost() -> None:
    cases = (Case(name="x", classname="tests.test_a", seconds=2), Case(name="y", classname="tests.test_b", seconds=1))
    assert attribution.shared_out(10.0, cases, FILES) == ({FILES[0]: 2.0, FILES[1]: 1.0}, 7.0)


def test_time_is_shared_evenly_where_the_report_does_not_tell() -> None:
    cases = (Case(name="x", classname="strange", seconds=2),)
    assert attribution.shared_out(10.0, cases, FILES) == ({FILES[0]: 5.0, FILES[1]: 5.0}, None)


def test_a_cell_may_need_more_passes_than_its_suite() -> None:
    rules = RetryRules(retries=2)
    assert rules.of(Cell()) == rules
    assert rules.of(Cell(pass_threshold=2)).threshold == 2

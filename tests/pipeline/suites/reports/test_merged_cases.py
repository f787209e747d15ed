"""What counts of a test over several tries, and what a retry has to run."""

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from davy.pipeline.core.events import Result
from davy.pipeline.suites import attempts
from davy.pipeline.suites.attempts import Again, RetryRules, Story
from davy.pipeline.suites.plan.pieces import Piece
from davy.pipeline.suites.ports import SuiteRun
from davy.pipeline.suites.reports.cases import CaseResult, Suite
from davy.pipeline.suites.reports.reader import reading

TOOK = timedelta(seconds=10)
RETRY = RetryRules(retries=1)
FILES = ("tests/test_a.py", "tests/test_b.py", "tests/test_c.py")
CHILD = {"P": "", "F": '<failure message="m"/>', "E": '<error message="m"/>', "S": "<skipped/>"}


def xml(*told: str, suite: str = "s") -> str:
    """`a::bad F`: case bad of class a failed; `x.py|a::bad F`: of that file."""
    cases = []
    for word in told:
        key, _, result = word.rpartition(" ")
        file, _, key = key.rpartition("|")
        classname, _, name = key.rpartition("::")
        file = f' file="{file}"' if file else ""
        cases.append(f'<testcase classname="{classname}" name="{name}"{file}>{CHILD[result]}</testcase>')
    return f'<testsuite name="{suite}">{"".join(cases)}</testsuite>'


def told(*runs: tuple[int | None, str | None], items: tuple[str, ...] = (), command: str = "",
         excused: tuple[str, ...] = (), rules: RetryRules = RETRY) -> tuple[Story, Suite, Again | None]:  # fmt: skip
    """Each run is of what the story asked for; what came of it, and what it asks for next."""
    story, asked = Story(label="unit", piece=Piece(items=items), command=command), items
    for code, text in runs:
        run = SuiteRun(exit_code=code, junit=text, log=Path("log"), because="" if code is not None else "timed out")
        found = reading([text]) if text else None
        story = attempts.told(story, run, TOOK, asked, lambda case: case in excused, found=found)
        again = attempts.again(story, rules)
        asked = again.piece.items if again else asked
    return story, attempts.ended(story, rules), attempts.again(story, rules)


def is_red(*runs: tuple[int | None, str | None], items: tuple[str, ...] = ()) -> bool:
    return told(*runs, items=items)[1].result is Result.FAILED


# ---- what a retry runs ----


def asked_again(code: int | None, *cases: str, command: str = "") -> tuple[str, ...]:
    _, _, again = told((code, xml(*cases)), items=FILES, command=command)
    assert again is not None
    return again.piece.items


def test_files_without_a_case_run_again_with_those_that_failed() -> None:
    assert asked_again(1, "tests.test_a::x F") == FILES
    assert asked_again(1, "tests.test_b::x P", "tests.test_a::x F") == (FILES[0], FILES[2])


def test_a_file_whose_cases_were_called_skipped_may_have_been_left_out_and_runs_again() -> None:
    assert (
        asked_again(1, "tests.test_a::x F", "tests.test_b::x P", "tests.test_b::y S", "tests.test_c::x P") == FILES[:2]
    )


WHOLE = ("tests.test_a::x F", "tests.test_b::x P", "tests.test_c::x P")


@pytest.mark.parametrize("code", [0, 1, 2, 8, 99, 125])
def test_where_each_file_told_its_cases_only_those_with_failures_run_again(code: int) -> None:
    assert asked_again(code, *WHOLE) == FILES[:1]


@pytest.mark.parametrize("code", [-11, -9, 126, 127, 134, 137, 139, 143, 255, None])
def test_all_files_run_again_after_a_run_that_did_not_get_to_its_end(code: int | None) -> None:
    assert asked_again(code, *WHOLE) == FILES


@pytest.mark.parametrize("code", [2, 3, 4, 5])
def test_all_files_run_again_where_pytest_says_that_not_all_of_them_ran(code: int) -> None:
    assert asked_again(code, *WHOLE, command="python -m pytest -x -n2 $DAVY_TESTS") == FILES


# ---- what counts ----

RUN_1 = (1, xml("b::bad F", "b::fine P"))


@pytest.mark.parametrize(
    "second",
    [
        xml("b::bad S", "b::fine P"),
        xml("b::fine P"),
        xml("b::bad_ P", "b::fine P"),
        xml("x.py|b::bad P"),
        "<testsuites/>",
        None,
    ],
    ids=["skipped", "absent", "under another name", "in another file", "in an empty report", "without a report"],
)
def test_a_failure_stays_until_that_very_test_passes(second: str | None) -> None:
    assert is_red(RUN_1, (0, second))
    assert not is_red(RUN_1, (0, xml("b::bad P")))


def test_a_skip_between_a_failure_and_a_pass_says_nothing() -> None:
    _, suite, _ = told(RUN_1, (0, xml("b::bad S")), (0, xml("b::bad P")), rules=RetryRules(retries=2))
    assert (suite.result, [case.flaky for case in suite.cases]) == (Result.PASSED, [True, False])


def test_with_a_threshold_a_skip_is_no_pass() -> None:
    _, suite, _ = told(RUN_1, (0, xml("b::bad S")), (0, xml("b::bad S")), rules=RetryRules(retries=2, threshold=2))
    assert (suite.result, suite.because) == (Result.FAILED, "bad failed")


def test_a_test_with_the_suites_name_is_not_the_suite() -> None:
    assert is_red((1, xml("unit F", "other P")), (0, xml("other P")))
    _, suite, again = told((1, xml("unit F", "other P")))
    assert again is not None
    assert again.failed == ("unit",)
    assert suite.because == "unit failed"


def test_the_run_itself_is_made_good_by_one_that_ends_well() -> None:
    _, suite, _ = told((7, xml("a::one P")), (0, xml("a::one P")))
    assert suite.result is Result.PASSED
    assert [(case.own, case.flaky) for case in suite.cases] == [(False, False), (True, True)]


def test_a_test_that_fails_in_its_call_and_its_teardown_is_one_that_the_retry_settles() -> None:
    _, suite, _ = told((1, xml("t::login F", "t::login E")), (0, xml("t::login P")))
    (case,) = suite.cases
    assert (suite.result, case.flaky) == (Result.PASSED, True)
    assert [each.result.value for each in case.attempts] == ["failed", "error", "passed"]


def test_tests_of_one_name_in_two_files_are_two() -> None:
    first = (1, xml("a.js|cart::total F", "b.js|cart::total P"))
    assert is_red(first, (0, xml("b.js|cart::total P")))
    assert not is_red(first, (0, xml("a.js|cart::total P")))


def test_tests_of_one_name_in_two_suites_of_a_report_are_two() -> None:
    def both(first: str, second: str) -> str:
        return f"<testsuites>{xml(first, suite='A')}{xml(second, suite='B')}</testsuites>"

    assert is_red((1, both("works F", "works P")), (0, xml("works P", suite="B")))
    assert not is_red((1, both("works F", "works P")), (0, both("works P", "works P")))


def test_a_rerun_in_one_report_is_flaky_where_the_command_passed() -> None:
    again = xml("p::T F", "p::T F", "p::T P")
    _, suite, _ = told((0, again), rules=RetryRules())
    assert (suite.result, [len(case.attempts) for case in suite.cases]) == (Result.PASSED, [3])
    assert is_red((1, again), (1, again))
    for other in (xml("p::T P", "p::T F"), xml("p::T F", "p::T S"), xml("a.go|p::T F", "b.go|p::T P")):
        assert is_red((0, other), (0, other))


def test_a_module_that_could_not_be_loaded_is_made_good_by_its_tests() -> None:
    first = (2, xml("tests.test_b E", "tests.test_a::x P"))
    assert not is_red(first, (0, xml("tests.test_b::y P", "tests.test_a::x P")))
    assert is_red(first, (0, xml("tests.test_a::x P")))
    assert is_red(first, (1, xml("tests.test_b::y P", "tests.test_a::x F")))


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(st.sampled_from("PFES-"), min_size=3, max_size=3), min_size=1, max_size=4))
def test_no_story_is_green_in_which_the_last_word_of_a_test_is_a_failure(world: list[list[str]]) -> None:
    runs: list[tuple[int | None, str | None]] = []
    for results in world:
        cases = [f"tests.test_{name}::x {result}" for name, result in zip("abc", results, strict=True) if result != "-"]
        runs.append((int(any(result in "FE" for result in results)), xml(*cases)))
    _, suite, _ = told(*runs, rules=RetryRules(retries=3))
    last = [[results[at] for results in world if results[at] in "PFE"][-1:] for at in range(3)]
    red = any(word and word[0] in "FE" for word in last)
    assert (suite.result is Result.FAILED) == red


# ---- quarantine ----

BAD = xml("a::bad F")


def verdict(code: int | None, text: str, command: str = "", items: tuple[str, ...] = ()) -> Suite:
    return told((code, text), rules=RetryRules(), excused=("a::bad", "tests.test_a::x"), command=command, items=items)[
        1
    ]


@pytest.mark.parametrize("code", [0, 1])
def test_a_failure_in_quarantine_excuses_the_code_that_says_so(code: int) -> None:
    assert verdict(code, BAD).result is Result.PASSED


@pytest.mark.parametrize(
    ("code", "says"),
    [
        (139, "ended by SIGSEGV"),
        (-11, "ended by SIGSEGV"),
        (134, "ended by SIGABRT"),
        (137, "ended by SIGKILL"),
        (127, "exit code 127, a command was not found"),
        (126, "exit code 126, a command could not be executed"),
        (255, "exit code 255"),
        (2, "exit code 2"),
        (5, "exit code 5"),
        (None, "timed out"),
    ],
)
def test_a_failure_in_quarantine_excuses_no_other_end_of_the_command(code: int | None, says: str) -> None:
    suite = verdict(code, BAD)
    assert (suite.result, suite.because.startswith(says)) == (Result.FAILED, True), suite.because
    assert any(case.own and case.result.bad for case in suite.cases)


TWO = xml("a::bad F", "a::bad E", suite="Root Suite")


@pytest.mark.parametrize(
    ("code", "text", "command", "passes"),
    [
        (2, TWO, "mocha", True),
        (3, TWO, "mocha", False),
        (2, TWO, "pytest -q", False),
        (2, TWO.replace("Root Suite", "pytest"), "make check", False),
        (8, BAD, "ctest --output-junit $JUNIT", True),
        (8, BAD, "make check", False),
        (8, BAD.replace('"bad">', '"bad" status="fail">').replace('"a"', '"bad"'), "make check", False),
        (99, BAD, "k6 run load.js", True),
        (99, BAD, "mocha", False),
        (3, BAD, "bazel test //...", True),
        (1, BAD, "bazel test //...", False),
    ],
)
def test_an_exit_code_is_taken_as_its_tool_means_it(code: int, text: str, command: str, passes: bool) -> None:
    assert (verdict(code, text, command).result is Result.PASSED) == passes


@pytest.mark.parametrize(
    "beside",
    [
        '<testsuite name="no listener" tests="0" errors="1"/>',
        '<testsuite name="fork"><error message="fork crashed"/></testsuite>',
        '<testsuite name="x"><testcase classname="b" name="other"><error/></testcase></testsuite>',
    ],
)
def test_a_failure_in_quarantine_excuses_no_other_of_the_report(beside: str) -> None:
    suite = verdict(1, f"<testsuites>{BAD}{beside}</testsuites>")
    assert suite.result is Result.FAILED
    assert suite.because


def test_a_failure_in_quarantine_does_not_excuse_a_file_that_has_no_test() -> None:
    suite = verdict(1, xml("tests.test_a::x F"), items=FILES)
    assert suite.because == "exit code 1, and tests/test_b.py and 1 more has no test in its report"
    assert verdict(1, xml(*WHOLE), items=FILES).result is Result.PASSED


def test_no_quarantine_means_what_stands_for_a_suite_of_the_report() -> None:
    text = '<testsuite name="bad"><error message="fork crashed"/></testsuite>'
    assert told((1, text), rules=RetryRules(), excused=("bad",))[1].result is Result.FAILED


def test_a_report_never_speaks_for_davy() -> None:
    text = (
        '<testsuite><testcase classname="a" name="one"><properties><property name="davy.quarantined" value="failed"/>'
        '<property name="davy.attempt.1" value="passed 1"/><property name="davy.own" value="true"/></properties>'
        '<failure message="m"/></testcase></testsuite>'
    )
    _, suite, _ = told((1, text), rules=RetryRules())
    (case,) = suite.cases
    assert (suite.result, case.quarantined, case.own, case.attempts) == (Result.FAILED, False, False, ())
    passing = text.replace('<failure message="m"/>', "").replace("failed", "passed")
    assert told((0, passing), rules=RetryRules())[1].cases[0].result is CaseResult.PASSED


def test_a_quarantine_may_hold_the_test_of_one_file_and_not_of_the_other() -> None:
    both = (1, xml("a.js|cart::total F", "b.js|cart::total F"))
    _, suite, _ = told(both, rules=RetryRules(), excused=("b.js::cart::total",))
    assert (suite.result, [case.quarantined for case in suite.cases]) == (Result.FAILED, [False, True])
    only = (1, xml("a.js|cart::total P", "b.js|cart::total F"))
    assert told(only, rules=RetryRules(), excused=("b.js::cart::total",))[1].result is Result.PASSED
    assert told(both, rules=RetryRules(), excused=("cart::total",))[1].result is Result.PASSED

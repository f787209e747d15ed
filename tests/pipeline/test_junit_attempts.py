"""Attempts at a case: as Surefire writes them, and through davy's own report and back."""

from datetime import timedelta
from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from davy.pipeline.core.events import Result
from davy.pipeline.suites.ports import SuiteRun
from davy.pipeline.suites.reports.cases import Attempt, Case, CaseResult, Suite
from davy.pipeline.suites.reports.reader import ReportReading, joined
from davy.pipeline.suites.reports.writer import ended, merged, read

TOOK = timedelta(seconds=2)
SUREFIRE = """<testsuite><testcase classname="c" name="flaky" time="0.2">
<flakyFailure message="first" type="x"><stackTrace>at line 1</stackTrace><system-out>noise</system-out></flakyFailure>
<flakyError message="second"><stackTrace>at line 2</stackTrace></flakyError><system-out>said</system-out></testcase>
<testcase classname="c" name="bad" file="tests/c.py"><failure message="one">at 1</failure>
<rerunFailure message="two"><stackTrace>at 2</stackTrace></rerunFailure></testcase></testsuite>"""

TEXTS = st.text(alphabet=st.characters(blacklist_categories=("Cs", "Cc")), max_size=20)
ATTEMPTS = st.builds(
    Attempt, result=st.sampled_from([CaseResult.PASSED, CaseResult.FAILED, CaseResult.ERROR]), seconds=st.just(0.5)
)


def test_surefires_reruns_are_read_as_attempts() -> None:
    flaky, bad = read(SUREFIRE)
    assert flaky.flaky
    assert [(one.result.value, one.message, one.text) for one in flaky.attempts] == [
        ("failed", "first", "at line 1"),
        ("error", "second", "at line 2"),
        ("passed", "", ""),
    ]
    assert (flaky.seconds, flaky.output) == (0.2, "said")
    assert (bad.result, bad.message, bad.file, bad.flaky) == (CaseResult.FAILED, "one", "tests/c.py", False)
    assert [one.message for one in bad.attempts] == ["one", "two"]


@given(st.lists(st.tuples(ATTEMPTS, TEXTS, TEXTS), min_size=2, max_size=6), st.booleans())
def test_attempts_go_through_the_merged_report_and_come_back_in_their_order(
    told: list[tuple[Attempt, str, str]], quarantined: bool
) -> None:
    attempts = tuple(
        Attempt(result=one.result, seconds=0.5, message=message, text=text) if one.result.bad else one
        for one, message, text in told
    )
    last = next((one for one in reversed(attempts) if one.result.bad), None)
    failed = attempts[-1].result.bad
    case = Case(
        name="n",
        classname="c",
        seconds=0.5,
        result=attempts[-1].result,
        message=last.message if last and failed else "",
        text=last.text if last and failed else "",
        attempts=attempts,
        quarantined=quarantined,
    )
    (again,) = read(merged([Suite(name="s", cases=(case,), took=TOOK)]))
    assert again == case


def test_a_quarantined_failure_is_no_failure_for_those_who_count_elements() -> None:
    case = Case(name="n", classname="c", result=CaseResult.FAILED, message="no", text="trace", quarantined=True)
    text = merged([Suite(name="s", cases=(case,), took=TOOK, exit_code=1)])
    root = ET.fromstring(text)  # noqa: S314 - our own
    assert (root.get("failures"), root.get("skipped")) == ("0", "1")
    assert read(text) == (case,)


def test_a_suite_whose_only_failures_are_quarantined_passes_although_its_command_said_1() -> None:
    held = Case(name="n", result=CaseResult.FAILED, quarantined=True)
    fine = Case(name="m")
    assert Suite(name="s", cases=(held, fine), took=TOOK, exit_code=1).result is Result.PASSED
    assert Suite(name="s", cases=(fine,), took=TOOK, exit_code=1).result is Result.FAILED
    assert Suite(name="s", cases=(held,), took=TOOK, exit_code=None).result is Result.FAILED
    assert Suite(name="s", cases=(held,), took=TOOK, exit_code=1, because="out of memory").result is Result.FAILED


def test_a_name_told_twice_is_one_case_and_a_pass_never_hides_a_failure() -> None:
    one = ReportReading(cases=(Case(name="a"), Case(name="b", result=CaseResult.FAILED)))
    two = ReportReading(cases=(Case(name="a", result=CaseResult.FAILED, message="no"), Case(name="b"), Case(name="c")))
    found = joined([one, two])
    assert [(case.name, case.result.value) for case in found.cases] == [
        ("a", "failed"),
        ("b", "failed"),
        ("c", "passed"),
    ]


def test_the_cases_before_a_break_stand_and_the_break_is_an_error_of_its_own() -> None:
    torn = '<testsuite><testcase name="a"/><testcase name="b"><failure message="no"/></testcase><testcase na'
    suite = ended("unit", SuiteRun(exit_code=0, junit=torn, log=None), TOOK)  # type: ignore[arg-type]
    assert [(case.name, case.result.value) for case in suite.cases] == [
        ("a", "passed"),
        ("b", "failed"),
        ("unit", "error"),
    ]
    assert "no XML" in suite.because
    assert suite.result is Result.FAILED

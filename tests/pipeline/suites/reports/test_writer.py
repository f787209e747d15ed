"""Reports of suites, read without trust and merged."""

from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from davy.pipeline.core.events import Result
from davy.pipeline.suites.ports import SuiteRun
from davy.pipeline.suites.reports.writer import BrokenReport, Case, CaseResult, Suite, ended, merged, read

TOOK = timedelta(seconds=2)
MIXED = """<?xml version="1.0" encoding="ISO-8859-1"?>
<testsuites><testsuite name="x"><testcase classname="c" name="a" time="0.5"/>
<testsuite name="inner"><testcase name="b"><failure message="no">trace</failure></testcase></testsuite>
<testcase name="c"><skipped/></testcase><testcase name="d"><error message="oh"/></testcase></testsuite></testsuites>"""


def run(exit_code: int | None, xml: str | None = None, because: str = "") -> SuiteRun:
    return SuiteRun(exit_code=exit_code, junit=xml, log=Path("log"), because=because)


def counts(suite: Suite) -> tuple[int, ...]:
    return tuple(suite.count(result) for result in CaseResult)


def test_cases_of_all_suites_in_a_report_are_read() -> None:
    assert [(case.name, case.result.value) for case in read(MIXED)] == [
        ("a", "passed"),
        ("b", "failed"),
        ("c", "skipped"),
        ("d", "error"),
    ]
    assert read(MIXED)[0].seconds == 0.5
    assert read(MIXED)[1].text == "trace"


def test_a_suite_with_failures_says_which() -> None:
    suite = ended("unit", run(1, MIXED), TOOK)
    assert (suite.result, suite.because, counts(suite)) == (Result.FAILED, "b and 1 more failed", (1, 1, 1, 1))


@pytest.mark.parametrize(
    ("exit_code", "because", "result", "kind", "says"),
    [
        (0, "", Result.PASSED, CaseResult.PASSED, ""),
        (3, "", Result.FAILED, CaseResult.FAILED, "exit code 3"),
        (None, "timed out after 1m00s", Result.FAILED, CaseResult.ERROR, "timed out after 1m00s"),
    ],
)
def test_a_suite_without_a_report_is_one_case_from_its_exit_code(
    exit_code: int | None, because: str, result: Result, kind: CaseResult, says: str
) -> None:
    suite = ended("unit", run(exit_code, because=because), TOOK)
    assert (suite.result, suite.because) == (result, says)
    assert [(case.name, case.result) for case in suite.cases] == [("unit", kind)]


def test_a_suite_that_reports_success_and_exits_otherwise_failed_and_shows_it() -> None:
    suite = ended("unit", run(2, '<testsuite><testcase name="a"/></testsuite>'), TOOK)
    assert (suite.result, suite.because, counts(suite)) == (Result.FAILED, "exit code 2", (1, 1, 0, 0))


def test_a_suite_that_reports_a_failure_and_exits_with_0_failed() -> None:
    xml = '<testsuite><testcase name="a"><failure/></testcase></testsuite>'
    assert ended("unit", run(0, xml), TOOK).result is Result.FAILED


BOMB = '<!DOCTYPE b [<!ENTITY a "x"><!ENTITY b "&a;&a;">]><testsuite><testcase name="&b;"/></testsuite>'


@pytest.mark.parametrize(
    ("xml", "says"),
    [
        ("<testsuite>", "no XML"),
        ("not xml", "no XML"),
        (BOMB, "document type"),
        ('<!DOCTYPE a SYSTEM "file:///etc/passwd"><testsuite/>', "document type"),
        ("<html/>", "no JUnit"),
        ("<testsuite>" + "<a>" * 5000 + "</a>" * 5000 + "</testsuite>", "nests too deep"),
        ("<testsuite>&nbsp;</testsuite>", "no XML"),
    ],
)
def test_a_report_that_cannot_be_trusted_is_a_sentence_and_the_suite_fails(xml: str, says: str) -> None:
    with pytest.raises(BrokenReport, match=says):
        read(xml)
    suite = ended("unit", run(0, xml), TOOK)
    assert suite.result is Result.FAILED
    assert says in suite.because


def test_the_merged_report_has_a_suite_for_each_and_the_counts_add_up() -> None:
    root = ET.fromstring(merged([ended("unit", run(1, MIXED), TOOK), ended("e2e", run(0), TOOK)]))  # noqa: S314 - our own
    assert [suite.get("name") for suite in root] == ["unit", "e2e"]
    assert {key: root.get(key) for key in ("tests", "failures", "errors", "skipped")} == {
        "tests": "5",
        "failures": "1",
        "errors": "1",
        "skipped": "1",
    }


@given(st.text(), st.text(), st.sampled_from(list(CaseResult)))
def test_whatever_a_case_says_the_merged_report_is_xml_and_says_it_again(
    name: str, message: str, result: CaseResult
) -> None:
    case = Case(name=name, message=message, text=message, output=message, result=result)
    again = read(merged([Suite(name="s", cases=(case,), took=TOOK)]))
    assert [one.result for one in again] == [result]


@given(st.text(alphabet="<>/&;![]\"'= atesucifrlno"))
def test_no_text_crashes_the_reader(text: str) -> None:
    with suppress(BrokenReport):
        assert read(f"<testsuite>{text}</testsuite>") == ()


def test_a_command_that_is_not_there_is_told_in_words() -> None:
    assert ended("unit", run(127), TOOK).because == "exit code 127, a command was not found"

"""What a report says outside of its cases, and in attributes alone."""

from datetime import timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from davy.pipeline.core.events import Result
from davy.pipeline.suites.ports import SuiteRun
from davy.pipeline.suites.reports.cases import Case, CaseResult, Suite
from davy.pipeline.suites.reports.reader import joined, reading
from davy.pipeline.suites.reports.writer import ended, merged, read

ONE = '<testcase classname="a" name="one"/>'


def of(xml: str, code: int = 0) -> Suite:
    return ended("s", SuiteRun(exit_code=code, junit=xml, log=Path("log")), timedelta(seconds=1))


def case_of(attributes: str, child: str = "") -> Case:
    (case,) = reading(
        [f'<testsuite><testcase classname="a" name="one" {attributes}>{child}</testcase></testsuite>']
    ).cases
    return case


@pytest.mark.parametrize(
    ("xml", "name", "because"),
    [
        (f'<testsuite name="cart" tests="1" errors="1">{ONE}<error message="fork crashed"/></testsuite>', "cart",
         "cart: fork crashed"),
        (f'<testsuite name="cart">{ONE}<failure>first line\nsecond</failure></testsuite>', "cart", "cart: first line"),
        (f'<testsuites><testsuite name="x">{ONE}</testsuite><error message="no"/></testsuites>', "(no name)",
         "(no name): no"),
        (f'<testsuite tests="3" failures="2">{ONE}</testsuite>', "(no name)",
         "its report counts 2 failures and names none"),
        ('<testsuite name="conn" errors="1" tests="0"/>', "conn", "its report counts 1 failure and names none"),
        (f'<testsuites failures="2"><testsuite name="x" failures="0">{ONE}</testsuite></testsuites>', "(no name)",
         "its report counts 2 failures and names none"),
        (f'<testsuite name="x"><testsuite name="y" failures="1">{ONE}</testsuite></testsuite>', "y",
         "its report counts 1 failure and names none"),
        (f'<testsuite name="x" status="failed">{ONE}</testsuite>', "x", "its report says failed and names none"),
    ],
)  # fmt: skip
def test_a_failure_outside_of_the_cases_is_a_case_of_its_own(xml: str, name: str, because: str) -> None:
    suite = of(xml)
    assert (suite.result, suite.because) == (Result.FAILED, because)
    assert [case.name for case in suite.cases if case.own and case.result.bad] == [name]


def test_what_a_suite_of_the_report_failed_by_is_told_once_and_not_by_those_around_it() -> None:
    inner = f'<testsuite errors="1" name="y">{ONE}</testsuite>'
    xml = f'<testsuites errors="1"><testsuite name="x" errors="1">{inner}</testsuite></testsuites>'
    assert len([case for case in of(xml).cases if case.result.bad]) == 1


@pytest.mark.parametrize(
    "xml",
    [
        # gotestsum tells the rerun as a second case, Surefire inside of the first.
        '<testsuite name="p" tests="2" failures="1"><testcase classname="p" name="T"><failure/></testcase>'
        '<testcase classname="p" name="T"/></testsuite>',
        '<testsuite name="p" failures="1" flakes="1"><testcase classname="p" name="T"><flakyFailure/></testcase>'
        "</testsuite>",
        f'<testsuite name="x" failures="0" errors="">{ONE}</testsuite>',
        f'<testsuite name="x" failures="none" errors="-1">{ONE}</testsuite>',
    ],
)
def test_counts_that_hold_attempts_made_good_fail_nothing(xml: str) -> None:
    assert of(xml).result is Result.PASSED


@pytest.mark.parametrize(
    ("attributes", "result"),
    [
        ('status="failed"', CaseResult.FAILED),
        ('status="FAILURE"', CaseResult.FAILED),
        ('status="fail"', CaseResult.FAILED),
        ('status="error"', CaseResult.ERROR),
        ('status="run" result="failed"', CaseResult.FAILED),
        ('status="timed out"', CaseResult.ERROR),
        ('failure="1 == 2"', CaseResult.FAILED),
        ('success="False"', CaseResult.FAILED),
        ('success="True"', CaseResult.PASSED),
        ('status="skipped"', CaseResult.SKIPPED),
        ('status="notrun"', CaseResult.SKIPPED),
        ('status="notrun" result="suppressed"', CaseResult.SKIPPED),
        ('status="disabled"', CaseResult.SKIPPED),
        ('status="run"', CaseResult.PASSED),
        ('status="run" result="completed"', CaseResult.PASSED),
        ('status="passed"', CaseResult.PASSED),
        ('status=""', CaseResult.PASSED),
    ],
)
def test_what_a_case_says_in_an_attribute_alone_counts(attributes: str, result: CaseResult) -> None:
    assert case_of(attributes).result is result


@pytest.mark.parametrize(
    ("attributes", "child", "result"),
    [
        ('status="passed"', "<failure/>", CaseResult.FAILED),
        ('status="failed"', "<skipped/>", CaseResult.FAILED),
        ('status="failed"', "<error/>", CaseResult.ERROR),
        ("", "<skipped/><failure/>", CaseResult.FAILED),
        ('failure="no"', '<skipped type="todo" message="true"/><failure/>', CaseResult.SKIPPED),
        ("", "<rerunFailure/>", CaseResult.FAILED),
        ("", "<rerunError/>", CaseResult.ERROR),
        ("", "<flakyFailure/>", CaseResult.PASSED),
    ],
)
def test_of_what_a_case_says_twice_the_worst_counts(attributes: str, child: str, result: CaseResult) -> None:
    assert case_of(attributes, child).result is result


def test_a_case_without_a_name_is_told_by_its_class() -> None:
    suite = of(
        '<testsuite><testcase name="" classname="a.AllTest"><error message="beforeAll"/></testcase></testsuite>', 1
    )
    assert (suite.because, suite.cases[0].key) == ("a.AllTest failed", "a.AllTest")
    assert ET.fromstring(merged([suite])).find(".//testcase").get("name") == "a.AllTest"  # type: ignore[union-attr]  # noqa: S314 - our own


def test_reports_of_two_files_are_one_and_what_one_of_them_tells_twice_stays_two() -> None:
    twice = reading(['<testsuite name="p"><testcase name="T"><failure/></testcase><testcase name="T"/></testsuite>'])
    other = reading(['<testsuite name="q"><testcase name="T"/></testsuite>'])
    assert [case.result.value for case in joined([twice, other]).cases] == ["failed", "passed", "passed"]


def test_an_empty_report_is_no_test_and_said() -> None:
    suite = of("<testsuites/>")
    assert (suite.cases, suite.notes, suite.result) == ((), ("its report has 0 tests",), Result.PASSED)
    assert of("<testsuites/>", 1).because == "exit code 1"


def test_no_report_is_said() -> None:
    suite = ended("s", SuiteRun(exit_code=0, junit=None, log=Path("log")), timedelta(seconds=1))
    assert (suite.notes, suite.result) == (("wrote no report; it counts by its exit code",), Result.PASSED)


# ---- what of a report goes into the merged one ----


RICH = """<testsuites><testsuite name="outer"><testsuite name="inner"><testcase classname="c" name="n" time="1"
file="a.py" line="7"><properties><property name="owner" value="team-pay"/><property name="test_key" value="SHOP-1"/>
<property name="tag" value="a"/><property name="tag" value="b"/><property name="comment"><![CDATA[long <b>]]></property>
<property name="davy.quarantined" value="failed"/></properties>
<failure message="no" type="java.lang.AssertionError">trace</failure><system-out>out</system-out>
<system-err>err</system-err></testcase></testsuite></testsuite></testsuites>"""


def test_properties_types_errors_and_inner_suites_are_kept_in_the_merged_report() -> None:
    root = ET.fromstring(merged([of(RICH, 1)]))  # noqa: S314 - our own
    case = root.find("./testsuite[@name='s']/testsuite[@name='outer']/testsuite[@name='inner']/testcase")
    assert case is not None
    said = [(each.get("name"), each.get("value")) for each in case.iter("property")]
    assert said == [("owner", "team-pay"), ("test_key", "SHOP-1"), ("tag", "a"), ("tag", "b"), ("comment", "long <b>")]
    assert case.find("failure").get("type") == "java.lang.AssertionError"  # type: ignore[union-attr]
    assert [case.findtext(word) for word in ("system-out", "system-err")] == ["out", "err"]
    assert [root.get(word) for word in ("tests", "failures")] == ["1", "1"]
    assert [case.get(word) for word in ("file", "line")] == ["a.py", "7"]


def test_the_merged_report_says_again_what_it_was_made_of() -> None:
    suite = of(RICH, 1)
    assert read(merged([suite])) == suite.cases
    broken = of("<testsuite><testcase name='a'/>")
    held = Case(name="n", classname="c", result=CaseResult.FAILED, kind="E", quarantined=True, suites=("a", "b"))
    assert [case.own for case in read(merged([broken]))] == [case.own for case in broken.cases] == [False, True]
    assert read(merged([Suite(name="s", cases=(held,), took=timedelta(0))])) == (held,)


def test_a_hundred_suites_in_suites_are_kept_as_deep_as_a_reader_may_go() -> None:
    names = tuple(f"n{number}" for number in range(100))
    text = merged([Suite(name="s", cases=(Case(name="x", suites=names),), took=timedelta(0))])
    assert 10 < text.count("<testsuite ") < 20
    assert [case.name for case in read(text)] == ["x"]


def test_properties_have_bounds() -> None:
    many = "".join(f'<property name="p{number}" value="{"x" * 5000}"/>' for number in range(1000))
    found = reading([f'<testsuite><testcase name="a"><properties>{many}</properties></testcase></testsuite>'])
    (case,) = found.cases
    assert len(case.properties) <= 200
    assert sum(len(value) for _, value in case.properties) < 500_000
    assert "cut" in found.notes[0]

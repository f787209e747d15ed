"""A report that is no JUnit is never green, and says what it is and how its tool writes JUnit."""

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from davy.pipeline.core.events import Result
from davy.pipeline.suites.ports import SuiteRun
from davy.pipeline.suites.reports.formats import foreign
from davy.pipeline.suites.reports.reader import reading
from davy.pipeline.suites.reports.writer import ended

CTRF = '{\n "reportFormat": "CTRF", "specVersion": "0.0.0", "results": {"tool": {"name": "jest"}, "tests": []}}'
FOREIGN = {
    '<test-run result="Failed" failed="1"/>': "NUnit 3",
    '<test-results failures="1"/>': "NUnit 2",
    '<assemblies><assembly failed="1"/></assemblies>': "xUnit.net",
    '<robot><suite><test name="x"><status status="FAIL"/></test></suite></robot>': "robot --xunit",
    '<testng-results failed="1"/>': "junitreports",
    "<Catch2TestRun/>": "--reporter junit",
    "<doctest/>": "--reporters=junit",
    "<TestLog/>": "--log_format=JUNIT",
    '<TestCase name="T"/>': "junitxml",
    "<Site><Testing/></Site>": "ctest --output-junit",
    CTRF: "CTRF",
    '{"results":{"tool":{"name":"jest"},"summary":{"failed":1},"tests":[]}}': "CTRF",
    '{"Time":"2026-11-29T10:00:00Z","Action":"fail","Package":"a","Test":"T"}\n': "gotestsum",
    '{"numFailedTestSuites":1,"numFailedTests":1}': "jest-junit",
    '{\n  "stats": {\n    "suites": 1, "failures": 1}}': "mocha --reporter xunit",
    '{"config": {"configFile": "/x/playwright.config.ts"}, "suites": []}': "PLAYWRIGHT_JUNIT_OUTPUT_FILE",
    '{"meta":{"protocolVersion":"27"}}\n{"source":{}}\n': "--format junit",
    '[{"uri":"a.feature","elements":[{"keyword":"Scenario"}]}]': "--format junit",
    '{"uuid":"1","historyId":"2","status":"failed"}': "Allure",
    "[]": "JSON",
    "TAP version 13\n1..2\nok 1 - a\nnot ok 2 - b\n": "TAP",
    "1..1\nnot ok 1\n": "TAP",
    "##teamcity[testFailed name='x']\n": "TeamCity",
}


@pytest.mark.parametrize("text", FOREIGN)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_report_of_another_form_fails_the_suite_and_says_how_to_get_junit(text: str, encoding: str) -> None:
    data = text.encode(encoding)
    if encoding == "utf-16" and not text.startswith("<"):
        data = data.removeprefix(b"\xff\xfe")  # As some shells write it; what it is need not be known then.
    found = reading([data])
    suite = ended("unit", SuiteRun(exit_code=0, junit=None, log=Path("log")), timedelta(0), found)
    assert suite.result is Result.FAILED
    if encoding != "utf-16" or text.startswith("<"):
        assert "is no JUnit but" in suite.because
        assert FOREIGN[text] in suite.because


@pytest.mark.parametrize(
    "text", ['<testsuite><testcase name="TAP version 13"/></testsuite>', '<!-- {"results": {"tool" --><testsuites/>']
)
def test_a_junit_report_is_none_of_them_whatever_stands_in_it(text: str) -> None:
    assert reading([text]).broken == ""
    assert "no JUnit" not in reading([f"{text}<x"]).broken


@settings(max_examples=100)
@given(st.sampled_from(sorted(FOREIGN)), st.integers(0, 40), st.sampled_from(["", " \n", "﻿"]))
def test_no_beginning_of_such_a_report_is_green(text: str, cut: int, before: str) -> None:
    found = reading([before + text[: len(text) - cut]])
    assert found.broken
    assert not found.cases


def test_what_is_not_known_keeps_its_own_sentence() -> None:
    assert foreign.sentence("html", "<html>") == foreign.sentence("", "hello") == ""
    assert reading(["<html/>"]).broken == "its report is no JUnit: it begins with <html>"

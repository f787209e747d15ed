"""k6 as a suite: thresholds are cases, and its exit codes are told apart."""

from pathlib import Path

import pytest

from davy.pipeline.suites.ports import SuiteOrder, SuiteRun
from davy.pipeline.suites.reports.cases import CaseResult
from davy.pipeline.suites.reports.formats import k6
from davy.pipeline.suites.reports.writer import read

EXPORTED = """{
 "root_group": {"name": "", "checks": {}, "groups": {"cart": {"name": "cart", "groups": {},
   "checks": {"is 200": {"name": "is 200", "passes": 3, "fails": 2}}}}},
 "metrics": {"http_req_duration": {"p(95)": 12.5, "thresholds": {"p(95)<10": true, "max<1000": false}},
             "http_reqs": {"count": 5, "rate": 2.5}}}"""
OWN_FORM = """{"metrics": {"http_req_failed": {"values": {"rate": 0.5}, "thresholds": {"rate<0.1": {"ok": false}}}}}"""


def order(**more: object) -> SuiteOrder:
    return SuiteOrder(name="load", image=None, run="", settings={"k6": "it's/load.js"}, **more)  # type: ignore[arg-type]


def ended(code: int | None, junit: str | None = None, because: str = "") -> SuiteRun:
    return k6.told(order(), SuiteRun(exit_code=code, junit=junit, log=Path("log"), because=because))


def test_each_threshold_is_a_case_and_a_crossed_one_fails_with_its_values() -> None:
    run = ended(99, EXPORTED)
    cases = {case.name: case for case in read(run.junit or "")}
    assert cases["http_req_duration: p(95)<10"].result is CaseResult.FAILED
    assert "p(95) 12.5" in cases["http_req_duration: p(95)<10"].message
    assert cases["http_req_duration: max<1000"].result is CaseResult.PASSED
    course = cases["requests and checks"].output
    assert "http_reqs: count 5, rate 2.5" in course
    assert "FAIL cart / is 200 (3 of 5)" in course
    assert (run.because, run.fault) == ("", False)


def test_handle_summarys_own_form_is_read_too() -> None:
    (bad, _) = read(k6.junit("load", OWN_FORM) or "")
    assert (bad.result, bad.name) == (CaseResult.FAILED, "http_req_failed: rate<0.1")


@pytest.mark.parametrize("code", sorted(k6.WORDS))
def test_every_other_exit_code_says_what_it_means_and_whose_fault_it_was(code: int) -> None:
    run = ended(code)
    assert run.because == k6.WORDS[code]
    assert run.fault is (code in {97, 98, 105, 106, 109})


def test_why_it_was_stopped_is_not_overwritten() -> None:
    assert ended(None, because="timed out after 5m").because == "timed out after 5m"


@pytest.mark.parametrize("text", ["", "<testsuite/>", "[]", "null", '{"metrics": 3}', '{"metrics": {"a": 1}}'])
def test_what_is_no_summary_is_no_report(text: str) -> None:
    assert k6.junit("load", text) is None


def test_a_suite_without_a_script_is_left_as_it_is() -> None:
    plain = SuiteOrder(name="unit", image=None, run="true")
    run = SuiteRun(exit_code=99, junit="<x/>", log=Path("log"))
    assert k6.ordered(plain) is plain
    assert k6.told(plain, run) is run


def test_the_scripts_name_is_one_word() -> None:
    assert k6.ordered(order()).run.endswith("""'it'"'"'s/load.js'""")

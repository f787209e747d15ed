"""The results of suites: on a terminal, in Markdown, in JSON."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from davy.pipeline.core.endings import Ending
from davy.pipeline.core.events import Event, ReleaseFinished, Result, SuiteFinished
from davy.pipeline.core.json import codec
from davy.pipeline.core.text.sanitize import washed
from davy.pipeline.suites.reports.cases import Attempt, Case, CaseResult, Suite
from davy.pipeline.suites.reports.highlights import MOST, highlights, slowest
from davy.workflows.render import markdown as report
from davy.workflows.render.scene import Scene, folded
from davy.workflows.render.text.results import results
from davy.workflows.render.text.summary import summary

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
CASES = (
    Case(name="test_total", classname="tests.cart", seconds=12.5),
    Case(name="test_pay", classname="tests.pay", result=CaseResult.FAILED, message="AssertionError: 3 != 4\nat 7"),
    Case(name="test_far", classname="tests.far", result=CaseResult.ERROR, text="no route", quarantined=True),
    Case(
        name="test_slow",
        classname="tests.cart",
        attempts=(Attempt(result=CaseResult.FAILED, message="timed out"), Attempt(result=CaseResult.PASSED)),
    ),
)
EVIL = (
    "::error file=x::gotcha",
    "##vso[task.setvariable variable=x]y",
    "::set-output name=digest::evil",
    "::stop-commands::token",
    "##teamcity[buildStatus status='SUCCESS']",
    "##[error]x",
    "\x1b[2J\x1b]0;title\x07",
    "\x1b]52;c;ZXZpbA==\x07",
    "section_start:1:x\r\x1b[0K",
    "ok\r::error::overwritten",
    "\u202egnp.exe",
    "--><script>alert(1)</script>",
    "```\n::error::out of the fence",
)


def event(cases: tuple[Case, ...] = CASES, **more: object) -> SuiteFinished:
    suite = Suite(name="e2e[chrome]", cases=cases, took=timedelta(seconds=72))
    told, rest = highlights(suite, washed)
    known = {"parts": 8, "passed": 2, "failed": 1, "flaky": 1, "quarantined": 1, "link": "https://cloud.example/1"}
    return SuiteFinished(
        at=NOW, suite=suite.name, result=Result.FAILED, took=suite.took, told=told, more=rest,
        slowest=slowest(suite, washed), **(known | more),
    )  # fmt: skip


def test_the_table_names_what_failed_was_held_and_was_flaky_with_its_first_words() -> None:
    assert results([event()]) == [
        "suite        parts  passed  failed  flaky  quarantined   time",
        "e2e[chrome]      8       2       1      1            1  1m12s",
        "",
        "e2e[chrome]",
        "  failed: tests.pay::test_pay",
        "    | AssertionError: 3 != 4",
        "    | at 7",
        "  error: tests.far::test_far, quarantined",
        "    | no route",
        "  flaky: tests.cart::test_slow, 2 attempts",
        "    | timed out",
        "  slowest: 12s tests.cart::test_total",
        "  https://cloud.example/1",
    ]


def test_columns_that_say_nothing_are_left_out() -> None:
    quiet = event((Case(name="a"),), parts=1, flaky=0, quarantined=0, failed=0, link="")
    assert results([quiet]) == ["suite        passed  failed   time", "e2e[chrome]       2       0  1m12s"]


def test_a_hundred_failures_are_twenty_and_a_number() -> None:
    many = tuple(Case(name=f"t{number}", result=CaseResult.FAILED) for number in range(100))
    lines = results([event(many)])
    assert sum("failed: " in line for line in lines) == MOST
    assert "  … and 80 more; the JUnit report has them all" in lines


def test_no_line_of_the_table_is_wider_than_a_terminal() -> None:
    wide = replace(event(skipped=99_999, passed=199_999, failed=99_999), suite="everything[chrome-windows-11-latest]")
    assert max(len(line) for line in results([wide, event()])[:3]) <= 78


@pytest.mark.parametrize("evil", EVIL)
def test_nothing_that_a_test_says_is_a_command_in_any_output(evil: str) -> None:
    bad = Case(name=evil, classname=evil, result=CaseResult.FAILED, message=evil, text=evil)
    told = event((bad,))
    markdown = report.markdown(report.summarized([told]))
    lines = [*results([told]), *markdown.splitlines(), *json.dumps(codec.encode(told)).splitlines()]
    for line in lines:
        assert not line.lstrip().startswith(("::", "section_start:", "section_end:"))
        assert "##[" not in line
        assert "##vso[" not in line
        assert "##teamcity[" not in line
        assert not set(line) & {"\x1b", "\r", "\x07", "\x9b", "\u202e"}


def test_the_results_stand_in_the_summary_and_in_the_report_and_come_back_from_json() -> None:
    told = event()
    end = ReleaseFinished(at=NOW, ending=Ending.REJECTED, sentence="e2e failed", took=timedelta(seconds=80))
    scene = folded(folded(Scene(), told), end)
    text = summary(scene, width=79)
    assert "  e2e[chrome]      8       2       1      1            1  1m12s" in text.splitlines()
    assert max(map(len, text.splitlines())) <= 79
    markdown = report.markdown(report.summarized([told, end]))
    assert "| ❌ e2e\\[chrome\\] | 8 | 2 | 1 | 1 | 1 | 0 | `tests.cart::test_total` 12s | 1m12s |  |" in markdown
    assert "[the cloud's page](https://cloud.example/1)" in markdown
    again: Event = codec.decode(codec.encode(told))
    assert again == told


@pytest.mark.parametrize("link", ["javascript:alert(1)", "https://x/)[y](z", "https://x/ y", "https://x/<b>", ""])
def test_a_link_that_could_leave_its_place_is_none(link: str) -> None:
    assert report.address(link) == ""

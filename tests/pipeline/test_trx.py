"""TRX, which .NET writes, is read as cases; and no report of it that still tells of a failure is green."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from davy.pipeline.core.events import Result
from davy.pipeline.suites import attempts
from davy.pipeline.suites.attempts import RetryRules, Story
from davy.pipeline.suites.plan.pieces import Piece
from davy.pipeline.suites.ports import SuiteRun
from davy.pipeline.suites.reports.cases import CaseResult, Suite
from davy.pipeline.suites.reports.formats.xml import MOST_CASES
from davy.pipeline.suites.reports.reader import reading
from report_mutants import changed, mutants
from report_shapes import TRX

ET.register_namespace("", "http://microsoft.com/schemas/VisualStudio/TeamTest/2010")
OUTCOMES = {
    "Passed": CaseResult.PASSED, "passed": CaseResult.PASSED, "Completed": CaseResult.PASSED,
    "Warning": CaseResult.PASSED, "NotExecuted": CaseResult.SKIPPED, "Inconclusive": CaseResult.SKIPPED,
    "Pending": CaseResult.SKIPPED, "Failed": CaseResult.FAILED, "Timeout": CaseResult.FAILED,
    "Aborted": CaseResult.FAILED, "Error": CaseResult.ERROR, "NotRunnable": CaseResult.ERROR,
    "Disconnected": CaseResult.ERROR, "InProgress": CaseResult.ERROR, "PassedButRunAborted": CaseResult.ERROR,
    "": CaseResult.ERROR, "Anything": CaseResult.ERROR,
}  # fmt: skip
GOOD = [word for word, result in OUTCOMES.items() if not result.bad]


def suite_of(code: int | None, text: str, held: str = "") -> Suite:
    run = SuiteRun(exit_code=code, junit=text, log=Path("log"), because="" if code is not None else "timed out")
    story = Story(label="unit", piece=Piece(), command="dotnet test")
    story = attempts.told(story, run, timedelta(0), (), lambda key: key == held, found=reading([text]))
    return attempts.ended(story, RetryRules())


def test_a_case_has_its_class_its_time_its_words_and_its_outcome() -> None:
    found = reading([TRX.red.encode()])
    assert (found.broken, found.notes) == ("", ())
    assert [(case.key, case.result, case.seconds) for case in found.cases] == [
        ("Shop.CartTests::Adds", CaseResult.PASSED, 0.0123456),
        ("Shop.CartTests::Totals", CaseResult.FAILED, 0.5),
        ("Later", CaseResult.SKIPPED, 0.0),
        ("Shop.RowTests::Rows (1)", CaseResult.PASSED, 0.0),
        ("Shop.RowTests::Rows (2)", CaseResult.FAILED, 0.0),
    ]
    adds, totals, later, *_ = found.cases
    assert (adds.output, totals.errors, later.message) == ("hello", "warned", "not here")
    assert (totals.message, totals.text) == ("Assert.Equal() Failure", "at Shop.CartTests.Totals()")


@pytest.mark.parametrize("size", [1, 7, 1000])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_where_the_chunks_end_and_in_which_letters_does_not_matter(size: int, encoding: str) -> None:
    data = TRX.red.replace("UTF-8", encoding.removesuffix("-sig")).encode(encoding)
    head, rest = data[:400], data[400:]
    chunks = [head, *(rest[at : at + size] for at in range(0, len(rest), size))]
    assert reading(chunks).cases == reading([TRX.red]).cases


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_an_outcome_that_is_not_known_to_be_good_is_none_to_pass_by(outcome: str) -> None:
    result = f'<UnitTestResult testName="a" outcome="{outcome}"/>'
    (case,) = reading([f"<TestRun><Results>{result}</Results></TestRun>"]).cases
    assert (case.result, case.own) == (OUTCOMES[outcome], False)


@pytest.mark.parametrize(
    ("summary", "because"),
    [
        ('<ResultSummary outcome="Failed"/>', "its report says failed and names none"),
        ('<ResultSummary outcome="Aborted"/>', "its report says failed and names none"),
        ('<ResultSummary outcome="Completed"><Counters failed="1" error="1"/></ResultSummary>', "counts 2 failures"),
        (
            '<ResultSummary outcome="Completed"><RunInfos><RunInfo outcome="Error"><Text>Test host crashed</Text>'
            "</RunInfo></RunInfos></ResultSummary>",
            "test run: Test host crashed",
        ),
    ],
)
def test_what_the_whole_run_failed_by_fails_it(summary: str, because: str) -> None:
    text = f'<TestRun><Results><UnitTestResult testName="a" outcome="Passed"/></Results>{summary}</TestRun>'
    suite = suite_of(0, text)
    assert suite.result is Result.FAILED
    assert because in suite.because


def test_a_test_whose_rows_all_passed_and_that_failed_itself_is_told() -> None:
    row = '<UnitTestResult testName="r" outcome="Passed"/>'
    outer = f'<UnitTestResult testName="t" outcome="Failed"><InnerResults>{row}</InnerResults></UnitTestResult>'
    assert [(case.name, case.result.bad) for case in reading([f"<TestRun>{outer}</TestRun>"]).cases] == [
        ("r", False), ("t", True),
    ]  # fmt: skip


@pytest.mark.parametrize("evil", ['<!DOCTYPE a [<!ENTITY e "x">]>', '<!DOCTYPE TestRun SYSTEM "file:///etc/passwd">'])
def test_a_document_type_is_refused(evil: str) -> None:
    assert "document type" in reading([f"{evil}<TestRun/>"]).broken


@pytest.mark.slow
def test_its_size_is_bounded() -> None:
    one = '<UnitTestResult testName="a" outcome="Passed"/>'
    found = reading(["<TestRun>", *([one * 1000] * (MOST_CASES // 1000 + 1))])
    assert f"more than {MOST_CASES:,} cases" in found.broken
    long = f'<UnitTestResult testName="{"n" * 9000}" outcome="Failed"><Output><StdOut>{"x" * 10**6}</StdOut></Output>'
    (case,) = reading([f"<TestRun>{long}</UnitTestResult></TestRun>"]).cases
    assert len(case.name) + len(case.output) < 70_000
    assert "nests too deep" in reading(["<TestRun>" + "<a>" * 100]).broken


# ---- mutants ----


def plain(root: ET.Element) -> ET.Element:
    return changed(root, lambda every: [setattr(one, "tag", one.tag.partition("}")[2] or one.tag) for one in every])  # type: ignore[arg-type, func-returns-value]


def failures(root: ET.Element) -> Iterator[str]:
    """What it still tells, read another way."""
    results = list(root.iter("UnitTestResult"))
    bad = [one for one in results if one.get("outcome", "") not in GOOD]
    yield from (
        one.get("testName", "")
        for one in bad
        if not [each for each in one.iter() if each in bad[1:] and each is not one]
    )
    yield from ("run" for one in root.iter("RunInfo") if one.get("outcome") == "Error")
    counts = sum(int(one.get(word, "0")) for one in root.iter("Counters") for word in ("failed", "error", "timeout"))
    said = [one.get("outcome", "") for one in root.iter("ResultSummary")]
    if not bad and (counts or "Failed" in said):
        yield "run"


@pytest.mark.slow
def test_no_mutant_that_tells_of_a_failure_is_green() -> None:
    red, seen = plain(ET.fromstring(TRX.red)), 0  # noqa: S314 - our own
    for what, mutant in mutants(red):
        told = list(failures(mutant))
        for code in (0, 1, 139, 127, None):
            suite = suite_of(code, ET.tostring(mutant, encoding="unicode"))
            seen += bool(told)
            assert (suite.result is Result.FAILED) or not (told or code != 0), (what, code, told)
            assert (suite.result is Result.FAILED) == bool(suite.because), (what, code)
    assert seen > 500


@pytest.mark.slow
def test_no_mutant_is_green_because_of_one_test_in_quarantine() -> None:
    red = plain(ET.fromstring(TRX.red))  # noqa: S314 - our own
    for what, mutant in mutants(red):
        others = [name for name in failures(mutant) if not name.endswith("Totals")]
        suite = suite_of(1, ET.tostring(mutant, encoding="unicode"), held="Shop.CartTests::Totals")
        assert (suite.result is Result.FAILED) or not others, (what, others)


def test_healthy_reports_are_green() -> None:
    for text in TRX.green:
        suite = suite_of(0, text)
        assert (suite.result, suite.because) == (Result.PASSED, "")
        assert not any(case.own for case in suite.cases)

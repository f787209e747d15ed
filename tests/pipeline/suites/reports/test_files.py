"""Reports that lie in files: of any number and size."""

from datetime import timedelta
from pathlib import Path

from davy.pipeline.core.events import Result
from davy.pipeline.suites.ports import SuiteRun
from davy.pipeline.suites.reports import files
from davy.pipeline.suites.reports.writer import ended

TOOK = timedelta(seconds=1)


def run(*reports: Path, exit_code: int = 0) -> SuiteRun:
    return SuiteRun(exit_code=exit_code, junit=None, log=Path("log"), reports=reports)


def written(path: Path, *cases: str) -> Path:
    path.write_text(f"<testsuite>{''.join(cases)}</testsuite>")
    return path


def test_without_report_files_nothing_is_read() -> None:
    assert files.read(run()) is None


def test_several_reports_of_one_try_are_one_suite(tmp_path: Path) -> None:
    one = written(tmp_path / "a.xml", '<testcase name="a"/>', '<testcase name="b"/>')
    two = written(tmp_path / "b.xml", '<testcase name="b"><failure message="no"/></testcase>')
    several = run(one, two, exit_code=1)
    suite = ended("unit", several, TOOK, files.read(several))
    assert [(case.name, case.result.value) for case in suite.cases] == [("a", "passed"), ("b", "failed")]
    assert suite.because == "b failed"


def test_a_large_file_that_breaks_off_fails_the_suite_and_keeps_its_cases(tmp_path: Path) -> None:
    large = tmp_path / "large.xml"
    with large.open("w") as file:
        file.write("<testsuite>")
        for number in range(300):
            file.write(f'<testcase name="t{number}"><system-out>{"x" * 200_000}</system-out></testcase>')
    broken = run(large)
    suite = ended("unit", broken, TOOK, files.read(broken))
    assert (suite.result, len(suite.cases)) == (Result.FAILED, 301)
    assert "no XML" in suite.because
    assert suite.notes == ("long words were cut in 300 places of its report",)


def test_a_file_that_is_gone_or_empty_is_told(tmp_path: Path) -> None:
    gone = run(tmp_path / "gone.xml")
    assert "gone.xml cannot be read" in ended("unit", gone, TOOK, files.read(gone)).because
    (tmp_path / "empty.xml").touch()
    empty = run(tmp_path / "empty.xml", exit_code=3)
    assert ended("unit", empty, TOOK, files.read(empty)).because == "exit code 3"

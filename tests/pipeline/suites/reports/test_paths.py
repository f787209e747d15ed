"""Which files a suite's `junit` means, and what of them is read after a run."""

import os
import re
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from davy.pipeline.core.events import Result
from davy.pipeline.suites.ports import SuiteOrder, SuiteRun
from davy.pipeline.suites.reports import files, paths
from davy.pipeline.suites.reports.writer import ended
from davy.pipeline.suites.runners import output
from davy.pipeline.suites.runners.process import ProcessSuites

GOOD = '<testsuite name="g"><testcase classname="g" name="good"/></testsuite>'
BAD = '<testsuite name="b"><testcase classname="b" name="bad"><failure/></testcase></testsuite>'


@pytest.mark.parametrize(
    ("glob", "path", "is_meant"),
    [
        ("target/surefire-reports/*.xml", "target/surefire-reports/TEST-a.xml", True),
        ("target/surefire-reports/*.xml", "target/surefire-reports/in/TEST-a.xml", False),
        ("target/surefire-reports", "target/surefire-reports/in/TEST-a.xml", True),
        ("target/surefire-reports/", "target/surefire-reports/TEST-a.xml", True),
        ("target/surefire-reports", "target/surefire-reports/TEST-a.txt", False),
        ("target/surefire-reports", "target/surefire-reports.xml", False),
        ("**/target/*.xml", "target/a.xml", True),
        ("**/target/*.xml", "one/two/target/a.xml", True),
        ("**/target/*.xml", "nontarget/a.xml", False),
        ("**/test-results", "app/build/test-results/test/a.xml", True),
        ("r?port[0-9].out", "report1.out", True),
        ("report[!0-9].xml", "report1.xml", False),
        ("a+b/(c).xml", "a+b/(c).xml", True),
        ("a.xml", "aXxml", False),
    ],
)
def test_a_glob_means_files_and_a_folder_all_xml_in_it(glob: str, path: str, is_meant: bool) -> None:
    assert paths.means(glob, path) == is_meant


NAMES = st.lists(st.sampled_from(["a", "b.xml", "ab", "a.b"]), min_size=1, max_size=4).map("/".join)
GLOBS = st.lists(st.sampled_from(["a", "*", "**", "?", "*.xml", "a*", "[ab]", "b.xml"]), min_size=1, max_size=4)


@settings(max_examples=200, deadline=None)
@given(GLOBS.map("/".join), NAMES)
def test_what_find_is_asked_for_holds_all_that_a_glob_means(glob: str, path: str) -> None:
    if paths.means(glob, path):
        pattern = "".join(
            {"*": ".*", "?": "."}.get(part) or (part if part.startswith("[") else re.escape(part))
            for part in re.split(r"(\*|\?|\[[^]]+\])", paths.wider(glob))
        )
        assert re.fullmatch(f"{pattern}(/.*[.]xml)?", path)
        base = paths.base(glob)
        assert base in (".", path) or path.startswith(f"{base}/")


# ---- on this machine ----


@pytest.fixture
def played(tmp_path: Path) -> "Played":
    return Played(tmp_path)


class Played:
    """Runs a command as a suite, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.out = folder, folder / "out"

    def __call__(self, run: str, *globs: str) -> SuiteRun:
        order = SuiteOrder(name="s", image=None, run=run, folder=self.folder, out=self.out, reports=globs)
        return ProcessSuites({"PATH": "/usr/bin:/bin"}).run(order, lambda _: None)

    def suite(self, run: str, *globs: str) -> tuple[str, list[str], tuple[str, ...]]:
        """Its result, its cases, and what is noted."""
        made = self(run, *globs)
        suite = ended("s", made, timedelta(0), files.read(made))
        return suite.result.value, [case.name for case in suite.cases], suite.notes


def written(text: str, to: str) -> str:
    return f"mkdir -p $(dirname {to}); printf '%s' '{text}' > {to};"


def test_a_folder_as_report_is_read_file_by_file(played: Played) -> None:
    run = written(GOOD, "$JUNIT/TEST-a.xml") + written(BAD, "$JUNIT/in/TEST-b.xml") + written("no", "$JUNIT/notes.txt")
    assert played.suite(run) == (Result.FAILED, ["good", "bad"], ())


def test_a_folder_without_reports_as_report_fails_and_an_empty_one_is_no_report(played: Played) -> None:
    made = played(written("1..0", "$JUNIT/a.tap") + written("{}", "$JUNIT/in/b.json"))
    assert ended("s", made, timedelta(0), files.read(made)).result is Result.FAILED
    assert made.because == "its report is a folder without .xml and .trx, but with a.tap and 1 more, which is not read"
    assert played.suite("mkdir $JUNIT")[2] == ("wrote no report; it counts by its exit code",)


def test_globs_and_folders_are_read_beside_the_report(played: Played) -> None:
    run = written(GOOD, "$JUNIT") + written(BAD, "target/r/TEST-b.xml") + written(GOOD, "app/build/x.xml")
    result, names, notes = played.suite(run, "target/r/*.xml", "**/build", "not/there/*.xml")
    assert (result, sorted(names)) == (Result.FAILED, ["bad", "good"])
    assert notes == ("it wrote no report at not/there/*.xml",)
    assert (played.out / "reports/target/r/TEST-b.xml").read_text() == BAD


def test_what_was_there_before_the_run_is_not_read_and_that_is_said(played: Played) -> None:
    (played.folder / "r").mkdir()
    (played.folder / "r/old.xml").write_text(BAD)
    (played.folder / "r/again.xml").write_text(BAD)
    result, names, notes = played.suite(written(GOOD, "r/again.xml"), "r/*.xml")
    assert (result, names, notes) == (Result.PASSED, ["good"], ("1 report file is of an earlier run, and not read",))
    result, _, notes = played.suite("true", "r/*.xml")
    assert notes == (
        "2 report files are of an earlier run, and not read",
        "it wrote no report at r/*.xml",
        "wrote no report; it counts by its exit code",
    )


def test_a_folder_that_an_earlier_run_left_as_report_is_not_read(played: Played) -> None:
    played(written(BAD, "$JUNIT/TEST-a.xml"))
    assert played.suite(written(GOOD, "$JUNIT/TEST-b.xml"))[:2] == (Result.PASSED, ["good"])


@pytest.mark.parametrize(("run", "kind"), [("ln -s $PWD/bad.xml $JUNIT", "a link"), ("mkfifo $JUNIT", "no plain file")])
def test_a_link_or_a_pipe_is_no_report(played: Played, run: str, kind: str) -> None:
    (played.folder / "bad.xml").write_text(BAD)
    result, _, notes = played.suite(run)
    assert result == Result.PASSED
    assert notes[0] == f"what it wrote as its report is {kind}; that is not read"
    assert played.suite(written(BAD, "$JUNIT"))[0] == Result.FAILED
    assert (played.folder / "bad.xml").read_text() == BAD


def test_links_and_pipes_among_several_reports_are_left_out(
    played: Played, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "bad.xml").write_text(BAD)
    (played.folder / "outside").symlink_to(elsewhere)
    run = f"{written(GOOD, 'r/a.xml')} ln -s {elsewhere}/bad.xml r/b.xml; mkfifo r/c.xml; touch {elsewhere}/bad.xml"
    assert played.suite(run, "r/*.xml", "outside/*.xml")[:2] == (Result.PASSED, ["good"])


def test_what_is_known_to_be_no_report_is_noted_and_all_else_must_be_one(played: Played) -> None:
    run = written(GOOD, "r/a.xml") + written("<testng-results/>", "r/testng-results.xml")
    result, names, notes = played.suite(run, "r")
    assert (result, names) == (Result.PASSED, ["good"])
    assert notes == ("testng-results.xml is no report of tests, but <testng-results>; it was not read",)
    for text in ("<nothing-known/>", "<testsuite><testcase", ""):
        result, names, _ = played.suite(written(GOOD, "r/a.xml") + written(text, "r/b.xml"), "r")
        assert (result, "good" in names) == (Result.FAILED if text else Result.PASSED, True)
    assert played.suite(written("<coverage/>", "$JUNIT"))[0] == Result.FAILED
    assert played.suite(written('<!DOCTYPE suite SYSTEM "x"><suite/>', "r/b.xml"), "r/b.xml")[0] == Result.FAILED


def test_a_file_that_came_to_be_while_it_was_looked_for_counts_by_what_it_is(tmp_path: Path) -> None:
    asked = output.ReportPlaces(report=output.place(tmp_path / "out"), folder=tmp_path, globs=("*.xml",))
    (tmp_path / "a.xml").write_text(GOOD)
    os.utime(tmp_path / "a.xml", (1, 1))
    before = output.there(asked)
    assert output.gathered(asked, before).reports == ()
    # Written again with the same size and time: it is another file all the same.
    (tmp_path / "a.xml").unlink()
    (tmp_path / "a.xml").write_text(BAD[: len(GOOD)])
    os.utime(tmp_path / "a.xml", (1, 1))
    assert output.gathered(asked, before).reports == (tmp_path / "out/reports/a.xml",)

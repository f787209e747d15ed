"""Several CI jobs as one verdict: what any of them failed fails, and what none of them ran is noticed."""

import json
import shutil
import subprocess
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import pytest

from davy.pipeline.core.endings import Ending
from davy.pipeline.suites.parts import part_file

pytestmark = pytest.mark.slow

Davy = Callable[..., subprocess.CompletedProcess[str]]
REPORT = """\
echo "<testsuite>" > "$JUNIT"
for file in ${DAVY_TESTS:-all-$DAVY_SHARD}
do
  if [ -e "bad-$DAVY_SHARD" ]; then bad="<failure message='broke'/>"; fi
  echo "<testcase classname='c' name='$file'>$bad</testcase>" >> "$JUNIT"
done
echo "</testsuite>" >> "$JUNIT"
"""


def project(folder: Path, **more: object) -> None:
    (folder / "run.sh").write_text(REPORT)
    said = {"name": "e2e", "in": "process", "run": "sh run.sh", "shards": 3, **more}
    (folder / "davy.yaml").write_text(json.dumps({"service": "shop", "tests": [said]}))
    if "files" in more:
        (folder / "tests").mkdir(exist_ok=True)
        for number in range(6):
            (folder / "tests" / f"test_{number}.py").touch()


def job(davy: Davy, folder: Path, number: int, *more: str) -> Path:
    out = folder / f"job-{number}"
    davy("test", "--shard", f"{number}/3", "--out", str(out), *more)
    return out


@pytest.fixture
def jobs(davy: Davy, tmp_path: Path) -> list[Path]:
    project(tmp_path)
    return [job(davy, tmp_path, number) for number in (1, 2, 3)]


def merge(davy: Davy, parts: list[Path], *more: str) -> subprocess.CompletedProcess[str]:
    return davy("test", "merge", *map(str, parts), *more)


def test_all_parts_are_one_verdict_and_one_report(davy: Davy, tmp_path: Path, jobs: list[Path]) -> None:
    done = merge(davy, jobs)
    assert done.returncode == Ending.DONE, done.stderr
    merged = (tmp_path / "davy-out" / "junit.xml").read_text()
    assert [f"all-{number}" in merged for number in (1, 2, 3)] == [True] * 3
    assert "every suite passed, and no part is missing" in done.stdout


def test_every_set_of_parts_that_lacks_one_is_red_and_says_which(davy: Davy, tmp_path: Path, jobs: list[Path]) -> None:
    for count in (1, 2):
        for some in combinations((1, 2, 3), count):
            done = merge(davy, [jobs[number - 1] for number in some])
            assert done.returncode == Ending.REJECTED
            gone = [f"{number}/3" for number in (1, 2, 3) if number not in some]
            assert f"of suite e2e there is no part {', '.join(gone)}" in done.stdout
            assert "<error" in (tmp_path / "davy-out" / "junit.xml").read_text()


@pytest.mark.parametrize("number", [1, 2, 3])
def test_what_one_part_failed_fails_the_whole(davy: Davy, tmp_path: Path, number: int) -> None:
    project(tmp_path)
    (tmp_path / f"bad-{number}").touch()
    done = merge(davy, [job(davy, tmp_path, each) for each in (1, 2, 3)])
    assert done.returncode == Ending.REJECTED
    assert "<failure" in (tmp_path / "davy-out" / "junit.xml").read_text()


def test_of_a_suite_with_files_every_file_must_have_run(davy: Davy, tmp_path: Path) -> None:
    project(tmp_path, files=["tests/*.py"])
    parts = [job(davy, tmp_path, number) for number in (1, 2, 3)]
    assert merge(davy, parts).returncode == Ending.DONE
    for left in range(3):
        done = merge(davy, [part for at, part in enumerate(parts) if at != left])
        assert done.returncode == Ending.REJECTED
        assert "of suite e2e no part ran tests/test_" in done.stdout


def test_a_matrix_that_gives_a_machine_nothing_is_whole_without_it(davy: Davy, tmp_path: Path) -> None:
    project(tmp_path, files=["tests/test_0.py", "tests/test_1.py"])
    rows = json.loads(davy("test", "plan", "-o", "github-matrix").stdout)["include"]
    assert len(rows) == 2
    outs = []
    for at, row in enumerate(rows):
        outs.append(tmp_path / f"row-{at}")
        words = ["--suite", row["suite"], "--shard", row["shard"], "--files", row["files"], "--out", str(outs[-1])]
        assert davy("test", *words).returncode == Ending.DONE
    assert merge(davy, outs).returncode == Ending.DONE


def test_a_suite_that_no_part_ran_is_missing_and_one_that_was_named_alone_is_not(davy: Davy, tmp_path: Path) -> None:
    project(tmp_path)
    said = json.loads((tmp_path / "davy.yaml").read_text())
    said["tests"].append({"name": "unit", "in": "process", "run": "true"})
    (tmp_path / "davy.yaml").write_text(json.dumps(said))
    parts = [job(davy, tmp_path, number, "--suite", "e2e") for number in (1, 2, 3)]
    done = merge(davy, parts)
    assert done.returncode == Ending.REJECTED
    assert "suite unit was run by no part" in done.stdout
    assert merge(davy, parts, "--suite", "e2e").returncode == Ending.DONE


def test_too_few_tests_over_all_parts_fail(davy: Davy, tmp_path: Path) -> None:
    project(tmp_path, at_least=4)
    done = merge(davy, [job(davy, tmp_path, number) for number in (1, 2, 3)])
    assert done.returncode == Ending.REJECTED
    assert "3 tests ran, and at least 4 are needed" in done.stdout


def test_a_part_that_says_passed_over_a_report_that_does_not_is_red(davy: Davy, jobs: list[Path]) -> None:
    report = jobs[1] / "junit.xml"
    report.write_text(report.read_text().replace('name="all-2"', 'name="all-2"', 1).replace("</testcase>", "").replace(
        'time="0.0" />', 'time="0.0"><failure message="x"/></testcase>'))  # fmt: skip
    done = merge(davy, jobs)
    assert done.returncode in (Ending.REJECTED, Ending.UNUSABLE)


@pytest.mark.parametrize(
    ("spoilt", "says"),
    [
        (lambda part: (part / "part.json").unlink(), "has no part.json: its `davy test` did not come to an end"),
        (lambda part: (part / "junit.xml").unlink(), "has no junit.xml"),
        (lambda part: (part / "junit.xml").write_text("<testsuites>"), "cannot be read"),
        (lambda part: (part / "part.json").write_text("{"), "part.json"),
        (lambda part: (part / "part.json").write_text("[" * 100_000), "part.json"),
        (lambda part: changed(part, davy_test_part=2), "is no part of version 1"),
        (lambda part: changed(part, service="cart"), "is of service 'cart', not of 'shop'"),
        (lambda part: changed(part, revision="f" * 40), "of several commits"),
        (lambda part: shutil.copytree(part, part.parent / "job-1", dirs_exist_ok=True), "e2e 2/3 is there twice"),
    ],
)
def test_what_is_no_part_of_this_run_is_refused(
    davy: Davy, jobs: list[Path], spoilt: Callable[[Path], object], says: str
) -> None:
    spoilt(jobs[1])
    done = merge(davy, jobs)
    assert done.returncode == Ending.UNUSABLE, done.stdout
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def changed(part: Path, **more: object) -> None:
    path = part / part_file.NAME
    path.write_text(json.dumps(json.loads(path.read_text()) | more))


def test_a_run_that_was_broken_off_is_no_part(davy: Davy, tmp_path: Path, jobs: list[Path]) -> None:
    (tmp_path / "davy.yaml").write_text((tmp_path / "davy.yaml").read_text().replace("sh run.sh", "kill -9 $PPID"))
    job(davy, tmp_path, 2)
    assert not (jobs[1] / part_file.NAME).exists()


def test_the_folder_that_is_written_is_none_of_those_that_are_read(davy: Davy, jobs: list[Path]) -> None:
    done = merge(davy, jobs, "--out", str(jobs[0]))
    assert done.returncode == Ending.UNUSABLE
    assert "written over" in done.stderr

"""Cells, suites and runs never share a folder; what one variable cannot hold and what floods the screen is bounded."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from davy.pipeline.core.endings import Ending

pytestmark = pytest.mark.slow

Davy = Callable[..., subprocess.CompletedProcess[str]]
DAVY = Path(sys.executable).parent / "davy"

TWO_CELLS = """\
if [ "$DAVY_FLAG" = "-cache" ]
then echo '<testsuite><testcase classname="a" name="one"><failure/></testcase></testsuite>' > "$JUNIT"; exit 0
fi
echo '<testsuite><testcase classname="a" name="one"/></testsuite>' > "$JUNIT"
"""


def written(folder: Path, *suites: dict[str, object]) -> None:
    (folder / "davy.yaml").write_text(json.dumps({"service": "shop", "tests": list(suites)}))


def suite(run: str, **more: object) -> dict[str, object]:
    return {"name": "e2e", "in": "process", "run": run, **more}


def test_cells_whose_names_fall_together_have_a_folder_and_a_verdict_each(davy: Davy, tmp_path: Path) -> None:
    (tmp_path / "run.sh").write_text(TWO_CELLS)
    written(tmp_path, suite("sh run.sh", matrix={"flag": ["-cache", "+cache"]}, shards=2))
    done = davy("test")
    assert done.returncode == Ending.REJECTED, done.stdout
    assert sorted(path.name for path in (tmp_path / "davy-out" / "e2e").glob("c*")) == ["cache", "cache-2"]
    merged = (tmp_path / "davy-out" / "junit.xml").read_text()
    assert "e2e[cache]" in merged
    assert "e2e[cache-2]" in merged


def test_a_second_davy_is_kept_out_of_the_folder_until_the_first_has_ended(davy: Davy, tmp_path: Path) -> None:
    written(tmp_path, suite("touch begun; while [ ! -e go ]; do sleep 0.05; done"))
    first = subprocess.Popen([DAVY, "test"], cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until((tmp_path / "begun").exists)
        second = davy("test")
        assert second.returncode == Ending.LOCKED_OUT
        assert str(first.pid) in second.stderr
        assert "--out" in second.stderr
        elsewhere = davy("test", "--dry-run")
        assert elsewhere.returncode == Ending.DONE
    finally:
        (tmp_path / "go").touch()
    assert first.wait(60) == Ending.DONE
    assert davy("test").returncode == Ending.DONE


def test_a_killed_davy_leaves_the_folder_free(davy: Davy, tmp_path: Path) -> None:
    written(tmp_path, suite("touch begun; while [ ! -e go ]; do sleep 0.05; done"))
    first = subprocess.Popen([DAVY, "test"], cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until((tmp_path / "begun").exists)
    first.kill()
    first.wait(60)
    (tmp_path / "go").touch()
    assert davy("test").returncode == Ending.DONE


def test_more_failures_than_a_variable_holds_fail_and_are_all_told(davy: Davy, tmp_path: Path) -> None:
    cases = "".join(f'<testcase classname="{"c" * 80}" name="t{n}"><failure/></testcase>' for n in range(2000))
    (tmp_path / "bad.xml").write_text(f"<testsuite>{cases}</testsuite>")
    written(tmp_path, suite('cp bad.xml "$JUNIT"; exit 1', retries=1))
    done = davy("test")
    assert done.returncode == Ending.REJECTED, done.stderr
    assert (tmp_path / "davy-out" / "junit.xml").read_text().count("<testcase") == 2000


def test_a_glob_that_names_no_file_beside_one_that_does_is_told(davy: Davy, tmp_path: Path) -> None:
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "a.py").touch()
    written(tmp_path, suite("true", files=["t/*.py", "typo/*.py"]))
    done = davy("test")
    assert done.returncode == Ending.DONE
    assert "no file is named by 'typo/*.py'" in done.stderr
    assert "'t/*.py'" not in done.stderr


def test_an_empty_list_of_files_is_no_part_of_a_suite_that_has_some(davy: Davy, tmp_path: Path) -> None:
    (tmp_path / "a.py").touch()
    written(tmp_path, suite("true", files=["*.py"]))
    done = davy("test", "--suite", "e2e", "--shard", "1/3", "--files", "")
    assert done.returncode == Ending.UNUSABLE
    assert "--files is empty" in done.stderr


def test_every_name_that_cannot_be_told_is_told_at_once(davy: Davy, tmp_path: Path) -> None:
    for name in ("a b.py", "c d.py", "e.py"):
        (tmp_path / name).touch()
    written(tmp_path, suite("true", files=["*.py"]))
    done = davy("test")
    assert done.returncode == Ending.UNUSABLE
    assert "'a b.py'" in done.stderr
    assert "'c d.py'" in done.stderr


@pytest.mark.parametrize("name", [signal.SIGINT, signal.SIGTERM])
def test_a_suite_that_never_stops_printing_is_ended_by_one_signal_in_bounded_memory(
    name: signal.Signals, tmp_path: Path
) -> None:
    written(tmp_path, suite("touch begun; yes 'a line that is printed very often'"))
    with (tmp_path / "shown").open("wb") as shown:
        run = subprocess.Popen([DAVY, "test", "--verbose"], cwd=tmp_path, stdout=shown, stderr=shown)
        until(lambda: (tmp_path / "shown").stat().st_size > 5_000_000)
        most = next(
            int(line.split()[1]) for line in Path(f"/proc/{run.pid}/status").read_text().splitlines() if "VmHWM" in line
        )
        run.send_signal(name)
        assert run.wait(60) == Ending.INTERRUPTED
    assert most < 200_000


def until(there: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.05)

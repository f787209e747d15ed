"""`davy test` with suites that are spread: processes of this machine, no Docker, no cluster, no git."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from davy.pipeline.core.endings import Ending

pytestmark = pytest.mark.slow

Davy = Callable[..., subprocess.CompletedProcess[str]]
RUN = 'for f in $DAVY_TESTS; do echo "$DAVY_BROWSER:$f" >> ran.txt; done; {}'


def project(folder: Path, run: str = "true", files: int = 6, **more: object) -> None:
    (folder / "tests").mkdir()
    for number in range(files):
        (folder / "tests" / f"test_{number}.py").write_text("")
    suite = {"name": "e2e", "in": "process", "run": RUN.format(run), "files": ["tests/test_*.py"], "shards": 2, **more}
    (folder / "davy.yaml").write_text(json.dumps({"service": "shop", "tests": [suite]}))


def ran(folder: Path) -> list[str]:
    return sorted((folder / "ran.txt").read_text().split())


def test_every_file_runs_once_in_every_cell(davy: Davy, tmp_path: Path) -> None:
    project(tmp_path, matrix={"browser": ["chrome", "firefox"]})
    done = davy("test")
    assert done.returncode == Ending.DONE, done.stderr
    assert ran(tmp_path) == [f"{cell}:tests/test_{at}.py" for cell in ("chrome", "firefox") for at in range(6)]
    root = ET.parse(tmp_path / "davy-out" / "junit.xml").getroot()  # noqa: S314 - our own
    assert [suite.get("name") for suite in root] == ["e2e[chrome]", "e2e[firefox]"]


def test_machines_that_share_a_suite_run_every_file_once(davy: Davy, tmp_path: Path) -> None:
    project(tmp_path)
    matrix = json.loads(davy("test", "plan", "-o", "github-matrix").stdout)["include"]
    assert [row["shard"] for row in matrix] == ["1/2", "2/2"]
    for row in matrix:
        done = davy("test", "--suite", row["suite"], "--shard", row["shard"], "--files", row["files"])
        assert done.returncode == Ending.DONE, done.stderr
    assert ran(tmp_path) == [f":tests/test_{at}.py" for at in range(6)]
    kept = [line for line in davy("test", "history", "-o", "json").stdout.splitlines() if line]
    assert "1-of-2" in "".join(kept)
    assert "2-of-2" in "".join(kept)


def commit(folder: Path, at: str) -> None:
    who = {"GIT_AUTHOR_DATE": at, "GIT_COMMITTER_DATE": at, "PATH": os.environ["PATH"], "HOME": str(folder)}
    (folder / ".gitignore").write_text("davy-out/\n.davy/\nran.txt\n")
    own = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    for words in (["init", "-q"], ["add", "-A"], [*own, "commit", "-q", "--allow-empty", "-m", "x"]):
        subprocess.run(["git", *words], cwd=folder, env=who, check=True)


@pytest.mark.parametrize("known", [False, True], ids=["without git", "in a work tree"])
def test_machines_without_a_plan_leave_no_file_out_while_the_archive_grows(
    davy: Davy, tmp_path: Path, *, known: bool
) -> None:
    project(tmp_path, "sleep 0.0$(($$ % 10))", shards=1)
    if known:
        commit(tmp_path, "2026-01-01T00:00:00Z")
    for number in (1, 2, 3):
        assert davy("test", "--shard", f"{number}/3").returncode == Ending.DONE
    assert ran(tmp_path) == [f":tests/test_{at}.py" for at in range(6)]


def test_shares_go_by_runs_that_are_older_than_the_commit(davy: Davy, tmp_path: Path) -> None:
    slow = "case $DAVY_TESTS in *test_5*) sleep 0.4;; esac"
    project(tmp_path, slow)
    assert davy("test").returncode == Ending.DONE
    (tmp_path / "ran.txt").unlink()
    commit(tmp_path, "2099-01-01T00:00:00Z")
    assert davy("test", "--shard", "1/3").returncode == Ending.DONE
    assert ":tests/test_5.py" in ran(tmp_path)  # The longest is dealt out first.


def test_a_machine_without_a_part_says_that_nothing_ran(davy: Davy, tmp_path: Path) -> None:
    project(tmp_path)
    done = davy("test", "--shard", "9/9")
    assert done.returncode == Ending.DONE
    assert "no suite ran: this machine has no part of any" in done.stdout


def test_the_word_for_no_files_fits_a_suite_that_has_none(davy: Davy, tmp_path: Path) -> None:
    project(tmp_path, files=0)
    said = json.loads((tmp_path / "davy.yaml").read_text())
    del said["tests"][0]["files"]
    (tmp_path / "davy.yaml").write_text(json.dumps(said))
    assert davy("test", "--suite", "e2e", "--shard", "1/2", "--files", "").returncode == Ending.DONE


def test_an_empty_matrix_says_what_the_job_needs(davy: Davy, tmp_path: Path) -> None:
    (tmp_path / "davy.yaml").write_text(json.dumps({"service": "shop", "tests": []}))
    done = davy("test", "plan", "-o", "github-matrix")
    assert json.loads(done.stdout) == {"include": []}
    assert "empty matrix" in done.stderr


def test_only_what_failed_runs_again(davy: Davy, tmp_path: Path) -> None:
    project(tmp_path, 'test "$DAVY_TESTS" != tests/test_3.py -o "$DAVY_ATTEMPT" = 2', retries=1)
    done = davy("test", "-o", "json")
    assert done.returncode == Ending.DONE, done.stderr
    assert sorted(ran(tmp_path)) == sorted([*(f":tests/test_{at}.py" for at in range(6)), ":tests/test_3.py"])
    events = [json.loads(line) for line in done.stdout.splitlines()]
    (finished,) = [event for event in events if event["event"] == "SuiteFinished"]
    assert (finished["result"], finished["flaky"], finished["parts"]) == ("passed", 1, 6)


def test_a_second_run_knows_how_long_things_take(davy: Davy, tmp_path: Path) -> None:
    project(tmp_path)
    before = json.loads(davy("test", "plan", "-o", "json").stdout)["suites"][0]
    davy("test")
    after = json.loads(davy("test", "plan", "-o", "json").stdout)["suites"][0]
    assert before["expected_seconds"] is None
    assert after["expected_seconds"] >= 0
    assert after["files"] == 6


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--shard", "3/2"], "'3/2': the first number is from 1 to the second"),
        (["--shard", "x"], "'x' is no shard; write it like 2/8"),
        (["--suite", "nope"], "There is e2e."),
        (["--files", "tests/test_1.py"], "--files goes with one --suite that has `files`, and with --shard"),
        (["--shard", "1/2", "--files", "tests/no.py"], "'tests/no.py': the suite's globs do not name it"),
    ],
)
def test_what_can_not_be_chosen_is_said(davy: Davy, tmp_path: Path, words: list[str], says: str) -> None:
    project(tmp_path)
    done = davy("test", *words)
    assert done.returncode == Ending.UNUSABLE
    assert says in " ".join(done.stderr.split())
    assert not (tmp_path / "ran.txt").exists()


def test_globs_that_name_nothing_are_said_before_anything_runs(davy: Davy, tmp_path: Path) -> None:
    project(tmp_path, files=0)
    done = davy("test")
    assert done.returncode == Ending.UNUSABLE
    assert "tests.e2e.files: name no file: tests/test_*.py" in done.stderr


def test_a_failing_suite_rejects_and_says_which_test(davy: Davy, tmp_path: Path) -> None:
    project(tmp_path, 'test "$DAVY_TESTS" != tests/test_3.py')
    done = davy("test")
    assert done.returncode == Ending.REJECTED
    assert "e2e failed: tests/test_3.py: exit code 1" in done.stdout


def test_ctrl_c_ends_every_part_and_leaves_no_process(tmp_path: Path) -> None:
    from doors.conftest import DAVY  # noqa: PLC0415 - the fixture waits for the end; this one does not

    project(tmp_path, f"echo begun; echo $$ >> {tmp_path}/pids; exec sleep 300")
    env = {**os.environ, "HOME": str(tmp_path)}
    child = subprocess.Popen([DAVY, "test", "--plain"], cwd=tmp_path, env=env, stderr=subprocess.PIPE,
                             stdout=subprocess.DEVNULL, text=True)  # fmt: skip
    pids = tmp_path / "pids"
    while child.poll() is None and not (pids.exists() and len(pids.read_text().split()) == 2):
        time.sleep(0.05)
    child.send_signal(signal.SIGINT)
    _, talk = child.communicate(timeout=60)
    assert child.returncode == Ending.INTERRUPTED
    assert "suite e2e was stopped: 0 of its 6 parts had ended" in talk
    assert "tried again" not in talk
    assert not any(Path(f"/proc/{number}").exists() for number in pids.read_text().split())


def test_it_is_told_as_a_test_and_sends_nobody_to_the_canary(davy: Davy, tmp_path: Path) -> None:
    project(tmp_path, run="exit 1")
    done = davy("test")
    assert done.stderr.split()[1] == "test"
    assert "traffic" not in done.stderr + done.stdout


def test_what_a_place_lacks_is_said_before_anything_is_built(davy: Davy, tmp_path: Path) -> None:
    suite = {"name": "jobs", "in": "kubernetes", "run": "true"}
    cluster = {"kubernetes": {"namespace": "a", "deployment": "b", "kubeconfig": str(tmp_path / "none")}}
    config = {"service": "shop", "images": [{"name": "r.test/a", "context": "."}], "deploy": cluster, "tests": [suite]}
    (tmp_path / "davy.yaml").write_text(json.dumps(config))
    done = davy("test")
    assert done.returncode == Ending.UNUSABLE
    assert "There is no kubeconfig" in done.stderr + done.stdout


def test_against_the_canary_is_foreseen_without_a_cluster(davy: Davy, tmp_path: Path) -> None:
    project(tmp_path)
    wrong = davy("test", "--against", "canary", "--dry-run")
    assert (wrong.returncode, "none says `against: canary`" in wrong.stderr) == (Ending.UNUSABLE, True)
    suite = {"name": "probe", "in": "kubernetes", "against": "canary", "image": "r.test/a", "run": "true"}
    (tmp_path / "davy.yaml").write_text(
        json.dumps({"service": "shop", "images": [{"name": "r.test/a"}], "tests": [suite]})
    )
    done = davy("test", "--against", "canary", "--dry-run")
    assert done.returncode == Ending.DONE, done.stderr
    assert "the rollout is left as it is" in done.stdout
    assert "deployed" not in done.stdout


def test_the_log_that_is_named_is_that_of_the_part_that_failed(davy: Davy, tmp_path: Path) -> None:
    project(tmp_path, 'echo "$DAVY_TESTS"; test "$DAVY_TESTS" != tests/test_3.py', retries=1)
    done = davy("test", "-o", "json")
    (log,) = [json.loads(line)["log"] for line in done.stdout.splitlines() if '"SuiteFinished"' in line]
    assert log.endswith("/try-2/log.txt")
    assert (tmp_path / log).read_text() == "tests/test_3.py\n"

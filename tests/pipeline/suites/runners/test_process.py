"""Suites `in: process`: what they are given, what is collected, and that nothing of them is left."""

import os
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from davy.pipeline.suites.ports import SuiteOrder, SuiteRun
from davy.pipeline.suites.reports import files
from davy.pipeline.suites.runners import orphans
from davy.pipeline.suites.runners.process import ProcessPlace, ProcessSuites
from shop.ci_runners import is_running, until_gone

BARE = {"PATH": "/usr/bin:/bin", "LANG": "C"}


def ran(folder: Path, run: str, **more: object) -> tuple[SuiteRun, list[str]]:
    lines: list[str] = []
    order = SuiteOrder(name="unit", image=None, run=run, folder=folder, out=folder / "kept", **more)  # type: ignore[arg-type]
    return ProcessSuites(BARE, service="shop").run(order, lines.append), lines


def test_a_suite_runs_in_the_folder_of_the_configuration_with_its_own_environment(tmp_path: Path) -> None:
    (tmp_path / "here").write_text("")
    run, lines = ran(tmp_path, "ls here; echo $LAMP; env | cut -d= -f1 | sort | xargs", env={"LAMP": "red"})
    assert run.exit_code == 0
    assert lines[:2] == ["here", "red"]
    assert set(lines[2].split()) - {"PWD", "_", "SHLVL", "OLDPWD"} == {*BARE, "LAMP", "JUNIT", orphans.NAME}


def test_globs_are_collected_relative_to_the_folder_and_never_from_outside(tmp_path: Path) -> None:
    folder = tmp_path / "repo"
    folder.mkdir()
    (tmp_path / "secret").write_text("no")
    run, lines = ran(
        folder,
        "mkdir -p shots/deep; echo 1 >shots/a.png; echo 2 >shots/deep/b.png; ln -s ../secret link; echo 3 >c.txt",
        collect=("shots", "*.txt", "link", "../secret", "/etc/hostname", "none/*"),
    )
    found = {str(path.relative_to(folder / "kept" / "files")) for path in run.files}
    assert found == {"shots/a.png", "shots/deep/b.png", "c.txt"}
    assert [line for line in lines if line.startswith("(")] == [
        f"(nothing to collect at {path})" for path in ("link", "../secret", "/etc/hostname", "none/*")
    ]


def test_an_old_report_is_not_taken_for_this_runs(tmp_path: Path) -> None:
    ran(tmp_path, "echo old >$JUNIT")
    run, _ = ran(tmp_path, "true")
    assert run.junit is None


def test_a_suite_told_to_end_may_still_write_its_report(tmp_path: Path) -> None:
    slow = "trap 'echo late >$JUNIT; exit 1' TERM; echo begun; sleep 60 & wait"
    run, _ = ran(tmp_path, slow, timeout=timedelta(seconds=0.3))
    assert (run.exit_code, run.because, run.junit) == (None, "timed out after 300ms", "late\n")


def test_stopping_ends_the_whole_session(tmp_path: Path) -> None:
    suites, pids = ProcessSuites(BARE), []

    def say(line: str) -> None:
        pids.append(int(line))
        if len(pids) == 2:
            suites.stop()

    order = SuiteOrder(
        name="unit", image=None, run="echo $$; sh -c 'echo $$; sleep 60'; true", folder=tmp_path, out=tmp_path / "out"
    )
    run = suites.run(order, say)
    assert (run.exit_code, run.because) == (None, "stopped")
    # The kernel kills all of a session at once, but each ends on its own, a moment after its pipe has.
    until_gone(pids, within=10)
    assert not any(map(is_running, pids))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the environment of a process")
def test_what_a_killed_runner_left_is_ended_and_what_a_living_one_runs_is_not(tmp_path: Path) -> None:
    dead = subprocess.Popen(["true"])
    dead.wait()
    host = os.uname().nodename
    left, other, living = (
        subprocess.Popen(["sleep", "60"], env={**BARE, orphans.NAME: orphans.mark(service, host, owner)})
        for service, owner in (("shop", dead.pid), ("other", dead.pid), ("shop", os.getpid()))
    )
    try:
        place = ProcessPlace(environment=BARE, service="shop", interrupted=lambda: False)
        until_marked(left.pid)
        assert place.swept() == (f"ended process {left.pid}, left by a davy that is gone ({dead.pid})",)
        assert left.wait(10) < 0
        assert (other.poll(), living.poll()) == (None, None)
        assert place.swept() == ()
    finally:
        for child in (left, other, living):
            child.kill()
            child.wait()


def until_marked(number: int) -> None:
    """Between fork and exec a child still has its parent's environment."""
    for _ in range(500):
        if orphans.NAME.encode() in Path(f"/proc/{number}/environ").read_bytes():
            return
        threading.Event().wait(0.01)
    pytest.fail(f"process {number} never got its environment")


def test_a_loud_suite_loses_no_line(tmp_path: Path) -> None:
    run, lines = ran(tmp_path, "i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done")
    assert (run.exit_code, len(lines), lines[-1]) == (0, 20000, "line 19999")


def test_an_interruption_of_davy_is_one_of_the_suite(tmp_path: Path) -> None:
    word = threading.Event()
    suites = ProcessSuites(BARE, interrupted=word.is_set)
    order = SuiteOrder(name="unit", image=None, run="echo begun; sleep 60", folder=tmp_path, out=tmp_path / "out")
    run = suites.run(order, lambda _: word.set())
    assert run.because == "stopped"


def test_a_large_report_and_one_in_another_encoding_come_as_files_and_are_read(tmp_path: Path) -> None:
    xml = "<testsuite><testcase name='ä'><system-out>{}</system-out></testcase></testsuite>"
    (tmp_path / "wide").write_bytes(f"<?xml version='1.0' encoding='utf-16'?>{xml}".encode("utf-16"))
    (tmp_path / "large").write_text(xml.format("x" * 33 * 2**20))
    for name in ("wide", "large"):
        run, _ = ran(tmp_path, f"cp {name} $JUNIT")
        found = files.read(run)
        assert (run.junit, len(run.reports)) == (None, 1)
        assert found is not None
        assert ([case.name for case in found.cases], found.broken) == (["ä"], "")

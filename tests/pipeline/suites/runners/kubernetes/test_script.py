"""The script that runs a suite in its pod, run by a real shell here."""

import io
import os
import signal
import subprocess
import tarfile
import time
from pathlib import Path
from typing import Any

import pytest

from davy.pipeline.suites.runners.kubernetes.script import FOLDER, MOST_PACKED, SCRIPT, LineSorter, words

MARK = "davy-0123456789abcdef"


def started(folder: Path, run: str, *collect: str, most: int = MOST_PACKED, path: str = "") -> subprocess.Popen[bytes]:
    script = SCRIPT.replace(FOLDER, str(folder)).replace("sleep 1\n", "")
    command = ["/bin/sh", "-c", script, "davy", MARK, run, str(most), "60", "1", ":", *collect]
    environment = {**os.environ, **({"PATH": path} if path else {})}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment)


def ended(child: subprocess.Popen[bytes]) -> tuple[int, list[str], LineSorter]:
    parts, lines = LineSorter(MARK), []
    out, _ = child.communicate(timeout=20)
    for line in out.decode().split("\n")[:-1]:
        lines += parts.told(line)
    return child.returncode, lines, parts


def played(folder: Path, run: str, *collect: str, **how: Any) -> tuple[int, list[str], LineSorter]:
    return ended(started(folder, run, *collect, **how))


def with_tools(folder: Path, *names: str) -> str:
    tools = folder / "bin"
    tools.mkdir()
    for tool in ("cat", "mkdir", "wc", "sleep", *names):
        (tools / tool).symlink_to(f"/bin/{tool}" if Path(f"/bin/{tool}").exists() else f"/usr/bin/{tool}")
    return str(tools)


def report(parts: LineSorter) -> str:
    return b"".join(parts.report()).decode()


def test_the_suites_lines_exit_code_and_report_come_out_as_they_were(tmp_path: Path) -> None:
    run = "echo one; echo; echo '<testsuite>ä</testsuite>' >$JUNIT; echo two; exit 3"
    code, lines, parts = played(tmp_path, run)
    assert (code, lines, report(parts)) == (3, ["one", "", "two"], "<testsuite>ä</testsuite>\n")
    assert (parts.exit_code, parts.is_whole(), parts.notes, parts.has_files()) == (3, True, [], False)


@pytest.mark.parametrize("run", ["printf last", "printf 'last\\n'", "printf '\\nlast'"])
def test_an_unfinished_last_line_is_told_like_any_other(tmp_path: Path, run: str) -> None:
    _, lines, _ = played(tmp_path, run)
    assert lines[-1] == "last"


def test_collected_files_come_out_and_missing_ones_are_named(tmp_path: Path) -> None:
    kept = tmp_path / "a folder" / "x"
    kept.parent.mkdir()
    kept.write_bytes(bytes(range(256)) * 100)
    _, _, parts = played(tmp_path, "true", str(kept.parent), "/not/there")
    with tarfile.open(fileobj=io.BytesIO(b"".join(parts.files()))) as archive:
        member = archive.extractfile(str(kept).strip("/"))
        assert member is not None
        assert member.read() == kept.read_bytes()
    assert parts.notes == ["(nothing to collect at /not/there)"]


def test_files_that_are_too_large_are_named_and_left(tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(os.urandom(3000))
    code, _, parts = played(tmp_path, "true", str(tmp_path / "big"), most=1000)
    assert (code, parts.has_files(), len(parts.notes)) == (0, False, 1)
    assert "packed, more than" in parts.notes[0]


def test_an_image_with_next_to_no_tools_still_gives_its_report(tmp_path: Path) -> None:
    code, _, parts = played(tmp_path, "echo '<t/>' >$JUNIT; exit 1", "/etc/hostname", path=with_tools(tmp_path))
    assert code == 1
    assert report(parts).strip() == "<t/>"
    assert parts.notes == ["(files were not collected: the image has no tar, gzip or base64)"]


def test_a_suite_whose_time_is_up_still_gives_its_report(tmp_path: Path) -> None:
    child = started(tmp_path, "echo '<t/>' >$JUNIT; echo begun; exec sleep 30")
    while not (tmp_path / "junit.xml").exists():
        time.sleep(0.01)
    time.sleep(0.2)
    child.send_signal(signal.SIGTERM)
    code, lines, parts = ended(child)
    assert (code, lines, report(parts)) == (143, ["begun"], "<t/>\n")


def test_a_suite_cannot_pass_off_lines_of_its_own_as_the_scripts(tmp_path: Path) -> None:
    _, lines, parts = played(tmp_path, "echo 'davy-1 exit 0'; exit 7")
    assert (lines, parts.exit_code) == (["davy-1 exit 0"], 7)


def test_a_broken_copy_is_told_and_no_crash() -> None:
    parts = LineSorter(MARK)
    for line in (f"{MARK} exit 0", f"{MARK} part files.tgz 3", "AAAA", f"{MARK} part junit.gz 3", "%%%"):
        assert list(parts.told(line)) == []
    with pytest.raises(ValueError, match="broken"):
        report(parts)
    with pytest.raises(ValueError, match="broken"):
        list(parts.files())


@pytest.mark.parametrize("tools", ["", "base64", "gzip base64"])
@pytest.mark.parametrize("left_out", range(1, 4))
def test_a_report_of_which_a_line_is_missing_is_no_report(tmp_path: Path, left_out: int, tools: str) -> None:
    cases = "".join(f'<testcase name="{os.urandom(60).hex()}"/>\n' for _ in range(6))
    (tmp_path / "r").write_text(f"<testsuite>\n{cases}</testsuite>")
    child = started(tmp_path, f"cat {tmp_path}/r >$JUNIT", path=with_tools(tmp_path, *tools.split()))
    out = child.communicate(timeout=20)[0].decode().split("\n")[:-1]
    begins = next(number for number, line in enumerate(out) if line.startswith(f"{MARK} part junit"))
    whole, cut = LineSorter(MARK), LineSorter(MARK)
    for number, line in enumerate(out):
        list(whole.told(line))
        list(cut.told(line) if number != begins + left_out else ())
    assert report(whole).strip() == (tmp_path / "r").read_text()
    with pytest.raises(ValueError, match=r"end is missing|bytes came"):
        report(cut)


def test_a_report_that_is_too_large_for_the_log_is_no_report_that_is_missing(tmp_path: Path) -> None:
    (tmp_path / "r").write_bytes(os.urandom(3000))
    code, _, parts = played(tmp_path, f"cat {tmp_path}/r >$JUNIT", most=1000)
    assert code == 0
    with pytest.raises(ValueError, match="packed, more than"):
        report(parts)


def test_a_report_above_32_mib_comes_out_whole(tmp_path: Path) -> None:
    written = "<t>" + "0123456789" * 4 * 2**20 + "</t>"
    (tmp_path / "r").write_text(written)
    _, _, parts = played(tmp_path, f"cat {tmp_path}/r >$JUNIT")
    assert report(parts) == written


def test_how_long_the_suite_ran_is_told(tmp_path: Path) -> None:
    _, _, parts = played(tmp_path, "sleep 0.3")
    assert parts.took is not None
    assert parts.took.total_seconds() >= 0.2


def test_every_shard_finds_what_is_its_own(tmp_path: Path) -> None:
    tables = [{"DAVY_TESTS": f"a{number} it's $HOME", "N": str(number)} for number in range(3)]
    command = words(mark=MARK, run='echo "$N: $DAVY_TESTS"', seconds=60, shards=tables, collect=())
    command[2] = command[2].replace(FOLDER, str(tmp_path)).replace("sleep 1\n", "")
    for number in range(3):
        environment = {**os.environ, "JOB_COMPLETION_INDEX": str(number)}
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment)
        assert ended(child)[:2] == (0, [f"{number}: a{number} it's $HOME"])


def test_its_own_watch_ends_a_suite_in_time_and_the_report_comes_out(tmp_path: Path) -> None:
    run = "echo '<t/>' >$JUNIT; echo begun; exec sleep 60"
    command = words(mark=MARK, run=run, seconds=1, shards=[{}], collect=())
    command[2] = command[2].replace(FOLDER, str(tmp_path)).replace("sleep 1\n", "")
    _, lines, parts = ended(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT))
    assert (lines[0], parts.late, report(parts), parts.is_whole()) == ("begun", True, "<t/>\n", True)


# ---- several report files ----


def several(tmp_path: Path, run: str, *globs: str) -> tuple[int, LineSorter]:
    """In a folder of its own, `app`."""
    (tmp_path / "app").mkdir(exist_ok=True)
    command = words(mark=MARK, run=run, seconds=60, shards=[{}], collect=(), reports=globs)
    command[2] = command[2].replace(FOLDER, str(tmp_path / "davy")).replace("sleep 1\n", "")
    child = subprocess.Popen(command, cwd=tmp_path / "app", stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    code, _, parts = ended(child)
    return code, parts


def names_in(parts: LineSorter, root: Path) -> list[str]:
    with tarfile.open(fileobj=io.BytesIO(b"".join(parts.reports()))) as archive:
        return sorted(str((Path("/") / name).relative_to(root)) for name in archive.getnames())


def test_report_files_that_globs_name_come_out_and_those_of_before_do_not(tmp_path: Path) -> None:
    (tmp_path / "app/r").mkdir(parents=True)
    (tmp_path / "app/r/old.xml").write_text("<old/>")
    os.utime(tmp_path / "app/r/old.xml", (1, 1))
    run = "mkdir -p 'a b/target' && echo '<t/>' >'a b/target/x.xml'; echo '<t/>' >r/new.xml; ln -s new.xml r/link.xml"
    code, parts = several(tmp_path, f"{run}; mkfifo r/pipe.xml; exit 1", "r/*.xml", "**/target", "not/there")
    assert (code, parts.stale(), parts.home, parts.is_whole()) == (1, 1, str(tmp_path / "app"), True)
    assert names_in(parts, tmp_path / "app") == ["a b/target/x.xml", "r/new.xml"]


def test_a_folder_as_report_comes_out_file_by_file(tmp_path: Path) -> None:
    code, parts = several(tmp_path, "mkdir -p $JUNIT/in; echo '<t/>' >$JUNIT/a.xml; echo '<t/>' >$JUNIT/in/b.xml")
    assert (code, names_in(parts, tmp_path / "davy")) == (0, ["junit.xml/a.xml", "junit.xml/in/b.xml"])


def test_a_folder_without_reports_as_report_is_told_and_an_empty_one_is_no_report(tmp_path: Path) -> None:
    _, parts = several(tmp_path, "mkdir $JUNIT; echo 1..0 >$JUNIT/a.tap")
    with pytest.raises(ValueError, match="a folder without"):
        report(parts)
    _, parts = several(tmp_path, "rm $JUNIT/a.tap")
    assert (report(parts), parts.has_reports(), parts.is_whole()) == ("", False, True)


@pytest.mark.parametrize(("make", "kind"), [("ln -s /etc/hostname", "a link"), ("mkfifo", "no plain file")])
def test_a_link_or_a_pipe_as_report_is_not_read_and_that_is_told(tmp_path: Path, make: str, kind: str) -> None:
    code, parts = several(tmp_path, f"{make} $JUNIT")
    assert (code, parts.has_reports(), report(parts)) == (0, False, "")
    assert parts.unread == [f"what it wrote as its report is {kind}; that is not read"]


def test_an_image_that_cannot_send_several_files_says_so(tmp_path: Path) -> None:
    _, _, parts = played(tmp_path, "mkdir $JUNIT; echo '<t/>' >$JUNIT/a.xml", path=with_tools(tmp_path, "base64"))
    with pytest.raises(ValueError, match="the image has no find"):
        list(parts.reports())
    with pytest.raises(ValueError, match="the image has no find"):
        report(parts)

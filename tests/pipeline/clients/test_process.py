"""The one place where a subprocess starts."""

import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest

from davy.pipeline.clients.process import run
from davy.pipeline.core.errors import Missing

SOON = timedelta(seconds=20)


def test_the_exit_code_and_both_outputs_come_back() -> None:
    ended = run(["sh", "-c", "echo a; echo b >&2; exit 3"], timeout=SOON)
    assert (ended.exit_code, ended.out, ended.err) == (3, "a\n", "b\n")


def test_lines_are_told_as_they_come_both_outputs_together() -> None:
    lines: list[str] = []
    run(["sh", "-c", "echo one; echo two >&2; printf three"], timeout=SOON, say=lines.append)
    assert lines == ["one", "two", "three"]


def test_what_is_given_is_read() -> None:
    assert run(["cat"], given="lamp", timeout=SOON).out == "lamp"


def test_nothing_but_the_given_environment_is_there() -> None:
    assert run(["/bin/sh", "-c", "echo $A$HOME"], environment={"A": "x"}, timeout=SOON).out == "x\n"


def test_a_program_that_is_not_there_is_missing() -> None:
    with pytest.raises(Missing) as caught:
        run(["no-such-program-at-all"], timeout=SOON)
    assert "PATH" in caught.value.remedy


def test_a_child_that_takes_too_long_is_ended_with_its_children(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    began = time.monotonic()
    ended = run(["sh", "-c", f"(sleep 1; touch {mark}) & echo begun; sleep 60"], timeout=timedelta(seconds=0.3))
    assert (ended.exit_code, ended.out) == (None, "begun\n")
    assert time.monotonic() - began < 1
    time.sleep(1.2)
    assert not mark.exists()


def test_a_child_left_behind_does_not_hold_the_run_up() -> None:
    began = time.monotonic()
    assert run(["sh", "-c", "sleep 60 & echo done"], timeout=SOON).out == "done\n"
    assert time.monotonic() - began < 3


def test_a_child_that_nobody_wants_any_more_is_ended_and_told_apart_from_a_late_one() -> None:
    asked = threading.Event()
    words = ["sh", "-c", "echo begun; exec sleep 600"]
    ended = run(words, timeout=timedelta(minutes=5), say=lambda _: asked.set(), interrupted=asked.is_set)
    assert (ended.exit_code, ended.unwanted) == (None, True)


def test_with_patience_a_child_may_say_goodbye() -> None:
    asked = threading.Event()
    words = ["sh", "-c", "trap 'echo goodbye; exit 0' TERM; echo begun; while :; do sleep 0.1; done"]
    lines: list[str] = []

    def say(line: str) -> None:
        lines.append(line)
        asked.set()

    run(words, timeout=timedelta(minutes=5), say=say, interrupted=asked.is_set, patience=timedelta(seconds=30))
    assert lines[-1] == "goodbye"


def test_a_child_that_does_not_heed_is_killed_when_patience_is_over() -> None:
    words = ["sh", "-c", "trap '' TERM; while :; do sleep 0.1; done"]
    ended = run(words, timeout=timedelta(seconds=0.5), patience=timedelta(seconds=0.5))
    assert (ended.exit_code, ended.unwanted) == (None, False)


def test_a_child_is_ended_early_when_somebody_wants_it_and_may_say_a_last_word() -> None:
    heard: list[str] = []
    polite = "trap 'echo bye; exit 0' TERM; echo begun; sleep 60 & wait"
    ended = run(
        ["sh", "-c", polite],
        timeout=SOON,
        say=heard.append,
        interrupted=lambda: "begun" in heard,
        patience=timedelta(seconds=10),
    )
    assert (ended.exit_code, heard) == (None, ["begun", "bye"])


def test_a_line_without_end_is_told_in_pieces() -> None:
    heard: list[str] = []
    run(["sh", "-c", "head -c 200000 /dev/zero | tr '\\0' x"], timeout=SOON, say=heard.append)
    assert "".join(heard) == "x" * 200_000
    assert len(heard) > 1

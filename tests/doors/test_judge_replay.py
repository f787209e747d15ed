"""`davy judge replay` and `explain`, as installed: a trace in, a verdict out, and what is malformed told."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Davy = Callable[..., subprocess.CompletedProcess[str]]

HEADER = {"davy_trace": 1, "metrics": [{"name": "availability", "objective": 99.9}], "parameters": {"tolerate": 1.0}}
COUNTS = [(150, 1350, 1, 2), (148, 1362, 0, 1), (151, 1340, 2, 1), (149, 1355, 3, 2), (150, 1350, 0, 0)]


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    lines = [
        {
            "t": 15 * index,
            "canary": {"availability": {"total": nc, "bad": xc}},
            "stable": {"availability": {"total": nb, "bad": xb}},
        }
        for index, (nc, nb, xc, xb) in enumerate(COUNTS, start=1)
    ]
    out = tmp_path / "trace.jsonl"
    out.write_text("\n".join(json.dumps(one) for one in (HEADER, *lines)))
    return out


def test_the_verdict_as_json(davy: Davy, trace: Path) -> None:
    done = davy("judge", "replay", str(trace), "--output", "json")
    assert done.returncode == 0
    said = json.loads(done.stdout)
    assert list(said) == [
        "davy_replay", "judge", "verdict", "at", "windows", "log_e_roll_back", "log_e_burn", "metrics", "sentence",
    ]  # fmt: skip
    assert (said["judge"], said["verdict"], said["at"], said["windows"]) == ("sequential", "roll_back", 60, 4)
    one = said["metrics"]["availability"]
    assert one["log_e"] == pytest.approx(5.224690393538, abs=1e-11)
    assert one["canary"] == {"total": 598, "bad": 6}
    assert one["stable"] == {"total": 5407, "bad": 6}
    assert one["blame"] == 1
    assert len(one["ratio"]) == 2


def test_to_the_end_the_figures_are_the_ends_and_the_verdict_is_the_first(davy: Davy, trace: Path) -> None:
    said = json.loads(davy("judge", "replay", str(trace), "--to-end", "-o", "json").stdout)
    assert (said["verdict"], said["at"], said["windows"]) == ("roll_back", 60, 5)
    assert said["metrics"]["availability"]["canary"]["total"] == 748


def test_the_verdict_for_people(davy: Davy, trace: Path) -> None:
    done = davy("judge", "replay", str(trace))
    assert done.stdout.startswith(
        "roll back at 60 s (sequential, 4 windows read)\nRolled back: 6 of 598 canary requests"
    )
    assert "\x1b" not in done.stdout
    assert davy("judge", "replay", str(trace), "--plot").stdout.startswith(done.stdout)


def test_from_stdin(trace: Path) -> None:
    davy = Path(sys.executable).parent / "davy"
    with trace.open("rb") as lines:
        command = [davy, "judge", "replay", "-", "-o", "json"]
        done = subprocess.run(command, stdin=lines, capture_output=True, check=True)
    assert json.loads(done.stdout)["at"] == 60


def test_the_page_is_written_beside_the_verdict(davy: Davy, trace: Path, tmp_path: Path) -> None:
    out = tmp_path / "verdict.html"
    assert davy("judge", "replay", str(trace), "--html", str(out)).returncode == 0
    assert out.read_text().startswith("<!DOCTYPE html>")
    nowhere = davy("judge", "replay", str(trace), "--html", str(tmp_path / "no" / "x.html"))
    assert nowhere.returncode == 2
    assert "cannot be written" in nowhere.stderr


@pytest.mark.parametrize("judge", ["threshold", "mannwhitney"])
def test_other_judges_have_no_such_evidence(davy: Davy, trace: Path, judge: str) -> None:
    said = json.loads(davy("judge", "replay", str(trace), "--judge", judge, "-o", "json").stdout)
    assert said["judge"] == judge
    assert said["log_e_roll_back"] is None
    assert said["metrics"]["availability"]["log_e"] is None
    assert said["metrics"]["availability"]["canary"]["total"] > 0


def test_every_malformed_line_is_told_also_behind_the_verdict(davy: Davy, trace: Path) -> None:
    trace.write_text(trace.read_text() + "\nnot json\n{}\n")
    done = davy("judge", "replay", str(trace))
    assert done.returncode == 2
    assert done.stdout == ""
    assert f"{trace}:7: is not JSON" in done.stderr
    assert f"{trace}:8: " in done.stderr
    said = json.loads(davy("judge", "replay", str(trace), "-o", "json").stdout)
    assert [one["line"] for one in said["problems"]] == [7, 8]


@pytest.mark.parametrize("command", ["replay", "explain"])
def test_a_file_that_is_not_there_or_is_a_folder(davy: Davy, tmp_path: Path, command: str) -> None:
    for name in (tmp_path / "none.jsonl", tmp_path):
        done = davy("judge", command, str(name))
        assert done.returncode == 2
        assert "cannot be read" in done.stderr


def test_a_verdict_in_full(davy: Davy, trace: Path) -> None:
    done = davy("judge", "explain", str(trace))
    assert done.returncode == 0
    assert "roll back at 60 s" in done.stdout
    assert "canary 6/598 1.0%, stable 6/5,407 0.11%" in done.stdout
    said = json.loads(davy("judge", "explain", str(trace), "--at", "45", "-o", "json").stdout)
    assert (said["verdict"], said["t"], said["windows"]) == ("inconclusive", 45, 3)
    assert said["metrics"]["availability"]["missing"]["bad"] > 0

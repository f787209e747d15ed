"""`davy rehearse`, as a subprocess."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from davy.pipeline.core.events import ReleaseFinished
from davy.pipeline.core.json.codec import decode

Davy = Callable[..., subprocess.CompletedProcess[str]]

FILE = """
service: checkout
images: [{name: registry.example.com/shop/checkout}]
deploy: {kubernetes: {namespace: shop, deployment: checkout}}
canary: {steps: [25%, 50%], bake: 1m}
checks:
  prometheus: http://prometheus:9090
  slos: [{name: availability, objective: 99.5, errors: 'errors_total', total: 'requests_total'}]
"""


@pytest.fixture(autouse=True)
def configuration(tmp_path: Path) -> None:
    (tmp_path / "davy.yaml").write_text(FILE)


def test_stdout_is_the_summary_and_stderr_the_story(davy: Davy) -> None:
    run = davy("rehearse")
    assert run.returncode == 0
    assert run.stdout.startswith("done")
    assert "rehearsal: simulated" in run.stdout
    assert "step 1 reached" in run.stderr


def test_the_exit_code_is_the_plays_only_where_it_was_asked_for(davy: Davy) -> None:
    assert davy("rehearse", "--fault", "crash-loop").returncode == 0
    assert davy("rehearse", "--fault", "crash-loop", "--exit-code").returncode == 4


def test_json_lines_are_events_and_each_says_that_it_is_a_rehearsal(davy: Davy) -> None:
    run = davy("rehearse", "--output", "json", "--times", "20")
    lines = [json.loads(line) for line in run.stdout.splitlines()]
    assert all(line["rehearsal"] is True for line in lines)
    last = decode(lines[-1])
    assert isinstance(last, ReleaseFinished)
    assert int(last.ending) == 4


def test_repeat_prints_a_table(davy: Davy) -> None:
    run = davy("rehearse", "--times", "20", "--repeat", "3")
    assert run.returncode == 0
    assert "3 of 3" in run.stdout
    document = json.loads(davy("rehearse", "--times", "20", "--repeat", "2", "-o", "json").stdout)
    assert (document["rehearsal"], document["plays"]) == (True, 2)


@pytest.mark.parametrize("errors", ["2", "-1%", "many"])
def test_a_share_that_is_none_is_a_usage_error(davy: Davy, errors: str) -> None:
    assert davy("rehearse", "--errors", errors).returncode == 2


def test_an_option_may_come_from_the_environment(davy: Davy) -> None:
    run = davy("rehearse", env={"DAVY_REHEARSE_FAULT": "crash-loop", "DAVY_REHEARSE_EXIT_CODE": "1"})
    assert run.returncode == 4


def test_a_reader_that_leaves_early_does_not_stop_the_play(tmp_path: Path) -> None:
    davy = Path(sys.executable).parent / "davy"
    command = f"{davy} rehearse -o json --exit-code --fault crash-loop | head -n 1 >/dev/null; echo ${{PIPESTATUS[0]}}"
    run = subprocess.run(["/bin/bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert (run.stdout.strip(), run.stderr) == ("4", "")


def test_a_stdout_that_is_closed_does_not_change_how_it_ended(tmp_path: Path) -> None:
    davy = Path(sys.executable).parent / "davy"
    command = f"{davy} rehearse --exit-code --fault crash-loop 2>/dev/null | true; echo ${{PIPESTATUS[0]}}"
    run = subprocess.run(["/bin/bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert (run.stdout.strip(), run.stderr) == ("4", "")

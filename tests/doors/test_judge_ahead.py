"""`davy judge plan` and `davy judge simulate`, as subprocesses, without a server."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

Davy = Callable[..., subprocess.CompletedProcess[str]]
TOLD = ("--rps", "100", "--bad", "0.1%")
FILE = """
service: checkout
images: [{name: registry.example.com/shop/checkout}]
deploy: {kubernetes: {namespace: shop, deployment: checkout}}
canary: {steps: [5%, 20%, 50%], deadline: 50m}
checks:
  prometheus: http://127.0.0.1:9
  slos:
    - {name: availability, objective: 99.9, errors: 'errors_total', total: 'requests_total'}
    - {name: latency, objective: 99, histogram: 'seconds_bucket', under: 250ms}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "davy.yaml"
    path.write_text(FILE)
    return path


def test_a_plan_needs_no_file_and_no_server(davy: Davy) -> None:
    run = davy("judge", "plan", *TOLD, "--replicas", "10")
    assert run.returncode == 0, run.stderr
    assert "9.09 %" in run.stdout
    assert max(map(len, run.stdout.splitlines())) <= 80


def test_the_recommended_ladder_can_be_pasted(davy: Davy, file: Path) -> None:
    run = davy("judge", "plan", *TOLD, "--replicas", "19", "-o", "json")
    document = json.loads(run.stdout)
    assert document["davy_judge_plan"] == 1
    pasted = yaml.safe_load(document["recommended"]["yaml"])
    assert [step["worse"] for step in pasted["canary"]["steps"]] == [10, 5, 2]
    whole = yaml.safe_load(FILE)
    whole["canary"] = pasted["canary"]
    file.write_text(yaml.safe_dump(whole))
    assert davy("validate").returncode == 0


def test_each_slo_is_planned_for_with_its_own_share(davy: Davy, file: Path) -> None:
    run = davy("judge", "plan", "--rps", "50", "--bad", "availability=0.05%", "--bad", "latency=1%", "-o", "json")
    assert [one["base"] for one in json.loads(run.stdout)["metrics"]] == [0.0005, 0.01]


def test_everything_wrong_with_the_shares_is_said_at_once(davy: Davy, file: Path) -> None:
    run = davy("judge", "plan", "--rps", "50", "--bad", "throughput=1%")
    assert run.returncode == 2
    assert all(name in run.stderr for name in ("throughput", "availability", "latency"))


@pytest.mark.parametrize("said", [("--rps", "100"), ("--bad", "0.1%")])
def test_half_of_the_traffic_is_not_enough(davy: Davy, said: tuple[str, str]) -> None:
    run = davy("judge", "plan", *said)
    assert run.returncode == 2
    assert "--rps and --bad belong together" in run.stderr


def test_a_server_that_does_not_answer_is_no_plan(davy: Davy, file: Path) -> None:
    assert davy("judge", "plan").returncode == 6


def test_steps_that_cannot_be_taken_are_refused(davy: Davy) -> None:
    run = davy("judge", "plan", *TOLD, "--share", "30%", "--share", "20%")
    assert run.returncode == 2
    assert "must be above 30" in run.stderr


@pytest.mark.slow
def test_a_simulation_shows_every_judge_in_80_columns(davy: Davy, file: Path) -> None:
    run = davy("judge", "simulate", *TOLD, "--rollouts", "2")
    assert run.returncode == 0, run.stderr
    assert run.stderr == ""
    assert max(map(len, run.stdout.splitlines())) <= 80
    for name in ("davy, dispersion 1", "threshold (argo)", "threshold (flagger)", "mannwhitney", "latency 1.5x"):
        assert name in run.stdout


@pytest.mark.slow
def test_the_same_seed_simulates_the_same(davy: Davy) -> None:
    runs = [davy("judge", "simulate", *TOLD, "--rollouts", "2", "-o", "json", "--seed", seed) for seed in "112"]
    same, again, other = (json.loads(run.stdout)["rows"] for run in runs)
    assert same == again
    assert same != other
    found = next(row for row in same if (row["scenario"], row["judge"]) == ("errors 10x", "davy"))
    assert (found["rolled_back"], found["healthy"]) == (2, False)
    assert found["mean_extra_bad"] > 0


@pytest.mark.parametrize("bad", ["0", "100%", "0.00001%", "30%"])
def test_any_share_of_bad_events_can_be_planned_for(davy: Davy, bad: str) -> None:
    run = davy("judge", "plan", "--rps", "0.5", "--bad", bad, "--objective", "99", "-o", "json")
    assert run.returncode == 0, run.stderr
    assert "NaN" not in run.stdout
    assert "Infinity" not in run.stdout


def test_a_deadline_that_leaves_no_time_is_said(davy: Davy, file: Path) -> None:
    file.write_text(FILE.replace("50m", "3m"))
    run = davy("judge", "simulate", *TOLD)
    assert run.returncode == 2
    assert "canary.deadline: leaves no time" in run.stderr

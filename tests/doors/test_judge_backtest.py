"""`davy judge backtest`, as a subprocess: on an exported past, and against a server that is not there."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from davy.checks.backtest import pod_file
from davy.checks.backtest.pod_counts import PodCounts
from davy.checks.statistics.sampling import binomial, poisson
from davy.pipeline.core.verdict import Counts

pytestmark = pytest.mark.slow

Davy = Callable[..., subprocess.CompletedProcess[str]]
FILE = """
service: checkout
images: [{name: registry.example.com/shop/checkout}]
deploy: {kubernetes: {namespace: shop, deployment: checkout}}
canary: {steps: [10%, 50%], deadline: 40m}
checks:
  prometheus: http://127.0.0.1:9
  slos:
    - {name: availability, objective: 99.7, errors: 'errors_total', total: 'requests_total'}
    - {name: latency, objective: 99, histogram: 'seconds_bucket', under: 250ms}
"""


@pytest.fixture
def past(tmp_path: Path) -> Path:
    (tmp_path / "davy.yaml").write_text(FILE)
    dice, file = Random(5), tmp_path / "past.jsonl"
    counts = PodCounts(start=1.79e9, length=30.0, bounds={"availability": (), "latency": ()})
    for pod in ("checkout-a", "checkout-b", "checkout-c\x1b[31m", "checkout-d"):
        for window in range(6 * 120):
            total = poisson(600, dice)
            for metric, rate in (("availability", 0.002), ("latency", 0.004)):
                counts.put(metric, window, pod, Counts(bad=binomial(total, rate, dice), total=total))
    file.write_text("".join(f"{line}\n" for line in pod_file.written(counts)))
    return file


def test_a_past_is_told_in_80_columns_and_as_a_page_without_a_network(davy: Davy, past: Path) -> None:
    page = past.with_name("page.html")
    run = davy("judge", "backtest", "--from", str(past), "--plot", "--html", str(page), "--inject", "2,10,20,50")
    assert run.returncode == 0, run.stderr
    assert max(map(len, run.stdout.splitlines())) <= 80
    assert "\x1b" not in run.stdout
    for words in ("rolled back 0 of", "sequential", "threshold", "mannwhitney", "50x", "farthest", "dispersion"):
        assert words in run.stdout
    html = page.read_text()
    assert html.startswith("<!DOCTYPE html>")
    assert "http://" not in html.replace("http://www.w3.org", "")
    assert "<script" not in html
    assert "\x1b" not in html


def test_the_same_seed_gives_the_same_bytes(davy: Davy, past: Path) -> None:
    said = ("judge", "backtest", "--from", str(past), "-o", "json", "--starts", "5", "--inject", "10")
    one, again, other = davy(*said), davy(*said), davy(*said, "--seed", "2")
    assert one.returncode == 0, one.stderr
    assert one.stdout == again.stdout
    assert one.stdout != other.stdout
    document = json.loads(one.stdout)
    assert document["davy_judge_backtest"] == 1
    assert document["starts"] == 5
    assert {row["judge"] for row in document["rows"]} == {"sequential", "threshold", "mannwhitney"}
    healthy = next(row for row in document["rows"] if (row["judge"], row["ratio"]) == ("sequential", 1))
    assert healthy["rolled_back"] == 0
    found = next(row for row in document["rows"] if (row["judge"], row["ratio"]) == ("sequential", 10))
    assert found["rolled_back"] == 5


def test_another_ladder_and_another_metric_can_be_tried(davy: Davy, past: Path) -> None:
    run = davy(
        "judge", "backtest", "--from", str(past), "-o", "json", "--starts", "3",
        "--share", "25%", "--into", "latency", "--inject", "5",
    )  # fmt: skip
    document = json.loads(run.stdout)
    assert [step["share"] for step in document["steps"]] == [0.25]
    assert document["injected"][0]["metric"] == "latency"


def test_everything_wrong_is_said_at_once(davy: Davy, past: Path) -> None:
    run = davy("judge", "backtest", "--into", "speed", "--inject", "0.5,2", "--days", "0.01")
    assert run.returncode == 2
    assert all(words in run.stderr for words in ("speed", "0.5", "--days"))


def test_a_file_that_does_not_fit_is_told_and_changes_nothing(davy: Davy, past: Path) -> None:
    config = past.with_name("davy.yaml")
    config.write_text(FILE.replace("name: latency", "name: slowness"))
    run = davy("judge", "backtest", "--from", str(past))
    assert run.returncode == 2
    assert "slowness was not exported" in run.stderr
    past.write_text("{}\nnonsense\n")
    assert davy("judge", "backtest", "--from", str(past)).returncode == 2
    assert davy("judge", "backtest", "--from", "nowhere.jsonl").returncode == 2


def test_without_slos_there_is_nothing_to_try(davy: Davy, past: Path) -> None:
    config = past.with_name("davy.yaml")
    thresholds = "  judge: threshold\n  thresholds: [{name: errors, query: vector(1), success: '< 2'}]\n"
    config.write_text(FILE.partition("  slos:")[0] + thresholds)
    run = davy("judge", "backtest", "--from", str(past))
    assert run.returncode == 2
    assert "checks.slos" in run.stderr


def test_a_server_that_does_not_answer_is_exit_6(davy: Davy, past: Path) -> None:
    run = davy("judge", "backtest")
    assert run.returncode == 6, run.stderr
    assert run.stdout == ""


def test_where_the_service_itself_burns_its_budget_that_is_named_and_not_the_pods(davy: Davy, tmp_path: Path) -> None:
    latency = next(line for line in FILE.splitlines() if "latency" in line)
    (tmp_path / "davy.yaml").write_text(FILE.replace(latency, ""))
    lines = [{"davy_pods": 1, "start": 0, "window": 15.0, "metrics": {"availability": []}}]
    lines += [{"t": 15.0 * n, "pods": {pod: {"availability": [25, 25]} for pod in "abcdef"}} for n in range(1, 401)]
    past = tmp_path / "all-bad.jsonl"
    past.write_text("\n".join(map(json.dumps, lines)))
    run = davy("judge", "backtest", "--from", str(past), "-o", "json", "--starts", "3", "--inject", "10")
    document = json.loads(run.stdout)
    assert document["rows"][0]["rolled_back"] == 3
    assert "the service itself burned the error budget of availability at " in document["sentence"]
    assert "so that the burn guard takes every canary back" in document["sentence"]
    assert "not alike" not in document["sentence"]

"""The backtest over a real Prometheus: a day that was backfilled, and counters that it keeps of itself."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
import requests

from davy.checks.backtest import pod_file, pod_reader
from davy.checks.metrics.prometheus.client import Prometheus
from davy.checks.statistics.sampling import binomial, poisson
from davy.pipeline.config.parsing.reader import made
from davy.pipeline.config.sections.checks import ChecksConfig
from davy.pipeline.core.verdict import Counts

pytestmark = [pytest.mark.lab("docker"), pytest.mark.slow]

DAVY = Path(sys.executable).parent / "davy"
SCRAPE = 30
"""Seconds, of the backfilled day."""
HOURS = 12
PODS = ("checkout-a", "checkout-b", "checkout-c", "checkout-d")
RATE = 0.002
OWN, HANDLERS = "prometheus_http_requests_total", "/api/v1/status/.*"
WARMUP = 60
"""Seconds that davy leaves out of every pod that it did not see at the beginning of its days."""
FILE = """
service: checkout
images: [{{name: registry.example.com/shop/checkout}}]
deploy: {{kubernetes: {{namespace: shop, deployment: checkout}}}}
canary: {{steps: [20%, 50%], deadline: 40m}}
checks:
  prometheus: {url}
  interval: 30s
  slos:
    - {{name: availability, objective: 99.5, errors: 'http_total{{code="500"}}', total: http_total}}
"""


@dataclass
class Held:
    """A Prometheus, and what was put into it."""

    url: str
    start: int
    counts: dict[str, Counts]


def backfill(folder: Path, start: int) -> dict[str, Counts]:
    """Four pods' counters as blocks; one process begins anew in between, and codes are born late."""
    dice, totals = Random(3), dict.fromkeys(PODS, Counts(bad=0, total=0))
    values: dict[tuple[str, str], int] = {}
    lines = ["# TYPE http counter"]
    samples: dict[tuple[str, str], list[str]] = {}
    for at in range(start, start + HOURS * 3600 + 1, SCRAPE):
        for pod in PODS:
            if at == start + HOURS * 1800 and pod == PODS[0]:
                values = {key: value for key, value in values.items() if key[0] != pod}
            total = poisson(20 * SCRAPE, dice)
            bad = binomial(total, RATE, dice)
            totals[pod] += Counts(bad=bad, total=total) if at > start + WARMUP else Counts(bad=0, total=0)
            for code, more in (("200", total - bad), ("500", bad)):
                if more or (pod, code) in values:
                    values[pod, code] = values.get((pod, code), 0) + more
                    labels = f'pod="{pod}",code="{code}"'
                    samples.setdefault((pod, code), []).append(f"http_total{{{labels}}} {values[pod, code]} {at}")
    lines += [line for own in samples.values() for line in own]
    (folder / "day.om").write_text("\n".join([*lines, "# EOF", ""]))
    subprocess.run(
        ["promtool", "tsdb", "create-blocks-from", "openmetrics", folder / "day.om", folder / "data"],
        check=True,
        capture_output=True,
    )
    return totals


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Held]:
    if not shutil.which("promtool") or not shutil.which("prometheus"):
        pytest.skip("no prometheus on this machine")
    folder = tmp_path_factory.mktemp("prometheus")
    # Ends well before now: what is newer is the server's own head.
    start = int(time.time()) // SCRAPE * SCRAPE - (HOURS + 6) * 3600
    counts = backfill(folder, start)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (folder / "prometheus.yml").write_text(
        "global: {scrape_interval: 1s, scrape_timeout: 1s}\n"
        f"scrape_configs: [{{job_name: own, static_configs: [{{targets: ['127.0.0.1:{port}']}}]}}]\n"
    )
    url = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(
        [
            "prometheus",
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _ready(url)
        yield Held(url=url, start=start, counts=counts)
    finally:
        process.terminate()
        process.wait()


def _ready(url: str) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            if requests.get(f"{url}/-/ready", timeout=1).ok:
                return
        except requests.RequestException:
            pass
        time.sleep(0.1)
    pytest.fail("Prometheus did not become ready")


def _scraped(url: str, requests_seen: int) -> None:
    query = {"query": f'sum({OWN}{{handler=~"{HANDLERS}"}})'}
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        found = requests.get(f"{url}/api/v1/query", params=query, timeout=5).json()["data"]["result"]
        if found and float(found[0]["value"][1]) >= requests_seen:
            return
        time.sleep(0.2)
    pytest.fail("Prometheus did not scrape itself")


def test_a_day_of_a_real_server_is_read_to_the_last_request_and_tried(held: Held, tmp_path: Path) -> None:
    (tmp_path / "davy.yaml").write_text(FILE.format(url=held.url))
    kept = tmp_path / "past.jsonl"
    said = [DAVY, "judge", "backtest", "-o", "json", "--inject", "10"]
    run = subprocess.run(
        [*said, "--days", "1", "--export", kept], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert run.returncode == 0, run.stderr
    document = json.loads(run.stdout)
    assert any("hold nothing" in note for note in document["notes"])
    with kept.open() as lines:
        counts = pod_file.read(lines, "past.jsonl")
    assert counts.whole("availability") == held.counts
    rows = {(row["judge"], row["ratio"]): row for row in document["rows"]}
    assert rows["sequential", 1]["rolled_back_95"][0] <= document["alpha"]
    assert rows["sequential", 10]["rolled_back"] == document["starts"] > 15
    again = subprocess.run(
        [*said, "--from", kept], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert json.loads(again.stdout)["rows"] == document["rows"]


def test_counters_that_grow_now_are_read_as_they_were_asked_for(held: Held) -> None:
    paths = {"/api/v1/status/buildinfo": 40, "/api/v1/status/flags": 25}
    config = made(
        ChecksConfig,
        {
            "prometheus": held.url,
            "interval": "5s",
            "pod_label": "handler",
            "slos": [
                {
                    "name": "own",
                    "objective": 99,
                    "errors": f'{OWN}{{code="503"}}',
                    "total": f'{OWN}{{handler=~"{HANDLERS}"}}',
                }
            ],
        },
    )
    for path in paths:
        requests.get(held.url + path, timeout=5)
    _scraped(held.url, len(paths))
    start = datetime.now(UTC)
    for path, often in paths.items():
        for _ in range(often):
            requests.get(held.url + path, timeout=5)
    _scraped(held.url, len(paths) + sum(paths.values()))
    metrics = Prometheus(held.url, timeout=timedelta(seconds=5))
    read = pod_reader.read(
        metrics, config, warmup=timedelta(0), start=start, end=datetime.now(UTC), told=lambda part: None
    )
    whole = read.counts.whole("own")
    assert {path: whole[path] for path in paths} == {path: Counts(bad=0, total=n) for path, n in paths.items()}

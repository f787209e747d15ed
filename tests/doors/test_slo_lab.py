"""`davy slo status` as it is installed, against a real Prometheus and the counters it keeps of itself."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import quote
from urllib.request import urlopen

import pytest

from davy.pipeline.core.endings import Ending
from davy.pipeline.core.events import ReleaseFinished, Stage, StageFinished
from shop.stage import DAVY, merged
from shop.visit import Visit, merged_config

pytestmark = pytest.mark.lab
Davy = Callable[..., subprocess.CompletedProcess[str]]

FILE = """\
service: prometheus
images: [{{name: registry.example.com/x/prometheus}}]
deploy: {{kubernetes: {{namespace: x, deployment: prometheus}}}}
checks:
  prometheus: http://127.0.0.1:{port}
  slo_files: [pyrra.yaml]
  gate: {{budget_left: 10%}}
  slos:
    - {{name: answers, objective: 99, errors: 'prometheus_http_requests_total{{code=~"5.."}}', total: prometheus_http_requests_total}}
    - {{name: good, objective: 50, good: 'prometheus_http_requests_total{{code="200"}}', total: prometheus_http_requests_total}}
    - {{name: refused, objective: 99, errors: 'prometheus_http_requests_total{{code=~"4..",handler="/api/v1/query"}}',
       total: 'prometheus_http_requests_total{{handler="/api/v1/query"}}'}}
    - {{name: nothing, objective: 99, errors: nope_errors_total, total: nope_total}}
"""  # noqa: E501 - as a file has it
PYRRA = """\
apiVersion: pyrra.dev/v1alpha1
kind: ServiceLevelObjective
metadata: {name: quick}
spec:
  target: '50'
  window: 2w
  indicator:
    latency:
      success: {metric: 'prometheus_http_request_duration_seconds_bucket{handler="/metrics",le="8"}'}
      total: {metric: 'prometheus_http_request_duration_seconds_count{handler="/metrics"}'}
"""


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """A Prometheus that scrapes itself, and that was asked for nonsense as well."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    (tmp_path / "prometheus.yml").write_text(
        "global: {scrape_interval: 1s, scrape_timeout: 1s}\n"
        f"scrape_configs: [{{job_name: own, static_configs: [{{targets: ['127.0.0.1:{port}']}}]}}]\n"
    )
    command = ["prometheus", f"--config.file={tmp_path}/prometheus.yml", f"--storage.tsdb.path={tmp_path}/data"]
    process = subprocess.Popen(
        [*command, f"--web.listen-address=127.0.0.1:{port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _until(lambda: _counted(port, 'prometheus_http_requests_total{code="200"}'))
        # More than once: what a series had counted by its first scrape is no increase.
        _until(lambda: bool(_asked(port, "up{")) and _counted(port, 'prometheus_http_requests_total{code="400"}'))
        yield port
    finally:
        process.terminate()
        process.wait(timeout=30)


def _asked(port: int, query: str) -> dict[str, object]:
    try:
        with urlopen(f"http://127.0.0.1:{port}/api/v1/query?query={quote(query)}", timeout=5) as answer:
            return dict(json.load(answer))
    except HTTPError as error:
        # A server that is not ready yet says so in plain words.
        return {} if error.code == HTTPStatus.SERVICE_UNAVAILABLE else dict(json.load(error))
    except URLError:
        return {}


def _counted(port: int, selector: str) -> bool:
    """True once the counter was seen to go up."""
    data = _asked(port, f"sum(increase({selector}[1h])) > 0").get("data")
    return isinstance(data, dict) and bool(data["result"])


def _until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not done():
        assert time.monotonic() < deadline, "the counters did not come"
        time.sleep(0.2)


def _written(tmp_path: Path, port: int) -> None:
    (tmp_path / "davy.yaml").write_text(FILE.format(port=port))
    (tmp_path / "pyrra.yaml").write_text(PYRRA)


def test_the_budgets_of_real_counters_are_told_and_what_has_no_data_is_told_apart(
    davy: Davy, port: int, tmp_path: Path
) -> None:
    _written(tmp_path, port)
    run = davy("slo", "status", "-o", "json")
    assert run.returncode == Ending.DONE, run.stderr
    answers, good, refused, nothing, quick = json.loads(run.stdout)["objectives"]
    assert (answers["budget_left"], answers["events"]["bad"]) == (1, 0)
    assert 0 < good["events"]["bad"] < good["events"]["total"]
    assert refused["budget_left"] < 0
    assert (quick["name"], quick["budget_left"], quick["window"]) == ("quick", 1, 14 * 86400)
    assert (nothing["gap"], nothing["budget_left"]) == ("absent", None)
    since = datetime.fromisoformat(answers["since"])
    assert abs((datetime.now(UTC) - since).total_seconds()) < 600
    shown = davy("slo", "status").stdout
    assert "Cannot tell: there is no series of nope_total." in shown
    assert "data begin at" in " ".join(shown.split())
    assert max(map(len, shown.splitlines())) <= 80


def test_the_gate_says_no_to_what_is_spent_or_unknown_and_yes_to_the_rest(
    davy: Davy, port: int, tmp_path: Path
) -> None:
    _written(tmp_path, port)
    assert davy("slo", "status", "--gate", "answers").returncode == Ending.DONE
    for name, says in (("refused", "no error budget left"), ("nothing", "there is no series of nope_total")):
        run = davy("slo", "status", "--gate", name)
        assert run.returncode == Ending.REJECTED
        assert says in run.stderr


def test_a_server_that_went_away_is_exit_6(davy: Davy, tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        _written(tmp_path, int(closed.getsockname()[1]))
        run = davy("slo", "status", "--gate", "-o", "json")
    assert run.returncode == Ending.UNREACHABLE
    said = json.loads(run.stdout)
    assert {one["gap"] for one in said["objectives"]} == {"unreachable"}
    assert said["gate"]["passed"] is False


def test_a_spent_budget_stops_a_canary_before_anything_is_touched_and_a_plan_foresees_it(visit: Visit) -> None:
    events = f'http_requests_total{{namespace="{visit.shop.namespace}"}}'
    with visit.customers():
        visit.until(lambda: bool(visit.shop.series(f"sum(increase({events}[1m])) > 20")), within=60)
    every = events.replace("}", ',code=~".+"}')
    spent = {"name": "availability", "objective": 95, "errors": every, "total": events}
    gate = {"checks": {"slos": [spent], "gate": {"budget_left": "10%"}}}
    visit.shop.write_config(merged(merged_config(visit.shop.namespace, {}), gate))
    run = visit.canary("good")
    run.ends(Ending.REJECTED)
    said = run.last(ReleaseFinished)
    assert said.sentence.startswith("availability ")
    assert said.sentence.endswith("no traffic moved")
    assert "--accept-budget" in said.remedy
    assert [stage.stage for stage in run.all(StageFinished)] == [Stage.BUDGET]
    visit.is_untouched()
    plan = subprocess.run(
        [DAVY, "plan"],
        cwd=visit.shop.folder,
        env={**visit.shop.environment(), "DAVY_OUTPUT": "text"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert plan.returncode == Ending.DONE, plan.stderr
    assert "Ask that 1 error budget has at least 10 % left" in plan.stdout
    assert "the gate would say no: availability" in plan.stdout

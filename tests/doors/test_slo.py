"""`davy slo` as a subprocess: what it prints, where, and with which exit code. No lab."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

Davy = Callable[..., subprocess.CompletedProcess[str]]

CHECKS = """\
service: checkout
images: [{{name: registry.example.com/shop/checkout}}]
deploy: {{kubernetes: {{namespace: shop, deployment: checkout}}}}
checks:
  prometheus: {{url: "{url}", timeout: 1s}}
  slo_files: [slo.yaml]
  gate: {{budget_left: 10%}}
  slos: [{{name: own, objective: 99, errors: own_errors, total: own_total}}]
"""
SLOTH = """\
version: prometheus/v1
service: checkout
slos:
  - name: filed
    objective: 99.9
    sli:
      events:
        error_query: sum(rate(errors_total[{{.window}}]))
        total_query: sum(rate(all_total[{{.window}}]))
"""


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str], None]:
    def write(url: str) -> None:
        (tmp_path / "davy.yaml").write_text(CHECKS.format(url=url))
        (tmp_path / "slo.yaml").write_text(SLOTH)

    return write


def prometheus(server: HTTPServer, share: float) -> str:
    """Answers every span with 1000 events, of which this share was bad; `own_…` it does not know."""

    def answer(request: Request) -> Response:
        query = request.values["query"]
        vector = []
        for part in query.split(" or ") if "own_" not in query else []:
            if "label_replace" in part:
                mark = part.split('"davy_asks", "')[1].split('"')[0]
                value = 1000 * share if mark.startswith("bad") else 1000
                vector.append({"metric": {"davy_asks": mark}, "value": [0, str(value)]})
            else:
                vector.append({"metric": {}, "value": [0, "1"]})
        return Response(json.dumps({"status": "success", "data": {"resultType": "vector", "result": vector}}))

    server.expect_request("/api/v1/query").respond_with_handler(answer)
    return server.url_for("").rstrip("/")


def test_the_status_is_a_table_with_the_filed_and_the_own_objectives(
    davy: Davy, written: Callable[[str], None], httpserver: HTTPServer
) -> None:
    written(prometheus(httpserver, 0.0005))
    run = davy("slo", "status")
    assert run.returncode == 0, run.stderr
    assert "filed, 99.9 % in 30d: 0.5 of 1,000 events were bad in 30d" in run.stdout
    assert "own, 99 % in 30d: Cannot tell: there is no series of own_total." in run.stdout


def test_the_gate_exits_with_3_for_what_is_spent_and_for_what_is_not_known(
    davy: Davy, written: Callable[[str], None], httpserver: HTTPServer
) -> None:
    written(prometheus(httpserver, 0.0005))
    assert davy("slo", "status", "--gate", "filed").returncode == 0
    unknown = davy("slo", "status", "--gate", "own")
    assert unknown.returncode == 3
    assert "own cannot tell its error budget" in unknown.stderr


def test_a_budget_that_burns_is_refused_and_the_json_says_why(
    davy: Davy, written: Callable[[str], None], httpserver: HTTPServer
) -> None:
    written(prometheus(httpserver, 0.02))
    run = davy("slo", "status", "--gate", "-o", "json", "filed")
    said = json.loads(run.stdout)
    assert (run.returncode, said["ending"], said["gate"]["passed"]) == (3, "rejected", False)
    assert said["objectives"][0]["burn"][0]["burning"] is True
    assert said["gate"]["refused"] == ["filed has no error budget left, and 10 % is asked"]


def test_an_unreachable_server_is_exit_6_and_still_a_table(davy: Davy, written: Callable[[str], None]) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        written(f"http://127.0.0.1:{closed.getsockname()[1]}")
        for more in ((), ("--gate",)):
            run = davy("slo", "status", *more)
            assert run.returncode == 6
            assert "nothing listens at" in run.stdout.replace("\n ", "")
            assert "Traceback" not in run.stderr


def test_a_name_that_is_no_objective_is_told_with_those_there_are(davy: Davy, written: Callable[[str], None]) -> None:
    written("http://127.0.0.1:1")
    run = davy("slo", "status", "availabilty")
    assert run.returncode == 2
    assert "own and filed" in run.stderr


def test_validate_counts_the_filed_objectives_and_names_their_problems(
    davy: Davy, written: Callable[[str], None], tmp_path: Path
) -> None:
    written("http://prometheus:9090")
    assert "2 checks" in davy("validate").stdout
    (tmp_path / "slo.yaml").write_text(SLOTH.replace("sum(rate(all_total[{{.window}}]))", "avg(all)"))
    run = davy("validate")
    assert run.returncode == 2
    assert "slo.yaml:9: slos[0].sli.events.total_query: is a avg(…)" in run.stderr


def test_an_import_prints_what_davy_yaml_says_and_talks_of_the_rest_on_stderr(davy: Davy, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(
        SLOTH + "  - {name: made, objective: 99, sli: {raw: {error_ratio_query: x}}, alerting: {}}\n"
    )
    run = davy("slo", "import", "a.yaml")
    assert run.returncode == 0, run.stderr
    assert yaml.safe_load(run.stdout) == {
        "checks": {"slos": [{"name": "filed", "objective": 99.9, "errors": "errors_total", "total": "all_total"}]}
    }
    assert "left out: a.yaml:10: slos[1].sli.raw: is a ratio" in run.stderr
    assert "note: a.yaml:10: slos[1].alerting: is not carried over" in run.stderr
    said = json.loads(davy("slo", "import", "a.yaml", "-o", "json").stdout)
    assert (said["davy_slo_import"], len(said["left_out"]), len(said["notes"])) == (1, 1, 1)


def test_an_import_of_nothing_is_exit_2_with_every_reason(davy: Davy, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("kind: Pod\napiVersion: v1\n")
    (tmp_path / "b.yaml").write_text("a: [")
    run = davy("slo", "import", "a.yaml", "b.yaml")
    assert (run.returncode, run.stdout) == (2, "")
    assert "a.yaml:1:" in run.stderr
    assert "b.yaml:1: is no YAML" in run.stderr
    gone = davy("slo", "import", "c.yaml", "d.yaml")
    assert gone.returncode == 2
    assert "c.yaml" in gone.stderr
    assert "d.yaml" in gone.stderr
